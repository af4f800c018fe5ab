"""Where users and their logins are kept: in memory, until the process ends."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from threading import Lock

from .accounts import UsernameTakenError
from .passwords import hash_password
from .settings import Settings
from .tokens import Role


@dataclass(frozen=True, kw_only=True)
class User:
    """A user as it is stored; another password makes another one."""

    id: int
    username: str
    password_hash: str = field(repr=False)
    roles: list[Role]


@dataclass(kw_only=True)
class Login:
    """A login as it is stored."""

    user: User
    secret_hash: str = field(repr=False)
    ends: int


class UserStore:
    """Finds and changes users and their logins; safe to use from several threads."""

    def __init__(self) -> None:
        self._users: dict[str, User] = {}
        self._logins: dict[str, Login] = {}
        self._ids = count(1)
        self._lock = Lock()

    def page(self, limit: int, offset: int) -> tuple[Sequence[User], int]:
        """Give some of the users, and how many there are without the limit."""
        with self._lock:
            users = list(self._users.values())
        return users[offset : offset + limit], len(users)

    def find(self, username: str) -> User | None:
        """Find a user by name."""
        return self._users.get(username)

    def add(self, username: str, password_hash: str, roles: list[Role]) -> User:
        """Store a new user, or raise UsernameTakenError."""
        with self._lock:
            if username in self._users:
                raise UsernameTakenError
            user = User(
                id=next(self._ids), username=username, password_hash=password_hash, roles=roles
            )
            self._users[username] = user
        return user

    def set_password(self, user: User, password_hash: str) -> bool:
        """Store another password and end all logins of the user; False if there is one already."""
        with self._lock:
            if self._users.get(user.username) is not user:
                return False
            self._users[user.username] = replace(user, password_hash=password_hash)
            self._logins = {
                known: login for known, login in self._logins.items() if login.user is not user
            }
        return True

    def begin_login(self, user: User, login: str, secret_hash: str, ends: int) -> bool:
        """Store a new login; False if the user has another password since.

        Those that have ended by themselves are forgotten.
        """
        now = time.time()
        with self._lock:
            # It takes long to compare a password: there may be another one since.
            if self._users.get(user.username) is not user:
                return False
            self._logins = {known: kept for known, kept in self._logins.items() if kept.ends > now}
            self._logins[login] = Login(user=user, secret_hash=secret_hash, ends=ends)
        return True

    def renew_login(self, login: str, secret_hash: str, new_hash: str) -> User | None:
        """Store another secret in place of the current one; any other ends the login."""
        with self._lock:
            kept = self._logins.pop(login, None)
            if kept is None or kept.secret_hash != secret_hash or kept.ends <= time.time():
                return None
            kept.secret_hash = new_hash
            self._logins[login] = kept
        return kept.user

    #{% if when.login_page %}
    def find_login(self, login: str, secret_hash: str) -> User | None:
        """Find the user of a login by its current secret."""
        kept = self._logins.get(login)
        if kept is None or kept.secret_hash != secret_hash or kept.ends <= time.time():
            return None
        return kept.user

    #{% endif %}
    def end_login(self, login: str) -> None:
        """Forget a login."""
        with self._lock:
            self._logins.pop(login, None)


def first_users(settings: Settings) -> UserStore:
    """Make a store, with an admin if the settings have a password for one."""
    users = UserStore()
    if settings.admin_password:
        users.add("admin", hash_password(settings.admin_password), ["admin"])
    return users
