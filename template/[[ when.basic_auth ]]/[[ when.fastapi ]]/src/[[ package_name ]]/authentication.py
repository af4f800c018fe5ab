"""HTTP Basic authentication.

A route that asks for credentials:

    @router.post("/orders", dependencies=[LoginRequired])

All routes of a router: ``APIRouter(dependencies=[LoginRequired])``. A route that wants to know the
user has a parameter of the type UsernameDep.
"""

from typing import Annotated

from fastapi import Depends
from fastapi.requests import HTTPConnection
from fastapi.security.http import HTTPAuthorizationCredentials, HTTPBase

from .dependencies import state_of
from .security import Logins

# Only for the documentation: FastAPI's own HTTPBasic knows no letters outside ASCII.
http_basic = HTTPBase(scheme="basic", scheme_name="HTTPBasic", auto_error=False)


async def get_username(
    connection: HTTPConnection,
    _: Annotated[HTTPAuthorizationCredentials | None, Depends(http_basic)],
) -> str:
    """Give the name of the user, or ask for credentials."""
    logins: Logins = state_of(connection).logins
    address = connection.client.host if connection.client else None
    return logins.username(connection.headers.get("Authorization"), address)


LoginRequired = Depends(get_username)
UsernameDep = Annotated[str, LoginRequired]
