#{% filter imports | fitted %}
"""[[ "Authentication with access tokens" if when.bearer else "HTTP Basic authentication" ]].

A route that asks for credentials:

    @router.post("/orders", dependencies=[LoginRequired])

All routes of a router: ``APIRouter(dependencies=[LoginRequired])``. A route that wants to know the
#{% if when.bearer %}
user has a parameter of the type AccountDep, or UsernameDep. A route for those who have a role has
``dependencies=[role_required("admin")]`` instead.
#{% else %}
user has a parameter of the type UsernameDep.
#{% endif %}
"""

from typing import Annotated, Any

from fastapi import Depends
from fastapi.concurrency import run_in_threadpool
from fastapi.dependencies.models import Dependant
from fastapi.requests import HTTPConnection
from fastapi.routing import iter_route_contexts
from fastapi.security import OAuth2PasswordBearer, OpenIdConnect
from fastapi.security.http import HTTPAuthorizationCredentials, HTTPBase
from starlette.routing import Match

from .dependencies import SessionDep, state_of
from .login_page import COOKIE, LoginNeededError
from .security import Logins, MissingRoleError
from .tokens import Account, Role
from .users import UserStore

#{% if when.bearer %}
#{% if when.jwt %}
# Only for the documentation, whose pages log in there.
oauth2 = OAuth2PasswordBearer(tokenUrl="token", refreshUrl="token/refresh", auto_error=False)


async def get_logins(connection: HTTPConnection) -> Logins:
    """Give what signs users up and logs them in."""
#{% else %}
# Only for the documentation: the document of each application names its own issuer.
openid_connect = OpenIdConnect(openIdConnectUrl="", auto_error=False)


async def get_logins(connection: HTTPConnection) -> Logins:
    """Give what knows users again."""
#{% endif %}
    logins: Logins = state_of(connection).logins
    return logins


LoginsDep = Annotated[Logins, Depends(get_logins)]

#{% if when.oidc %}

async def get_account(
    connection: HTTPConnection, logins: LoginsDep, _: Annotated[str | None, Depends(openid_connect)]
) -> Account:
    """Give the account of the user, or ask for an access token."""
    # In a thread, because the issuer may be asked for its keys.
    return await run_in_threadpool(logins.account, connection.headers.get("Authorization"))

#{% else %}
#{% if when.database %}

async def get_user_store(session: SessionDep) -> UserStore:
    """Give the store of the users."""
    return UserStore(session)

#{% else %}

async def get_user_store(connection: HTTPConnection) -> UserStore:
    """Give the store of the users."""
    store: UserStore = state_of(connection).user_store
    return store

#{% endif %}

UserStoreDep = Annotated[UserStore, Depends(get_user_store)]


async def get_address(connection: HTTPConnection) -> str | None:
    """Give the address of the client."""
    return connection.client.host if connection.client else None


AddressDep = Annotated[str | None, Depends(get_address)]


async def get_account(
    connection: HTTPConnection, logins: LoginsDep, _: Annotated[str | None, Depends(oauth2)]
) -> Account:
    """Give the account of the user, or ask for an access token."""
    return logins.account(connection.headers.get("Authorization"))

#{% endif %}

LoginRequired = Depends(get_account)
AccountDep = Annotated[Account, LoginRequired]


async def get_username(account: AccountDep) -> str:
    """Give the name of the user, or ask for an access token."""
    return account.username


UsernameDep = Annotated[str, Depends(get_username)]

#{% if when.login_page %}

#{% if when.jwt %}
def get_visitor(connection: HTTPConnection, users: UserStoreDep, logins: LoginsDep) -> Account | None:
    """Give the account of who visits a page, if they have logged in, to the template too."""
    visitor = logins.visitor(
        users, connection.headers.get("Authorization"), connection.cookies.get(COOKIE)
    )
#{% else %}
def get_visitor(connection: HTTPConnection, logins: LoginsDep) -> Account | None:
    """Give the account of who visits a page, if they have logged in, to the template too."""
    visitor = logins.visitor(
        connection.headers.get("Authorization"), connection.cookies.get(COOKIE)
    )
#{% endif %}
    connection.state.visitor = visitor
    return visitor


VisitorDep = Annotated[Account | None, Depends(get_visitor)]


async def require_visitor(connection: HTTPConnection, visitor: VisitorDep) -> None:
    """Lead who has not logged in to the login page."""
    if visitor is None:
        raise LoginNeededError(connection.scope.get("root_path", ""))


PageLoginRequired = Depends(require_visitor)

#{% endif %}

def role_required(role: Role) -> Any:
    """Give the dependency that refuses those who do not have a role."""

    async def check(account: AccountDep) -> None:
        if role not in account.roles:
            raise MissingRoleError(role)

    return Depends(check)
#{% else %}
# Only for the documentation: FastAPI's own HTTPBasic knows no letters outside ASCII.
http_basic = HTTPBase(scheme="basic", scheme_name="HTTPBasic", auto_error=False)


async def get_username(
    connection: HTTPConnection,
    _: Annotated[HTTPAuthorizationCredentials | None, Depends(http_basic)],
) -> str:
    """Give the name of the user, or ask for credentials."""
    if not hasattr(connection.state, "logged_in_as"):
        logins: Logins = state_of(connection).logins
        address = connection.client.host if connection.client else None
        given = connection.headers.get("Authorization")
        connection.state.logged_in_as = logins.username(given, address)
    username: str = connection.state.logged_in_as
    return username


LoginRequired = Depends(get_username)
UsernameDep = Annotated[str, LoginRequired]
#{% endif %}


#{% set asked = "get_account" if when.bearer else "get_username" %}
async def ask_first(connection: HTTPConnection) -> None:
    """Ask for [[ "an access token" if when.bearer else "credentials" ]] before an error is answered.

    FastAPI reads a body before it asks for anything else: nobody is told what is wrong with theirs
    who may not send it.
    """
    if [[ asked ]] in connection.app.dependency_overrides:
        return
    for route in iter_route_contexts(connection.app.routes):
        if route.matches(connection.scope)[0] is Match.FULL:
            dependant = getattr(route, "dependant", None)
            if dependant and asks_for_login(dependant):
                #{% if when.bearer %}
                await get_account(connection, state_of(connection).logins, None)
                #{% else %}
                await get_username(connection, None)
                #{% endif %}
            return


def asks_for_login(dependant: Dependant) -> bool:
    """Tell whether what a route depends on includes the user."""
    return dependant.call is [[ asked ]] or any(map(asks_for_login, dependant.dependencies))
#{% endfilter %}
