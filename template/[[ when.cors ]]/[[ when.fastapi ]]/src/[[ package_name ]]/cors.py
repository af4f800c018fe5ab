"""Which other origins may read the answers."""

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from .settings import Settings


def init_app(app: FastAPI, settings: Settings) -> None:
    """Install the middleware."""
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_credentials=settings.cors_credentials,
        allow_methods=["DELETE", "GET", "PATCH", "POST", "PUT"],
        allow_headers=["Authorization", "Content-Type", "If-None-Match", "X-Request-ID"],
        expose_headers=["ETag", "Location", "Retry-After", "X-Process-Time", "X-Request-ID"],
    )
