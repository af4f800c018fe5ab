"""Access tokens: JSON Web Tokens that the issuer signs, and which are believed by its keys."""

from collections.abc import Mapping
from typing import Any, Literal, get_args

import jwt
from pydantic import BaseModel

from .issuer import ALGORITHMS, Issuer

REQUIRED = ["iss", "aud", "sub", "exp"]
# How many seconds the clocks of the issuer and of the service may differ.
LEEWAY = 10

# What a user may be besides; a new role has its word here, which the issuer gives.
Role = Literal["admin"]


class Account(BaseModel):
    """A user, as an access token says.

    The id is what the issuer calls the user for ever: a name may change, and be another's then.
    """

    id: str
    username: str
    roles: list[Role]


class Tokens:
    """Reads access tokens."""

    def __init__(self, issuer: Issuer, audience: str, roles_claim: str) -> None:
        self._issuer = issuer
        self._audience = audience
        self._roles_claim = roles_claim

    def read(self, token: str) -> Account | None:
        """Give the account that an access token is of; None where it is not to be believed.

        Raises:
            IssuerDownError: It cannot be told, because the issuer does not answer.
        """
        claims = self._claims(token, self._audience)
        return self._account(claims) if claims else None

    #{% if when.visitors %}
    def identity(self, token: str, client: str, nonce: str) -> Account | None:
        """Give the account that has logged in, by an ID token for a client; None as above."""
        claims = self._claims(token, client)
        if claims is None or claims.get("nonce") != nonce or claims.get("azp", client) != client:
            return None
        return self._account(claims)

    #{% endif %}
    def _claims(self, token: str, audience: str) -> Mapping[str, Any] | None:
        try:
            header = jwt.get_unverified_header(token)
            # The issuer is not asked for keys of what is not believed anyway.
            key = self._issuer.key(header.get("kid")) if header["alg"] in ALGORITHMS else None
            if key is None:
                return None
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                issuer=self._issuer.url,
                audience=audience,
                leeway=LEEWAY,
                options={"require": REQUIRED},
            )
        except (jwt.PyJWTError, KeyError, ValueError, RecursionError):
            return None
        return claims

    def _account(self, claims: Mapping[str, Any]) -> Account | None:
        username = claims.get("preferred_username") or claims["sub"]
        roles = find_roles(claims, self._roles_claim)
        try:
            return Account(id=claims["sub"], username=username, roles=roles)
        except ValueError:
            return None


def find_roles(claims: Mapping[str, Any], claim: str) -> list[Role]:
    """Give the roles that there are of those in a claim, or in a part of one with a dot between.

    A list has them, or a text with spaces, as that of the scopes is.
    """
    found: Any = claims.get(claim)
    if found is None:
        found = claims
        for name in claim.split("."):
            found = found.get(name) if isinstance(found, Mapping) else None
    given = found.split() if isinstance(found, str) else found
    return [role for role in get_args(Role) if isinstance(given, list) and role in given]
