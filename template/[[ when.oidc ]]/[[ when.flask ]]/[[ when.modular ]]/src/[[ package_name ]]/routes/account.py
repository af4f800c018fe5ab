"""The user's account."""

from flask import Blueprint

from ..authentication import get_account, login_required
from ..openapi import operation
from ..tokens import Account

account_blueprint = Blueprint("account", __name__)


@account_blueprint.get("/whoami")
@login_required
@operation(errors=[503])
def whoami() -> Account:
    """Tell who is asking."""
    return get_account()
