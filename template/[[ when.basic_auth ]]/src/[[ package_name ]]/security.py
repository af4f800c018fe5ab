"""Who may use the service."""

import ipaddress
import math
import threading
import time
from base64 import b64decode
from secrets import compare_digest

from pydantic import BaseModel

from .problems import ServiceError
from .settings import Settings

# How many addresses and names with failed logins are remembered at most.
MOST_REMEMBERED = 10_000


class Account(BaseModel):
    """The user of the service."""

    username: str


class NotAuthenticatedError(ServiceError):
    """The request has no credentials, or wrong ones: the client is asked for them."""

    status = 401

    def __init__(self) -> None:
        challenge = 'Basic realm="[[ package_name ]]", charset="UTF-8"'
        super().__init__("Not authenticated", {"WWW-Authenticate": challenge})


class TooManyFailedLoginsError(ServiceError):
    """Too many wrong credentials came from an address; it may try again later."""

    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__("Too many failed logins", {"Retry-After": str(retry_after)})


def read_credentials(authorization: str) -> tuple[str, str] | None:
    """Read the name and the password in a header; None when it holds none."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = b64decode(encoded.strip(), validate=True).decode()
    except ValueError:
        return None
    username, colon, password = decoded.partition(":")
    return (username, password) if colon else None


def network(address: str) -> str:
    """Name whom an address belongs to: who has one address of IPv6 has all of a /64."""
    if ":" not in address:
        return address
    try:
        return str(ipaddress.IPv6Network((address, 64), strict=False))
    except ValueError:
        return address


class FailedLogins:
    """Counts the failed logins of each address and each name, in the memory of this process.

    With several processes, each counts for itself: together they allow so many times as much.
    """

    def __init__(self, limit: int, seconds: int) -> None:
        self._limit = limit
        self._seconds = seconds
        self._failures: dict[tuple[str, str], tuple[int, float]] = {}
        self._lock = threading.Lock()

    def seconds_to_wait(self, address: str, username: str) -> int:
        """Tell for how long an address may not try to log in; mostly 0."""
        now = time.monotonic()
        with self._lock:
            failures, end = self._recent("address", address, now)
            of_name, _ = self._recent("name", username, now)
        # When many addresses try one name, each of them has one try; who mistyped nothing gets in.
        limit = 1 if of_name >= 10 * self._limit else self._limit
        return math.ceil(end - now) if failures >= limit else 0

    def add(self, address: str, username: str) -> None:
        """Count a failure."""
        now = time.monotonic()
        with self._lock:
            for kind, value in (("address", address), ("name", username)):
                failures, end = self._recent(kind, value, now)
                # Put in anew, so that those whose last failure is the oldest come first.
                self._failures.pop((kind, value), None)
                self._failures[kind, value] = failures + 1, end
            while len(self._failures) > MOST_REMEMBERED:
                del self._failures[next(iter(self._failures))]

    def _recent(self, kind: str, value: str, now: float) -> tuple[int, float]:
        failures, end = self._failures.get((kind, value), (0, 0.0))
        return (failures, end) if end > now else (0, now + self._seconds)


class Logins:
    """Lets in the user that the settings name."""

    def __init__(self, settings: Settings) -> None:
        self._username = settings.basic_auth_username.encode()
        self._password = settings.basic_auth_password.encode()
        self._failed = FailedLogins(settings.failed_logins_limit, settings.failed_logins_seconds)

    def username(self, authorization: str | None, address: str | None) -> str:
        """Give the name of the user who sent this header from this address, or raise an error."""
        credentials = read_credentials(authorization or "")
        if credentials is None:
            raise NotAuthenticatedError
        username, password = credentials
        # Whoever fails has only so much room in the memory.
        tried = network(address or ""), username[:100]
        if seconds := self._failed.seconds_to_wait(*tried):
            raise TooManyFailedLoginsError(seconds)
        if not self.are_right(username, password):
            self._failed.add(*tried)
            raise NotAuthenticatedError
        return username

    def are_right(self, username: str, password: str) -> bool:
        """Check credentials; how long it takes tells nothing about how much of them is right."""
        right_username = compare_digest(username.encode(), self._username)
        right_password = compare_digest(password.encode(), self._password)
        return right_username & right_password
