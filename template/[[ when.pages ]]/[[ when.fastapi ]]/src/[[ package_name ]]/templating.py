"""Jinja templates and static files."""

from pathlib import Path
#{% if when.login_page %}
from typing import Any
#{% endif %}

from fastapi import FastAPI, Request
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates

HERE = Path(__file__).parent


def give_root_path(request: Request) -> dict[str, str]:
    """Tell each template the path below which the service is served."""
    return {"root_path": request.scope.get("root_path", "")}


#{% if when.login_page %}
def give_visitor(request: Request) -> dict[str, Any]:
    """Tell each template who visits the page."""
    return {"visitor": getattr(request.state, "visitor", None)}


templates = Jinja2Templates(
    directory=HERE / "templates", context_processors=[give_root_path, give_visitor]
)
#{% else %}
templates = Jinja2Templates(directory=HERE / "templates", context_processors=[give_root_path])
#{% endif %}


def init_app(app: FastAPI) -> None:
    """Serve the static files."""
    app.mount("/static", StaticFiles(directory=HERE / "static"))
