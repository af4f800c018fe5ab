"""What goes on while a password is changed."""

from collections.abc import Iterator

import pytest
from sqlalchemy import delete

#{% filter replace("PACKAGE", package_name) | fitted %}
from PACKAGE import security
from PACKAGE.accounts import PasswordChange, PasswordGrant
from PACKAGE.database import Database
from PACKAGE.engine import make_engine
from PACKAGE.models import User
from PACKAGE.passwords import hash_password, is_right
from PACKAGE.security import Logins, WrongPasswordError
from PACKAGE.settings import Settings
from PACKAGE.tokens import Account
from PACKAGE.users import UserStore
#{% endfilter %}

PASSWORD = "correct horse battery"


@pytest.fixture
def own_database(empty_database_url: str) -> Iterator[Database]:
    """Give a database with a user, which several requests can use at the same time."""
    database = Database(make_engine(empty_database_url, timeout=5, pool_size=2), timeout=5)
    database.upgrade()
    with database.session() as session:
        UserStore(session).add("ada", hash_password(PASSWORD), [])
    yield database
    database.engine.dispose()


@pytest.fixture
def overtaken(own_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have somebody else change the password while it is compared."""

    def compare_slowly(password: str, hashed: str | None) -> bool:
        with own_database.session() as session:
            users = UserStore(session)
            ada = users.find("ada")
            assert ada
            assert users.set_password(ada, hash_password("another horse"))
        return is_right(password, hashed)

    monkeypatch.setattr(security, "is_right", compare_slowly)


@pytest.mark.usefixtures("overtaken")
def test_no_login_begins_by_the_password_before(own_database: Database) -> None:
    form = PasswordGrant.model_validate({"username": "ada", "password": PASSWORD})

    with pytest.raises(WrongPasswordError), own_database.session() as session:
        Logins(Settings()).begin(UserStore(session), form, None)


@pytest.mark.usefixtures("overtaken")
def test_the_password_is_changed_by_one_of_two(own_database: Database) -> None:
    sent = {"current_password": PASSWORD, "new_password": "the horse of a thief"}
    change = PasswordChange.model_validate(sent)
    ada = Account(id=1, username="ada", roles=[])

    with pytest.raises(WrongPasswordError), own_database.session() as session:
        Logins(Settings()).change_password(UserStore(session), ada, change, None)

    with own_database.session() as session:
        user = UserStore(session).find("ada")
        assert user
        assert is_right("another horse", user.password_hash)


def test_an_id_is_not_given_again(own_database: Database, database: Database) -> None:
    for each in (own_database, database):
        with each.session() as session:
            users = UserStore(session)
            first = users.add("grace", "a hash", []).id
            session.execute(delete(User).where(User.id == first))

            # Tokens may still name who had the other.
            assert users.add("eve", "a hash", []).id != first
