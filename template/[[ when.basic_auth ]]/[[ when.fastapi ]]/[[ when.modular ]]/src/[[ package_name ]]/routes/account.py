"""The user's account."""

from fastapi import APIRouter

from ..authentication import UsernameDep
from ..problems import Problem
from ..security import Account

account_router = APIRouter(tags=["account"])


@account_router.get("/whoami", responses={401: {"model": Problem}})
async def whoami(username: UsernameDep) -> Account:
    """Tell who is asking."""
    return Account(username=username)
