"""The users' accounts: signing up, logging in, and what a user may do about that."""

from flask import Blueprint, request

from ..accounts import (
    PasswordChange,
    PasswordGrant,
    RefreshGrant,
    Revocation,
    SignUp,
    TokenPair,
    UserPage,
    UserPublic,
    UserQuery,
)
from ..authentication import (
    get_account,
    get_logins,
    get_user_store,
    login_required,
    role_required,
)
from ..openapi import operation
from ..tokens import Account

account_blueprint = Blueprint("account", __name__)

NOT_STORED = {"Cache-Control": "no-store"}


@account_blueprint.post("/users")
@operation(status=201, errors=[409, 429])
def sign_up(body: SignUp) -> UserPublic:
    """Sign up as a new user."""
    user = get_logins().sign_up(get_user_store(), body, request.remote_addr)
    return UserPublic.model_validate(user)


@account_blueprint.get("/users")
@role_required("admin")
@operation(errors=[403])
def list_users(query: UserQuery) -> UserPage:
    """List the users, for an admin."""
    users, total = get_user_store().page(query.limit, query.offset)
    page = {"users": users, "total": total, "limit": query.limit, "offset": query.offset}
    return UserPage.model_validate(page)


@account_blueprint.post("/token")
@operation(errors=[401, 429])
def log_in(form: PasswordGrant) -> tuple[TokenPair, dict[str, str]]:
    """Log in with a name and a password."""
    return get_logins().log_in(get_user_store(), form, request.remote_addr), NOT_STORED


@account_blueprint.post("/token/refresh")
@operation(errors=[401])
def refresh_token(form: RefreshGrant) -> tuple[TokenPair, dict[str, str]]:
    """Give new tokens for a refresh token, which is used up."""
    return get_logins().refresh(get_user_store(), form.refresh_token), NOT_STORED


@account_blueprint.post("/token/revoke")
@operation(status=204)
def revoke_token(form: Revocation) -> None:
    """Log out: end the login that a refresh token is of."""
    get_logins().end(get_user_store(), form.token)


@account_blueprint.get("/whoami")
@login_required
@operation()
def whoami() -> Account:
    """Tell who is asking."""
    return get_account()


@account_blueprint.put("/whoami/password")
@login_required
@operation(status=204, errors=[429])
def change_password(body: PasswordChange) -> None:
    """Change the password, and end all logins of the user."""
    get_logins().change_password(get_user_store(), get_account(), body, request.remote_addr)
