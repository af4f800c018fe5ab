"""Access tokens: JSON Web Tokens that the service signs, and believes without asking its store."""

import time
from hashlib import sha256
from typing import Literal

import jwt
from pydantic import BaseModel

from .credentials import split_secrets

ALGORITHM = "HS256"
# Who signs the tokens, and for whom: those of other services are not believed.
ISSUER = "[[ package_name ]]"
AUDIENCE = "[[ package_name ]]"
REQUIRED = ["iss", "aud", "sub", "nbf", "exp"]

# What a user may be besides; a new role has its word here.
Role = Literal["admin"]


class Account(BaseModel):
    """A user, as an access token says."""

    id: int
    username: str
    roles: list[Role]


class Tokens:
    """Signs access tokens and reads them."""

    def __init__(self, secrets: str, seconds: int) -> None:
        # A token names its key, so that the keys can change while tokens are believed.
        self._keys = {key_id(key): key for key in split_secrets(secrets)}
        self._current = next(iter(self._keys))
        self.seconds = seconds

    def issue(self, account: Account) -> str:
        """Sign an access token."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(account.id),
            "iat": now,
            "nbf": now,
            "exp": now + self.seconds,
            "username": account.username,
            "roles": account.roles,
        }
        key = self._keys[self._current]
        return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": self._current})

    def read(self, token: str) -> Account | None:
        """Give the account that an access token is of; None where it is not to be believed."""
        try:
            key = self._keys[jwt.get_unverified_header(token)["kid"]]
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                audience=AUDIENCE,
                options={"require": REQUIRED},
            )
            return Account(id=claims["sub"], username=claims["username"], roles=claims["roles"])
        except (jwt.InvalidTokenError, KeyError, ValueError, RecursionError):
            return None


def key_id(key: str) -> str:
    """Name a key without telling it."""
    return sha256(key.encode()).hexdigest()[:16]
