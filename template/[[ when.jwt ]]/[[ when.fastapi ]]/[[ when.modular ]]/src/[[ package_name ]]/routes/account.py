"""The users' accounts: signing up, logging in, and what a user may do about that."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Response

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
from ..authentication import AccountDep, AddressDep, LoginsDep, UserStoreDep, role_required
from ..problems import InvalidRequest, Problem
from ..routing import OneThreadRoute
from ..tokens import Account

account_router = APIRouter(tags=["account"], route_class=OneThreadRoute)


@account_router.post(
    "/users",
    status_code=201,
    responses={
        409: {"model": Problem},
        422: {"model": InvalidRequest},
        429: {"model": Problem},
    },
)
def sign_up(
    body: SignUp, users: UserStoreDep, logins: LoginsDep, address: AddressDep
) -> UserPublic:
    """Sign up as a new user."""
    return UserPublic.model_validate(logins.sign_up(users, body, address))


@account_router.get(
    "/users",
    dependencies=[role_required("admin")],
    responses={
        401: {"model": Problem},
        403: {"model": Problem},
        422: {"model": InvalidRequest},
    },
)
def list_users(query: Annotated[UserQuery, Query()], store: UserStoreDep) -> UserPage:
    """List the users, for an admin."""
    users, total = store.page(query.limit, query.offset)
    page = {"users": users, "total": total, "limit": query.limit, "offset": query.offset}
    return UserPage.model_validate(page)


@account_router.post(
    "/token",
    responses={
        401: {"model": Problem},
        422: {"model": InvalidRequest},
        429: {"model": Problem},
    },
)
def log_in(
    form: Annotated[PasswordGrant, Form()],
    users: UserStoreDep,
    logins: LoginsDep,
    address: AddressDep,
    response: Response,
) -> TokenPair:
    """Log in with a name and a password."""
    response.headers["Cache-Control"] = "no-store"
    return logins.log_in(users, form, address)


@account_router.post(
    "/token/refresh",
    responses={401: {"model": Problem}, 422: {"model": InvalidRequest}},
)
def refresh_token(
    form: Annotated[RefreshGrant, Form()],
    users: UserStoreDep,
    logins: LoginsDep,
    response: Response,
) -> TokenPair:
    """Give new tokens for a refresh token, which is used up."""
    response.headers["Cache-Control"] = "no-store"
    return logins.refresh(users, form.refresh_token)


@account_router.post(
    "/token/revoke",
    status_code=204,
    # Without a media type, so that an answer without a body does not claim to be JSON.
    response_class=Response,
    responses={422: {"model": InvalidRequest}},
)
def revoke_token(
    form: Annotated[Revocation, Form()], users: UserStoreDep, logins: LoginsDep
) -> None:
    """Log out: end the login that a refresh token is of."""
    logins.end(users, form.token)


@account_router.get("/whoami", responses={401: {"model": Problem}})
async def whoami(account: AccountDep) -> Account:
    """Tell who is asking."""
    return account


@account_router.put(
    "/whoami/password",
    status_code=204,
    response_class=Response,
    responses={
        401: {"model": Problem},
        422: {"model": InvalidRequest},
        429: {"model": Problem},
    },
)
def change_password(
    body: PasswordChange,
    account: AccountDep,
    users: UserStoreDep,
    logins: LoginsDep,
    address: AddressDep,
) -> None:
    """Change the password, and end all logins of the user."""
    logins.change_password(users, account, body, address)
