"""Where users and their logins are kept: in the database."""

import time
from collections.abc import Sequence

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from .accounts import UsernameTakenError
from .models import Login, User
from .tokens import Role


class UserStore:
    """Finds and changes users and their logins within one database session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def page(self, limit: int, offset: int) -> tuple[Sequence[User], int]:
        """Give some of the users, and how many there are without the limit."""
        total = self._session.scalar(select(func.count()).select_from(User))
        page = self._session.scalars(select(User).order_by(User.id).limit(limit).offset(offset))
        return page.all(), total or 0

    def find(self, username: str) -> User | None:
        """Find a user by name."""
        return self._session.scalar(select(User).where(User.username == username))

    def add(self, username: str, password_hash: str, roles: list[Role]) -> User:
        """Store a new user, or raise UsernameTakenError."""
        user = User(username=username, password_hash=password_hash, roles=roles)
        self._session.add(user)
        try:
            self._session.flush()
        except IntegrityError:
            self._session.rollback()
            raise UsernameTakenError from None
        return user

    def _hold(self, user: User) -> bool:
        """Let nobody change a user until the transaction ends; tell whether the password is as it was.

        It takes long to compare one: there may be another since, which has ended all logins.
        """
        same = select(User.id).where(User.id == user.id, User.password_hash == user.password_hash)
        return self._session.scalar(same.with_for_update()) is not None

    def set_password(self, user: User, password_hash: str) -> bool:
        """Store another password and end all logins of the user; False if there is one already."""
        if not self._hold(user):
            return False
        user.password_hash = password_hash
        self._session.execute(delete(Login).where(Login.user_id == user.id))
        return True

    def begin_login(self, user: User, login: str, secret_hash: str, ends: int) -> bool:
        """Store a new login; False if the user has another password since.

        Those of the user that have ended by themselves are forgotten.
        """
        if not self._hold(user):
            return False
        own = Login.user_id == user.id
        self._session.execute(delete(Login).where(own, Login.ends <= int(time.time())))
        self._session.add(Login(id=login, user_id=user.id, secret_hash=secret_hash, ends=ends))
        return True

    def renew_login(self, login: str, secret_hash: str, new_hash: str) -> User | None:
        """Store another secret in place of the current one; any other ends the login."""
        user_id = self._session.scalar(
            update(Login)
            # Compared where it is changed: of two requests with one token, one comes too late.
            .where(
                Login.id == login,
                Login.secret_hash == secret_hash,
                Login.ends > int(time.time()),
            )
            .values(secret_hash=new_hash)
            .returning(Login.user_id)
        )
        if user_id is None:
            self.end_login(login)
            # The answer is an error, after which nothing else would be stored.
            self._session.commit()
            return None
        return self._session.get(User, user_id)

    #{% if when.visitors %}
    def find_login(self, login: str, secret_hash: str) -> User | None:
        """Find the user of a login by its current secret."""
        return self._session.scalar(
            select(User)
            .join(Login)
            .where(
                Login.id == login,
                Login.secret_hash == secret_hash,
                Login.ends > int(time.time()),
            )
        )

    #{% endif %}
    def end_login(self, login: str) -> None:
        """Forget a login."""
        self._session.execute(delete(Login).where(Login.id == login))
