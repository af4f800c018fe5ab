#{% filter imports %}
"""Where the admin site is: an application that is mounted in the service."""

from collections.abc import Callable

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .admin import make_admin
from .admin_login import is_static
from .admission import Admission


#{% if when.oidc %}
def is_login(scope: Scope) -> bool:
    """Tell whether a request is a part of a login, which needs the issuer and no table."""
    path: str = scope["path"]
    parts = {"/login", "/login/first", "/login/callback"}
    return path.removeprefix(scope["root_path"]) in parts


#{% endif %}
class InTurn:
    """Has a request wait for a place among those that use the database.

    Nobody who sends or receives slowly holds one: the body is read before, the answer sent after.
    """

    def __init__(self, app: ASGIApp, sessions: Callable[..., Admission]) -> None:
        self.app = app
        self.sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have a request answered when it is its turn."""
        if is_static(scope)[[ " or is_login(scope)" if when.oidc else "" ]]:
            await self.app(scope, receive, send)
            return
        body = await Request(scope, receive).body()
        came: list[Message] = [{"type": "http.request", "body": body}]
        answer: list[Message] = []

        async def receive_again() -> Message:
            return came.pop() if came else await receive()

        async def keep(message: Message) -> None:
            answer.append(message)

        async with self.sessions().place():
            await self.app(scope, receive_again, keep)
        for message in answer:
            await send(message)


async def lead_to_admin(request: Request) -> RedirectResponse:
    """Lead to the first page of the admin site."""
    return RedirectResponse(request.url_for("admin:index"), 303)


def init_app(app: FastAPI) -> None:
    """Install the admin site at ``/admin``."""
    app.get("/admin", include_in_schema=False)(lead_to_admin)
    in_turn = Middleware(InTurn, lambda: app.state.sessions)
    make_admin(app, app.state.logins, lambda: app.state.database, [in_turn])
#{% endfilter %}
