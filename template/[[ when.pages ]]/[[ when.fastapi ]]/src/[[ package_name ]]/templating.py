"""Jinja templates and static files."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates

HERE = Path(__file__).parent

templates = Jinja2Templates(directory=HERE / "templates")


def init_app(app: FastAPI) -> None:
    """Serve the static files."""
    app.mount("/static", StaticFiles(directory=HERE / "static"))
