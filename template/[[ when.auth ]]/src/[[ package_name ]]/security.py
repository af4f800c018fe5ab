#{% filter imports %}
"""Who may use the service."""

import ipaddress
import math
import threading
import time
from base64 import b64decode
from hashlib import sha256
from secrets import compare_digest, token_urlsafe
from unicodedata import normalize

from pydantic import BaseModel

from .accounts import PasswordChange, PasswordGrant, SignUp, TokenPair
from .issuer import Issuer
from .login_page import LoginPage
from .passwords import hash_password, is_right
from .problems import ServiceError
from .settings import Settings
from .tokens import Account, Tokens
#{% if when.database %}
from .models import User
from .users import UserStore
#{% else %}
from .users import User, UserStore
#{% endif %}

# How many addresses and names with failed logins are remembered at most.
MOST_REMEMBERED = 10_000


#{% if when.basic_auth %}
class Account(BaseModel):
    """The user of the service."""

    username: str


#{% endif %}
class NotAuthenticatedError(ServiceError):
    """The request has no credentials, or wrong ones: the client is asked for them."""

    status = 401

    def __init__(self) -> None:
        #{% if when.basic_logins %}
        header = 'Basic realm="[[ package_name ]]", charset="UTF-8"'
        #{% else %}
        header = 'Bearer realm="[[ package_name ]]"'
        #{% endif %}
        super().__init__("Not authenticated", {"WWW-Authenticate": header})


#{% if when.jwt %}
class WrongPasswordError(NotAuthenticatedError):
    """The name or the password is wrong: which of them is told to nobody."""

    def __init__(self) -> None:
        super().__init__()
        self.detail = "Wrong name or password"


#{% endif %}
#{% if when.bearer %}
class MissingRoleError(ServiceError):
    """The user may not do this."""

    status = 403

    def __init__(self, role: str) -> None:
        super().__init__(f"The role {role} is missing")


#{% endif %}
#{% if when.limited_logins %}
class TooManyFailedLoginsError(ServiceError):
    """Too many wrong credentials came from an address; it may try again later."""

    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__("Too many failed logins", {"Retry-After": str(retry_after)})


#{% if when.jwt %}
class TooManySignUpsError(ServiceError):
    """Too many users signed up from an address; others may do so later."""

    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__("Too many sign-ups", {"Retry-After": str(retry_after)})


#{% endif %}
#{% if when.basic_logins %}
def one_spelling(text: str) -> str:
    """Write letters in one way: keyboards differ in whether an accent is a part of its letter."""
    return normalize("NFC", text)


def read_credentials(authorization: str) -> tuple[str, str] | None:
    """Read the name and the password in a header; None when it holds none."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = one_spelling(b64decode(encoded.strip(), validate=True).decode())
    except ValueError:
        return None
    username, colon, password = decoded.partition(":")
    return (username, password) if colon else None


#{% endif %}
def network(address: str) -> str:
    """Name whom an address belongs to: who has one address of IPv6 has all of a /64."""
    if ":" not in address:
        return address
    try:
        # What listens on both kinds of addresses is told those of IPv4 as ::ffff:192.0.2.1.
        mapped = ipaddress.IPv6Address(address).ipv4_mapped
        return str(mapped or ipaddress.IPv6Network((address, 64), strict=False))
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


#{% endif %}
#{% if when.basic_logins %}
class Logins:
    """Lets in the user that the settings name."""

    def __init__(self, settings: Settings) -> None:
        #{% if when.basic_auth %}
        self._username = one_spelling(settings.basic_auth_username).encode()
        self._password = one_spelling(settings.basic_auth_password).encode()
        #{% else %}
        self._username = one_spelling(settings.admin_username).encode()
        self._password = one_spelling(settings.admin_password).encode()
        #{% endif %}
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
#{% elif when.oidc %}
class Logins:
    """Knows users again by the access tokens that they have from the issuer."""

    def __init__(self, settings: Settings) -> None:
        issuer = Issuer(settings.oidc_issuer, settings.oidc_timeout)
        # For the documentation.
        self.scheme = {"type": "openIdConnect", "openIdConnectUrl": issuer.discovery}
        self._tokens = Tokens(issuer, settings.oidc_audience, settings.oidc_roles_claim)
        #{% if when.visitors %}
        self.page = LoginPage(settings, issuer, self._tokens)
        #{% endif %}

    def account(self, authorization: str | None) -> Account:
        """Give the account of the access token in this header, or raise an error."""
        account = self._bearer(authorization)
        if account is None:
            raise NotAuthenticatedError
        return account

    #{% if when.visitors %}
    def visitor(self, authorization: str | None, cookie: str | None) -> Account | None:
        """Give the account of who visits a page, by an access token or by the cookie of a login."""
        return self._bearer(authorization) or self.page.account(cookie)

    #{% endif %}
    def _bearer(self, authorization: str | None) -> Account | None:
        scheme, _, token = (authorization or "").partition(" ")
        return self._tokens.read(token.strip()) if scheme.lower() == "bearer" else None
#{% else %}
class Logins:
    """Signs users up, logs them in, and knows them again.

    A login is kept by its id, with a hash of the secret that the last refresh token has behind it:
    a refresh token that was used before gives nothing but the end of its login.
    """

    def __init__(self, settings: Settings) -> None:
        self._tokens = Tokens(settings.token_secrets, settings.access_token_seconds)
        self.seconds = settings.login_seconds
        self._failed = FailedLogins(settings.failed_logins_limit, settings.failed_logins_seconds)
        # Counted in the same way, apart from them.
        self._sign_ups = FailedLogins(settings.failed_logins_limit, settings.failed_logins_seconds)

    def account(self, authorization: str | None) -> Account:
        """Give the account of the access token in this header, or raise an error."""
        account = self._bearer(authorization)
        if account is None:
            raise NotAuthenticatedError
        return account

    def sign_up(self, users: UserStore, data: SignUp, address: str | None) -> User:
        """Add a user, or raise UsernameTakenError or TooManySignUpsError."""
        tried = network(address or ""), data.username
        if seconds := self._sign_ups.seconds_to_wait(*tried):
            raise TooManySignUpsError(seconds)
        # Each one counts: it takes a hash, and tells whether there is a user of this name.
        self._sign_ups.add(*tried)
        return users.add(data.username, hash_password(data.password.get_secret_value()), [])

    def prove(self, users: UserStore, username: str, password: str, address: str | None) -> User:
        """Give the user of this name and password, or raise an error."""
        tried = network(address or ""), username
        if seconds := self._failed.seconds_to_wait(*tried):
            raise TooManyFailedLoginsError(seconds)
        user = users.find(username)
        is_user = is_right(password, user.password_hash if user else None)
        # That took long: others may have failed meanwhile, of whom none may learn more.
        if seconds := self._failed.seconds_to_wait(*tried):
            raise TooManyFailedLoginsError(seconds)
        if not is_user or user is None:
            self._failed.add(*tried)
            raise WrongPasswordError
        return user

    def begin(self, users: UserStore, form: PasswordGrant, address: str | None) -> tuple[User, str]:
        """Begin a login: give the user and the refresh token, or raise an error."""
        user = self.prove(users, form.username, form.password.get_secret_value(), address)
        login, secret = token_urlsafe(16), token_urlsafe(32)
        ends = int(time.time()) + self.seconds
        if not users.begin_login(user, login, hash_secret(secret), ends):
            raise WrongPasswordError
        return user, f"{login}.{secret}"

    def log_in(self, users: UserStore, form: PasswordGrant, address: str | None) -> TokenPair:
        """Give tokens for a name and a password, or raise an error."""
        user, token = self.begin(users, form, address)
        return self._pair(user, token)

    def refresh(self, users: UserStore, token: str) -> TokenPair:
        """Give tokens for a refresh token, or raise an error and end its login."""
        login, _, secret = token.partition(".")
        new = token_urlsafe(32)
        user = users.renew_login(login, hash_secret(secret), hash_secret(new))
        if user is None:
            raise NotAuthenticatedError
        return self._pair(user, f"{login}.{new}")

    def end(self, users: UserStore, token: str) -> None:
        """End the login of a token, if there is one."""
        users.end_login(token.partition(".")[0])

    def change_password(
        self, users: UserStore, account: Account, change: PasswordChange, address: str | None
    ) -> None:
        """Give a user another password, which ends all logins, or raise an error."""
        current = change.current_password.get_secret_value()
        user = self.prove(users, account.username, current, address)
        if not users.set_password(user, hash_password(change.new_password.get_secret_value())):
            raise WrongPasswordError
    #{% if when.visitors %}

    def visitor(
        self, users: UserStore, authorization: str | None, token: str | None
    ) -> Account | None:
        """Give the account of who visits a page, by an access token or by that of a login."""
        if account := self._bearer(authorization):
            return account
        login, _, secret = (token or "").partition(".")
        user = users.find_login(login, hash_secret(secret)) if login else None
        return account_of(user) if user else None
    #{% endif %}

    def _bearer(self, authorization: str | None) -> Account | None:
        scheme, _, token = (authorization or "").partition(" ")
        return self._tokens.read(token.strip()) if scheme.lower() == "bearer" else None

    def _pair(self, user: User, refresh_token: str) -> TokenPair:
        return TokenPair(
            access_token=self._tokens.issue(account_of(user)),
            expires_in=self._tokens.seconds,
            refresh_token=refresh_token,
        )


def account_of(user: User) -> Account:
    """Give what a token says of a user."""
    return Account(id=user.id, username=user.username, roles=user.roles)


def hash_secret(secret: str) -> str:
    """Make the hash of a secret that nobody can guess, so that a fast one does."""
    return sha256(secret.encode()).hexdigest()
#{% endif %}
#{% endfilter %}
