"""Users of the tests: their access tokens, without a login for each test."""

from collections.abc import Generator

from httpx2 import Auth, Request, Response
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE import passwords
from PACKAGE.tokens import Account, Role, Tokens
#{% endfilter %}

TOKEN_SECRETS = "a secret of the tests that is long enough for every algorithm that there is"
# Sends nothing, where a client would send the access token of its own.
NOBODY = Auth()

# As slow as it is for real passwords, it would be most of what the tests do.
passwords.HASHER = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))


class Bearer(Auth):
    """Sends the access token of a user with each request."""

    def __init__(self, *roles: Role, token: str = "") -> None:
        account = Account(id=1, username="ada", roles=list(roles))
        token = token or Tokens(TOKEN_SECRETS, seconds=900).issue(account)
        self.header = f"Bearer {token}"

    def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        """Add the header."""
        request.headers["Authorization"] = self.header
        yield request
