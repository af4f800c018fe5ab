#{% filter imports %}
"""[[ "Authentication with access tokens" if when.bearer else "HTTP Basic authentication" ]].

A view that asks for credentials:

    @blueprint.post("/orders")
    @login_required
    @operation(status=201)
    def create_order(body: OrderCreate) -> OrderPublic: ...

All views of a blueprint: ``blueprint.before_request(require_login)``, of the whole application:
``app.before_request(require_login)``.
#{% if when.bearer %}

A view for those who have a role has ``@role_required("admin")`` instead.
#{% endif %}
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Flask, current_app, g, request

from .dependencies import get_session
from .login_page import COOKIE, LoginNeededError
from .security import Logins, MissingRoleError
from .settings import Settings
from .tokens import Account, Role
from .users import UserStore

#{% if when.jwt %}
# For the documentation, whose pages log in there.
PASSWORD_FLOW = {
    "type": "oauth2",
    "flows": {"password": {"scopes": {}, "tokenUrl": "token", "refreshUrl": "token/refresh"}},
}


def get_logins() -> Logins:
    """Give what signs users up and logs them in."""
    logins: Logins = current_app.extensions["logins"]
    return logins


def get_user_store() -> UserStore:
    """Give the store of the users."""
    #{% if when.database %}
    return UserStore(get_session())
    #{% else %}
    store: UserStore = current_app.extensions["user_store"]
    return store
    #{% endif %}


#{% elif when.oidc %}

def get_logins() -> Logins:
    """Give what knows users again."""
    logins: Logins = current_app.extensions["logins"]
    return logins


def security_schemes(app: Flask) -> dict[str, Any]:
    """Tell the documentation where users have their tokens from."""
    logins: Logins | None = app.extensions.get("logins")
    return {"OpenIdConnect": logins.scheme} if logins else {}


#{% endif %}
#{% if when.bearer %}
def get_account() -> Account:
    """Give the account of the user, or ask for an access token."""
    if "account" not in g:
        g.account = get_logins().account(request.headers.get("Authorization"))
    account: Account = g.account
    return account


def get_username() -> str:
    """Give the name of the user, or ask for an access token."""
    return get_account().username

#{% if when.login_page %}

def get_visitor() -> Account | None:
    """Give the account of who visits a page, if they have logged in."""
    if "visitor" not in g:
        #{% if when.jwt %}
        g.visitor = get_logins().visitor(
            get_user_store(), request.headers.get("Authorization"), request.cookies.get(COOKIE)
        )
        #{% else %}
        g.visitor = get_logins().visitor(
            request.headers.get("Authorization"), request.cookies.get(COOKIE)
        )
        #{% endif %}
    visitor: Account | None = g.visitor
    return visitor


def page_login_required(view: Callable[..., Any]) -> Callable[..., Any]:
    """Lead who has not logged in to the login page instead of this view."""

    @wraps(view)
    def guarded(*arguments: Any, **parameters: Any) -> Any:
        if get_visitor() is None:
            raise LoginNeededError(request.script_root)
        return current_app.ensure_sync(view)(*arguments, **parameters)

    return guarded

#{% endif %}
#{% else %}

def get_username() -> str:
    """Give the name of the user, or ask for credentials."""
    if "username" not in g:
        logins: Logins = current_app.extensions["logins"]
        g.username = logins.username(request.headers.get("Authorization"), request.remote_addr)
    username: str = g.username
    return username
#{% endif %}


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


#{% if when.bearer %}
def role_required(role: Role) -> Callable[..., Any]:
    """Refuse those who do not have a role before this view."""

    def guard(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def guarded(*arguments: Any, **parameters: Any) -> Any:
            if role not in get_account().roles:
                raise MissingRoleError(role)
            return current_app.ensure_sync(view)(*arguments, **parameters)

        return login_required(guarded)

    return guard


#{% endif %}
def requires_login(app: Flask, endpoint: str, view: Callable[..., Any]) -> bool:
    """Tell whether a view asks for credentials, for the documentation."""
    blueprints = [endpoint.rsplit(".", depth)[0] for depth in range(1, endpoint.count(".") + 1)]
    guards = [guard for name in (None, *blueprints) for guard in app.before_request_funcs[name]]
    guarded = any(hasattr(each, "requires_login") for each in (view, app.view_functions[endpoint]))
    return guarded or require_login in guards


def ask_only() -> None:
    """Have hooks that give the name of the user ask for it alone: Flask would answer the name."""
    for hooks in list(current_app.before_request_funcs.values()):
        if get_username in hooks:
            hooks[:] = [require_login if hook is get_username else hook for hook in hooks]


def init_app(app: Flask, settings: Settings) -> None:
    """Keep who may log in, and install the hook."""
    app.extensions["logins"] = Logins(settings)
    app.before_request(ask_only)
#{% endfilter %}
