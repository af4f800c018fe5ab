"""HTTP Basic authentication.

A view that asks for credentials:

    @blueprint.post("/orders")
    @login_required
    @operation(status=201)
    def create_order(body: OrderCreate) -> OrderPublic: ...

All views of a blueprint: ``blueprint.before_request(require_login)``, of the whole application:
``app.before_request(require_login)``. (What a hook returns is the answer, so ``get_username`` is none.)
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Flask, current_app, g, request

from .security import Logins


def get_username() -> str:
    """Give the name of the user, or ask for credentials."""
    if "username" not in g:
        logins: Logins = current_app.extensions["logins"]
        g.username = logins.username(request.headers.get("Authorization"), request.remote_addr)
    username: str = g.username
    return username


def require_login() -> None:
    """Ask for credentials before a view."""
    # Browsers send none when they ask what they may send.
    if request.method != "OPTIONS":
        get_username()


def login_required(view: Callable[..., Any]) -> Callable[..., Any]:
    """Ask for credentials before this view."""

    @wraps(view)
    def guarded(*arguments: Any, **parameters: Any) -> Any:
        get_username()
        return current_app.ensure_sync(view)(*arguments, **parameters)

    guarded.requires_login = True  # type: ignore[attr-defined]
    return guarded


def requires_login(app: Flask, endpoint: str, view: Callable[..., Any]) -> bool:
    """Tell whether a view asks for credentials, for the documentation."""
    blueprints = [endpoint.rsplit(".", depth)[0] for depth in range(1, endpoint.count(".") + 1)]
    guards = [guard for name in (None, *blueprints) for guard in app.before_request_funcs[name]]
    guarded = any(hasattr(each, "requires_login") for each in (view, app.view_functions[endpoint]))
    return guarded or require_login in guards
