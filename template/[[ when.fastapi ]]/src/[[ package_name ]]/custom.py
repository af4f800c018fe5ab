"""What is your own: add routers, middleware and error handlers here.

Routers are made with ``APIRouter(route_class=OneThreadRoute)``, from ``routing.py``. What is opened
at the start and closed at the end belongs to a router's ``lifespan``, and what that yields is found
in ``request.state``. Middleware stands inside the service's own: its answers get the headers of all
others, and its errors are answered as those of routes.
"""

from fastapi import FastAPI


def init_app(app: FastAPI) -> None:
    """Install your own parts."""
