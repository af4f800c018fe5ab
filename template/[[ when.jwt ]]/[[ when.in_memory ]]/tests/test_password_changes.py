"""What goes on while a password is changed."""

import pytest

#{% filter replace("PACKAGE", package_name) | fitted %}
from PACKAGE.accounts import PasswordChange, PasswordGrant
from PACKAGE.passwords import hash_password, is_right
from PACKAGE.security import Logins, WrongPasswordError
from PACKAGE.settings import Settings
from PACKAGE.tokens import Account
from PACKAGE.users import UserStore
#{% endfilter %}

PASSWORD = "correct horse battery"


@pytest.fixture
def users(monkeypatch: pytest.MonkeyPatch) -> UserStore:
    """Give a store with a user, whose password somebody else changes while it is compared."""
    users = UserStore()
    users.add("ada", hash_password(PASSWORD), [])

    def compare_slowly(password: str, hashed: str | None) -> bool:
        ada = users.find("ada")
        assert ada
        assert users.set_password(ada, hash_password("another horse"))
        return is_right(password, hashed)

    #{% filter replace("PACKAGE", package_name) %}
    monkeypatch.setattr("PACKAGE.security.is_right", compare_slowly)
    #{% endfilter %}
    return users


def test_no_login_begins_by_the_password_before(users: UserStore) -> None:
    form = PasswordGrant.model_validate({"username": "ada", "password": PASSWORD})

    with pytest.raises(WrongPasswordError):
        Logins(Settings()).begin(users, form, None)


def test_the_password_is_changed_by_one_of_two(users: UserStore) -> None:
    sent = {"current_password": PASSWORD, "new_password": "the horse of a thief"}
    change = PasswordChange.model_validate(sent)
    ada = Account(id=1, username="ada", roles=[])

    with pytest.raises(WrongPasswordError):
        Logins(Settings()).change_password(users, ada, change, None)

    user = users.find("ada")
    assert user
    assert is_right("another horse", user.password_hash)
