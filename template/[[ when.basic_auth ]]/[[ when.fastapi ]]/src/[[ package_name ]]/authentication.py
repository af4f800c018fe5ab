"""HTTP Basic authentication.

A route that asks for credentials:

    @router.post("/orders", dependencies=[LoginRequired])

All routes of a router: ``APIRouter(dependencies=[LoginRequired])``. A route that wants to know the
user has a parameter of the type UsernameDep.
"""

from typing import Annotated

from fastapi import Depends
from fastapi.dependencies.models import Dependant
from fastapi.requests import HTTPConnection
from fastapi.routing import iter_route_contexts
from fastapi.security.http import HTTPAuthorizationCredentials, HTTPBase
from starlette.routing import Match

from .dependencies import state_of
from .security import Logins

# Only for the documentation: FastAPI's own HTTPBasic knows no letters outside ASCII.
http_basic = HTTPBase(scheme="basic", scheme_name="HTTPBasic", auto_error=False)


async def get_username(
    connection: HTTPConnection,
    _: Annotated[HTTPAuthorizationCredentials | None, Depends(http_basic)],
) -> str:
    """Give the name of the user, or ask for credentials."""
    if not hasattr(connection.state, "username"):
        logins: Logins = state_of(connection).logins
        address = connection.client.host if connection.client else None
        given = connection.headers.get("Authorization")
        connection.state.username = logins.username(given, address)
    username: str = connection.state.username
    return username


LoginRequired = Depends(get_username)
UsernameDep = Annotated[str, LoginRequired]


async def ask_first(connection: HTTPConnection) -> None:
    """Ask for credentials before an error is answered.

    FastAPI reads a body before it asks for anything else: nobody is told what is wrong with theirs
    who may not send it.
    """
    if get_username in connection.app.dependency_overrides:
        return
    for route in iter_route_contexts(connection.app.routes):
        if route.matches(connection.scope)[0] is Match.FULL:
            dependant = getattr(route, "dependant", None)
            if dependant and asks_for_login(dependant):
                await get_username(connection, None)
            return


def asks_for_login(dependant: Dependant) -> bool:
    """Tell whether what a route depends on includes the user."""
    return dependant.call is get_username or any(map(asks_for_login, dependant.dependencies))
