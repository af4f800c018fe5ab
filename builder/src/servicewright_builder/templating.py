"""Jinja templates and static files."""

from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates

HERE = Path(__file__).parent


def give_root_path(request: Request) -> dict[str, str]:
    """Tell each template the path below which the service is served."""
    return {"root_path": request.scope.get("root_path", "")}


templates = Jinja2Templates(directory=HERE / "templates", context_processors=[give_root_path])


def init_app(app: FastAPI) -> None:
    """Serve the static files."""
    app.mount("/static", StaticFiles(directory=HERE / "static"))
