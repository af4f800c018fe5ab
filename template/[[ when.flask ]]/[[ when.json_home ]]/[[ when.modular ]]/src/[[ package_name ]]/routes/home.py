"""The home route."""

from flask import Blueprint

from ..dependencies import get_settings
from ..home import Home
from ..openapi import operation

home_blueprint = Blueprint("home", __name__)


@home_blueprint.get("/")
@operation()
def home() -> Home:
    """Greet."""
    return Home(message=get_settings().message)
