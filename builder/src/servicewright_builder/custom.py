"""What is your own: add routers, middleware and error handlers here."""

from fastapi import FastAPI

from .drafts import shared
from .routes.builder import builder_router


def init_app(app: FastAPI) -> None:
    """Install your own parts."""
    # Now, so that nobody waits for it and processes that part later have it.
    shared()
    app.include_router(builder_router)
