"""What is your own: add routers, middleware and error handlers here."""

from fastapi import FastAPI

from .routes.builder import builder_router


def init_app(app: FastAPI) -> None:
    """Install your own parts."""
    app.include_router(builder_router)
