"""What is your own: add routers, middleware and error handlers here."""

from fastapi import FastAPI


def init_app(app: FastAPI) -> None:
    """Install your own parts."""
