"""What is particular to SQLite."""

import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from threading import Thread

import pytest
from httpx2 import Client
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError, OperationalError

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.database import Database, connect
from PACKAGE.engine import migration
from PACKAGE.models import Base
from PACKAGE.settings import Settings
from PACKAGE.store import ItemStore
#{% endfilter %}

ADD = text("INSERT INTO items (name, price, tags, internal_note) VALUES ('A', 1, '[]', '')")
CHAIR = {"name": "Chair", "price": "1.00"}


@pytest.fixture
def own() -> Iterator[Database]:
    """Give a database of the test's own, that gives up after a second."""
    database = connect(Settings(database_url="sqlite:///own.db", database_timeout=1))
    Base.metadata.create_all(database.engine)
    yield database
    database.engine.dispose()


def test_writers_wait_for_each_other(own: Database) -> None:
    def count() -> None:
        for _ in range(5):
            with own.session() as session:
                # What was read may be old when it is written, unless it is locked.
                item = ItemStore(session).get(1, to_change=True)
                item.price += 1

    with own.session() as session:
        session.execute(ADD)
    threads = [Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with own.session() as session:
        assert ItemStore(session).get(1).price == Decimal("40.01")


def test_readers_do_not_wait_for_a_writer(own: Database) -> None:
    with own.session() as writer, own.session() as reader:
        writer.execute(ADD)

        assert reader.scalar(text("SELECT count(*) FROM items")) == 0
        assert reader.scalar(text("PRAGMA journal_mode")) == "wal"


def test_a_lock_that_lasts(start: Callable[..., Client], own: Database) -> None:
    client = start(own)

    with own.session() as writer:
        writer.execute(ADD)
        answers = [client.post("/items", json=CHAIR), client.get("/items"), client.get("/ready")]

    assert [answer.status_code for answer in answers] == [503, 200, 200]
    assert answers[0].headers["Retry-After"] == "1"


def test_references_are_checked(own: Database) -> None:
    with own.session() as session:
        session.execute(text("CREATE TABLE tags (item_id REFERENCES items (id))"))

    with pytest.raises(IntegrityError), own.session() as session:
        session.execute(text("INSERT INTO tags VALUES (4711)"))
    with pytest.raises(IntegrityError), migration(own.engine) as connection:
        connection.execute(text("INSERT INTO tags VALUES (4711)"))

    with own.session() as session:
        assert session.scalar(text("SELECT count(*) FROM tags")) == 0
        assert session.scalar(text("PRAGMA foreign_keys")) == 1


def test_a_command_outside_of_transactions(own: Database) -> None:
    with own.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM"))


def test_a_database_in_memory(start: Callable[..., Client]) -> None:
    database = connect(Settings(database_url="sqlite://"))
    client = start(database, migrate_on_start=True)

    assert client.post("/items", json=CHAIR).status_code == 201
    assert client.get("/items").json()["total"] == 1


def test_a_database_that_can_only_be_read(own: Database) -> None:
    own.engine.dispose()
    Path("own.db").rename("old.db")
    engine = create_engine("sqlite:///old.db")
    with engine.begin() as connection:
        connection.execute(text("PRAGMA journal_mode = DELETE"))
    engine.dispose()
    database = connect(Settings(database_url="sqlite:///file:old.db?mode=ro&uri=true"))

    with database.session() as session:
        assert session.scalar(text("SELECT count(*) FROM items")) == 0
    with pytest.raises(OperationalError), database.session() as session:
        session.execute(ADD)
    database.engine.dispose()


def test_tables_that_cannot_be_brought_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "tracebacklimit", 1000, raising=False)
    database = connect(Settings(database_url="sqlite:///no/such.db"))

    with pytest.raises(SystemExit, match="cannot be brought up to date: unable to open") as ended:
        database.upgrade()

    assert "\n" not in str(ended.value)
