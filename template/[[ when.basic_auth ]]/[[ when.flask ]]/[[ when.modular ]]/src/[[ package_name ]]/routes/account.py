"""The user's account."""

from flask import Blueprint

from ..authentication import get_username, login_required
from ..openapi import operation
from ..security import Account

account_blueprint = Blueprint("account", __name__)


@account_blueprint.get("/whoami")
@login_required
@operation()
def whoami() -> Account:
    """Tell who is asking."""
    return Account(username=get_username())
