"""The command that makes an admin."""

import io
import sys
from collections.abc import Iterator

import pytest
from sqlalchemy.exc import SQLAlchemyError

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE import create_admin
from PACKAGE.database import connect
from PACKAGE.settings import Settings, load_settings
from PACKAGE.users import UserStore
#{% endfilter %}

PASSWORD = "correct horse battery"


@pytest.fixture
def users(empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[UserStore]:
    """Give the users of an empty database that the command finds."""
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    database = connect(load_settings())
    database.upgrade()
    with database.sessions() as session:
        yield UserStore(session)
    database.engine.dispose()


def type_in(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_a_new_admin(
    users: UserStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    type_in(monkeypatch, f"{PASSWORD}\n")

    create_admin.main(["Ada"])

    ada = users.find("ada")
    assert ada is not None
    assert ada.roles == ["admin"]
    assert ada.password_hash.startswith("$argon2id$")
    assert capsys.readouterr().out == "ada is an admin.\n"


def test_the_password_is_asked_for_at_a_terminal(
    users: UserStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(create_admin, "getpass", lambda: PASSWORD)

    create_admin.main(["ada"])

    assert users.find("ada") is not None


def test_who_has_signed_up_is_made_an_admin(
    users: UserStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    database = connect(load_settings())
    with database.session() as session:
        UserStore(session).add("ada", "a hash", [])
    type_in(monkeypatch, "")

    create_admin.main(["ada"])

    ada = users.find("ada")
    assert ada is not None
    assert (ada.password_hash, ada.roles) == ("a hash", ["admin"])
    # Whoever she is: the name was anybody's.
    assert capsys.readouterr().out == "ada, who had signed up, is an admin.\n"
    database.engine.dispose()


@pytest.mark.parametrize(
    ("arguments", "text", "told"),
    [
        ([], "", "Give one name"),
        (["ada", "eve"], "", "Give one name"),
        (["ada"], "short", "The password cannot be used"),
        (["ada lovelace"], PASSWORD, "The username cannot be used"),
    ],
)
def test_nobody_is_made_an_admin(
    users: UserStore,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    text: str,
    told: str,
) -> None:
    type_in(monkeypatch, text)

    with pytest.raises(SystemExit, match=told) as ended:
        create_admin.main(arguments)

    assert "\n" not in str(ended.value)
    assert users.page(10, 0) == ([], 0)


def test_the_tables_are_left_alone_where_a_deployment_makes_them(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(database_url=empty_database_url, migrate_on_start=False)
    monkeypatch.setattr(create_admin, "load_settings", lambda: settings)
    type_in(monkeypatch, PASSWORD)

    with pytest.raises(SQLAlchemyError):
        create_admin.main(["ada"])
