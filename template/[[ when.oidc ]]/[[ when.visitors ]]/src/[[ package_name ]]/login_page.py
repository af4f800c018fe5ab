#{% filter imports %}
"""How a browser logs in: by way of the issuer and back, with a cookie that stays."""

import re
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from secrets import compare_digest, token_urlsafe
from threading import BoundedSemaphore
from typing import Any
from urllib.parse import quote, urlencode

import httpx2
import jwt
from pydantic import BaseModel

from .issuer import Issuer, IssuerDownError
from .problems import ServiceError
from .settings import Settings
from .tokens import Account, Tokens

COOKIE = "login"
# Another one, for as long as the browser is on the way.
ON_THE_WAY = "login_on_the_way"
SECONDS_ON_THE_WAY = 10 * 60
ALGORITHM = "HS256"
# Who signs the cookies: those of other services are not believed.
SIGNER = "[[ package_name ]]"
# So many browsers may come back at the same time; strangers could make the issuer busy otherwise.
AT_ONCE = BoundedSemaphore(4)
# Where a browser and the service are on one machine there is no HTTPS, and none is needed.
LOCAL = {"localhost", "127.0.0.1", "[::1]"}


#{% if when.login_page %}
class LoginNeededError(ServiceError):
    """A page is for those who have logged in: the browser is led to where that can be done.

    It is shown a page on the way, because what a form is answered with may not lead to another site.
    """

    status = 303

    def __init__(self, root_path: str) -> None:
        super().__init__("Log in first", {"Location": f"{root_path}/login/first"})


#{% endif %}
class LoginFailedError(ServiceError):
    """The browser came back with what no login that it began is answered with."""

    status = 400

    def __init__(self) -> None:
        super().__init__("The login has failed")


def needs_https(scheme: str, host: str) -> bool:
    """Tell whether a browser may send the cookie by HTTPS only, by the header Host.

    A proxy that speaks HTTPS may name this machine there.
    """
    return scheme == "https" or re.sub(r":\d*$", "", host).lower() not in LOCAL


class Answer(BaseModel):
    """What the issuer gives for the code that a browser came back with."""

    id_token: str
    access_token: str = ""


class LoginPage:
    """Sends browsers to the issuer, and believes them when they come back."""

    def __init__(self, settings: Settings, issuer: Issuer, tokens: Tokens) -> None:
        self._issuer = issuer
        self._tokens = tokens
        self._client = settings.oidc_client_id
        self._client_secret = settings.oidc_client_secret
        self._timeout = settings.oidc_timeout
        self._secret = settings.login_secret
        self.seconds = settings.login_seconds

    def begin(self, callback: str) -> tuple[str, str]:
        """Give the page of the issuer to go to, and what the browser keeps until it is back.

        Raises:
            IssuerDownError: Nobody knows where that page is.
        """
        page = self._issuer.known().configuration.authorization_endpoint
        if page is None:
            raise IssuerDownError
        state, nonce, verifier = (token_urlsafe(32) for _ in range(3))
        digest = sha256(verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self._client,
            "redirect_uri": callback,
            "scope": "openid profile",
            "state": state,
            "nonce": nonce,
            "code_challenge": urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        kept = {"state": state, "nonce": nonce, "verifier": verifier}
        mark = "&" if "?" in page else "?"
        return f"{page}{mark}{urlencode(query)}", self._sign(ON_THE_WAY, kept, SECONDS_ON_THE_WAY)

    def finish(self, query: Mapping[str, str], kept: str | None, callback: str) -> str:
        """Give the cookie of a login for what a browser came back with, or raise an error."""
        way = self._read(ON_THE_WAY, kept)
        state, code = query.get("state", ""), query.get("code")
        if way is None or code is None or not compare_digest(state.encode(), way["state"].encode()):
            raise LoginFailedError
        answer = self._exchange(code, way["verifier"], callback)
        account = self._tokens.identity(answer.id_token, self._client, way["nonce"])
        if account is None:
            raise LoginFailedError
        # Many issuers name the roles in the access token alone.
        access = self._tokens.read(answer.access_token)
        if access and access.id == account.id and not account.roles:
            account.roles = access.roles
        return self._sign(COOKIE, account.model_dump(), self.seconds)

    def account(self, cookie: str | None) -> Account | None:
        """Give the account of the login that a cookie is of."""
        try:
            return Account.model_validate(self._read(COOKIE, cookie))
        except ValueError:
            # There is no cookie, or it is of a version that knew other roles.
            return None

    def _exchange(self, code: str, verifier: str, callback: str) -> Answer:
        page = self._issuer.known().configuration.token_endpoint
        if page is None or not AT_ONCE.acquire(blocking=False):
            raise IssuerDownError
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": callback,
            "client_id": self._client,
            "code_verifier": verifier,
        }
        proof = quote(self._client, safe=""), quote(self._client_secret, safe="")
        auth = httpx2.BasicAuth(*proof) if self._client_secret else httpx2.Auth()
        try:
            with httpx2.Client(timeout=self._timeout) as client:
                answer = client.post(page, data=form, auth=auth)
            if answer.is_server_error:
                raise IssuerDownError
            return Answer.model_validate_json(answer.raise_for_status().content)
        except (httpx2.HTTPStatusError, ValueError):
            raise LoginFailedError from None
        except (httpx2.HTTPError, httpx2.InvalidURL):
            raise IssuerDownError from None
        finally:
            AT_ONCE.release()

    def _sign(self, purpose: str, kept: Mapping[str, Any], seconds: int) -> str:
        claims = {"iss": SIGNER, "aud": purpose, "exp": int(time.time()) + seconds, "kept": kept}
        return jwt.encode(claims, self._secret, algorithm=ALGORITHM)

    def _read(self, purpose: str, cookie: str | None) -> dict[str, Any] | None:
        try:
            claims = jwt.decode(
                cookie or "",
                self._secret,
                algorithms=[ALGORITHM],
                issuer=SIGNER,
                audience=purpose,
                options={"require": ["iss", "aud", "exp"]},
            )
        except (jwt.PyJWTError, ValueError, RecursionError):
            return None
        kept: dict[str, Any] = claims["kept"]
        return kept
#{% endfilter %}
