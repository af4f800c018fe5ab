"""The issuer of access tokens: an OpenID Connect provider, and the keys that it signs with."""

import logging
import threading
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Annotated, Any

import httpx2
from jwt import PyJWK, PyJWTError
from pydantic import AfterValidator, BaseModel

from .credentials import is_private
from .problems import UnavailableError

# Signatures that only the issuer can make: whoever knows the secret of another kind could, too.
RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
ALGORITHMS = (*RSA, "ES256", "ES384", "ES512", "EdDSA")
# After so many seconds the keys are asked for anew, while those that are known are still believed.
FRESH = 5 * 60
# After so many seconds without an answer they are not believed any more.
BELIEVED = 60 * 60
# So many seconds lie between two questions that somebody causes who names an unknown key, and
# between a question that is not answered and the next one.
PAUSE = 10
LARGEST_ANSWER = 1_000_000

logger = logging.getLogger(__name__)


class IssuerDownError(UnavailableError):
    """The issuer does not answer: whether a token may be believed cannot be told."""

    def __init__(self) -> None:
        super().__init__("The issuer of access tokens does not answer", retry_after=PAUSE)


def private(url: str) -> str:
    """Refuse the URL of a page that others could pretend to be."""
    if not is_private(url):
        raise ValueError("an issuer has nothing behind http://")
    return url


PrivateUrl = Annotated[str, AfterValidator(private)]


class Configuration(BaseModel):
    """What an issuer says of itself, in its document of OpenID Connect discovery."""

    issuer: str
    jwks_uri: PrivateUrl
    #{% if when.visitors %}
    authorization_endpoint: PrivateUrl | None = None
    token_endpoint: PrivateUrl | None = None
    #{% endif %}


class KeySet(BaseModel):
    """The keys of an issuer, of which it may have some for other purposes."""

    keys: list[dict[str, Any]]


@dataclass(frozen=True)
class Known:
    """What is known of an issuer, and since when."""

    configuration: Configuration
    keys: Mapping[str, PyJWK]
    since: float


class Issuer:
    """Knows the keys of an issuer, and asks for them as seldom as it can.

    A request waits for the issuer for no longer than the time limit. Strangers who name keys that
    there are not cannot make the service ask again and again.
    """

    def __init__(self, url: str, timeout: float) -> None:
        self.url = url
        self.discovery = f"{url.rstrip('/')}/.well-known/openid-configuration"
        self._timeout = timeout
        self._lock = threading.Lock()
        self._known: Known | None = None
        self._question: Future[Known | None] | None = None
        self._down_until = self._strangers_wait_until = 0.0

    def key(self, name: str | None) -> PyJWK | None:
        """Find a key by its name; None if the issuer has no such key, or raise IssuerDownError.

        An issuer that has a single key need not name it.
        """
        known = self.known()
        if name is None:
            return next(iter(known.keys.values())) if len(known.keys) == 1 else None
        if name not in known.keys:
            # The issuer may have another key since.
            known = self._wait(known)
        return known.keys.get(name)

    def known(self) -> Known:
        """Give what is known of the issuer, or raise IssuerDownError."""
        known = self._known
        age = time.monotonic() - known.since if known else BELIEVED
        if known is None or age >= BELIEVED:
            return self._wait()
        if age >= FRESH:
            with self._lock:
                if time.monotonic() >= self._down_until:
                    self._ask()
        return known

    def _wait(self, known: Known | None = None) -> Known:
        """Wait for an answer; give what is known instead, if strangers asked not long ago."""
        with self._lock:
            now = time.monotonic()
            if now < self._down_until:
                raise IssuerDownError
            if known and self._question is None:
                if now < self._strangers_wait_until:
                    return known
                self._strangers_wait_until = now + PAUSE
            question = self._ask()
        try:
            found = question.result(self._timeout)
        except TimeoutError:
            found = None
            with self._lock:
                self._down_until = time.monotonic() + PAUSE
            logger.warning("The issuer takes too long to answer", extra={"issuer": self.url})
        if found is None:
            raise IssuerDownError
        return found

    def _ask(self) -> Future[Known | None]:
        """Begin a question, if none goes on, in a thread that may hang for as long as it does."""
        if self._question is None:
            self._question = Future()
            arguments = (self._question,)
            threading.Thread(target=self._find_out, args=arguments, daemon=True).start()
        return self._question

    def _find_out(self, question: Future[Known | None]) -> None:
        found = None
        try:
            found = self._read()
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, RecursionError) as error:
            text = f"The issuer does not answer as it should: {error}"
            logger.warning(text, extra={"issuer": self.url})
        finally:
            with self._lock:
                self._question = None
                self._known = found or self._known
                self._down_until = 0.0 if found else time.monotonic() + PAUSE
            question.set_result(found)

    def _read(self) -> Known:
        asked = time.monotonic()
        with httpx2.Client(timeout=self._timeout) as client:
            configuration = Configuration.model_validate_json(read(client, self.discovery))
            if configuration.issuer != self.url:
                raise ValueError(f"it calls itself {configuration.issuer!r}")
            keys = KeySet.model_validate_json(read(client, configuration.jwks_uri)).keys
        return Known(configuration, usable(keys), asked)


def read(client: httpx2.Client, url: str) -> bytes:
    """Read an answer that is not endless, and no redirection to who knows where."""
    body = b""
    with client.stream("GET", url) as answer:
        answer.raise_for_status()
        for part in answer.iter_bytes():
            body += part
            if len(body) > LARGEST_ANSWER:
                raise ValueError("it is too large")
    return body


def usable(keys: Iterable[Mapping[str, Any]]) -> dict[str, PyJWK]:
    """Give the keys that may sign tokens, by their names."""
    found = {}
    for key in keys:
        try:
            known = PyJWK(dict(key))
        except PyJWTError:
            # One for another purpose, such as encryption, or of a kind that is not known here.
            continue
        if key.get("use", "sig") == "sig" and known.algorithm_name in ALGORITHMS:
            found[known.key_id or ""] = known
    return found
