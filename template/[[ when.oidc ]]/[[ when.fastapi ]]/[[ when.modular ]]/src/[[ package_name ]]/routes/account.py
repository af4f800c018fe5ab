"""The user's account."""

from fastapi import APIRouter

from ..authentication import AccountDep
from ..problems import Problem
from ..tokens import Account

account_router = APIRouter(tags=["account"])


@account_router.get("/whoami", responses={401: {"model": Problem}, 503: {"model": Problem}})
async def whoami(account: AccountDep) -> Account:
    """Tell who is asking."""
    return account
