#{% filter imports %}
"""What the login page needs: its form, and the cookie that keeps a browser logged in."""

import re
from collections.abc import Mapping

from pydantic import ValidationError

from .accounts import PasswordGrant
from .problems import ServiceError
from .security import WrongPasswordError

COOKIE = "login"
# Where a browser and the service are on one machine there is no HTTPS, and none is needed.
LOCAL = {"localhost", "127.0.0.1", "[::1]"}


#{% if when.login_page %}
class LoginNeededError(ServiceError):
    """A page is for those who have logged in: the browser is led to where that can be done."""

    status = 303

    def __init__(self, root_path: str) -> None:
        super().__init__("Log in first", {"Location": f"{root_path}/login"})


#{% endif %}
def needs_https(scheme: str, host: str) -> bool:
    """Tell whether a browser may send the cookie by HTTPS only, by the header Host.

    A proxy that speaks HTTPS may name this machine there.
    """
    return scheme == "https" or re.sub(r":\d*$", "", host).lower() not in LOCAL


def read_login_form(form: Mapping[str, str]) -> PasswordGrant:
    """Read the name and the password in a form, or raise an error."""
    given = {name: form.get(name, "") for name in ("username", "password")}
    try:
        return PasswordGrant.model_validate(given)
    except ValidationError:
        raise WrongPasswordError from None
#{% endfilter %}
