"""Which other origins may read the answers."""

from flask import Flask
from flask_cors import CORS

from .settings import Settings


def init_app(app: Flask, settings: Settings) -> None:
    """Install the extension."""
    CORS(
        app,
        origins=settings.cors_origins,
        supports_credentials=settings.cors_credentials,
        methods=["DELETE", "GET", "PATCH", "POST", "PUT"],
        allow_headers=["Authorization", "Content-Type"],
        expose_headers=["Location", "X-Process-Time"],
        send_wildcard=True,
    )
