"""HTTP Basic authentication."""

from contextlib import suppress

from flask import request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from .dependencies import get_settings
from .security import is_allowed


def get_username() -> str:
    """Give the name of the user, or ask for credentials."""
    with suppress(ValueError):  # the header has letters outside ASCII
        credentials = request.authorization
        if credentials and credentials.type == "basic":
            username, password = credentials.username or "", credentials.password or ""
            if is_allowed(get_settings(), username, password):
                return username
    raise Unauthorized(www_authenticate=WWWAuthenticate("basic"))
