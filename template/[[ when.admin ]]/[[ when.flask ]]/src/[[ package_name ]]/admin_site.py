"""Where the admin site is: an ASGI application behind a view.

Each request has an event loop of its own, as an asynchronous view in Flask has.
"""

import asyncio

from flask import Flask, Response, current_app, redirect, request
from starlette.applications import Starlette
from starlette.types import Message
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response as BaseResponse

from .admin import make_admin


def lead_to_admin() -> BaseResponse:
    """Lead to the first page of the admin site."""
    return redirect(f"{request.script_root}/admin/", 303)


def show_admin(path: str = "") -> Response:
    """Have the admin site answer a request."""
    # Read here, where it has its limit.
    body = request.get_data()
    scope = {
        "type": "http",
        # Version 2.4 of the specification: nobody waits for the client to go.
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.scheme,
        "root_path": request.script_root,
        "path": f"{request.script_root}{request.path}",
        "query_string": request.query_string,
        "headers": [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in request.headers
        ],
        "client": (request.remote_addr, 0) if request.remote_addr else None,
    }
    answer: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    async def send(message: Message) -> None:
        answer.append(message)

    asyncio.run(current_app.extensions["admin"](scope, receive, send))
    start, *parts = answer
    response = Response(b"".join(part.get("body", b"") for part in parts), start["status"])
    response.headers = Headers(
        [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]]
    )
    return response


def init_app(app: Flask) -> None:
    """Install the admin site at ``/admin``."""
    site = app.extensions["admin"] = Starlette()
    make_admin(site, app.extensions["logins"], lambda: app.extensions["database"])
    app.add_url_rule("/admin", view_func=lead_to_admin)
    for rule in ("/admin/", "/admin/<path:path>"):
        app.add_url_rule(rule, view_func=show_admin, methods=["GET", "POST", "DELETE"])
