"""What is particular to SQLite."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest
from chairs import StoredChair, Tables
from httpx2 import Client
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError, OperationalError

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.database import Database, connect
from PACKAGE.engine import make_engine, migration
from PACKAGE.settings import Settings
#{% endfilter %}

ADD = text("INSERT INTO test_chairs (name, price) VALUES ('A', 1)")
CHAIR = {"name": "Chair", "price": 1}


@pytest.fixture
def own() -> Iterator[Database]:
    """Give a database of the test's own."""
    database = connect(Settings(database_url="sqlite:///own.db"))
    Tables.metadata.create_all(database.engine)
    yield database
    database.engine.dispose()


def test_writers_wait_for_each_other(own: Database) -> None:
    def count() -> None:
        for _ in range(5):
            with own.session() as session:
                # What was read may be old when it is written, unless it is locked.
                chair = session.get_one(StoredChair, 1, with_for_update=True)
                chair.price += 1

    with own.session() as session:
        session.execute(ADD)
    threads = [Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with own.session() as session:
        assert session.get_one(StoredChair, 1).price == 41


def test_readers_do_not_wait_for_a_writer(own: Database) -> None:
    with own.session() as writer, own.session() as reader:
        writer.execute(ADD)

        assert reader.scalar(text("SELECT count(*) FROM test_chairs")) == 0
        assert reader.scalar(text("PRAGMA journal_mode")) == "wal"


def test_a_lock_that_lasts(with_database: Callable[..., Client], own: Database) -> None:
    impatient = make_engine(str(own.engine.url), timeout=0.01, pool_size=5)
    client = with_database(Database(impatient, timeout=5))

    with own.session() as writer:
        writer.execute(ADD)
        answers = [
            client.post("/test-chairs", json=CHAIR),
            client.get("/test-chairs"),
            client.get("/ready"),
        ]

    impatient.dispose()
    assert [answer.status_code for answer in answers] == [503, 200, 200]
    assert answers[0].headers["Retry-After"] == "1"


def test_references_are_checked(own: Database) -> None:
    with own.session() as session:
        session.execute(text("CREATE TABLE test_tags (chair_id REFERENCES test_chairs (id))"))

    with pytest.raises(IntegrityError), own.session() as session:
        session.execute(text("INSERT INTO test_tags VALUES (4711)"))
    with pytest.raises(IntegrityError), migration(own.engine) as connection:
        connection.execute(text("INSERT INTO test_tags VALUES (4711)"))

    with own.session() as session:
        assert session.scalar(text("SELECT count(*) FROM test_tags")) == 0
        assert session.scalar(text("PRAGMA foreign_keys")) == 1


def test_a_command_outside_of_transactions(own: Database) -> None:
    with own.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM"))


def test_a_database_in_memory(start: Callable[..., Client]) -> None:
    database = connect(Settings(database_url="sqlite://"))
    client = start(database, migrate_on_start=True)
    Tables.metadata.create_all(database.engine)
    # As processes do that part.
    database.engine.dispose()

    assert client.post("/test-chairs", json=CHAIR).status_code == 201
    assert len(client.get("/test-chairs").json()) == 1


def test_a_database_that_can_only_be_read(own: Database) -> None:
    own.engine.dispose()
    Path("own.db").rename("old.db")
    engine = create_engine("sqlite:///old.db")
    with engine.begin() as connection:
        connection.execute(text("PRAGMA journal_mode = DELETE"))
    engine.dispose()
    database = connect(Settings(database_url="sqlite:///file:old.db?mode=ro&uri=true"))

    with database.session() as session:
        assert session.scalar(text("SELECT count(*) FROM test_chairs")) == 0
    with pytest.raises(OperationalError), database.session() as session:
        session.execute(ADD)
    database.engine.dispose()


def test_tables_that_cannot_be_brought_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "tracebacklimit", 1000, raising=False)
    database = connect(Settings(database_url="sqlite:///no/such.db"))

    with pytest.raises(SystemExit, match="cannot be brought up to date: unable to open") as ended:
        database.upgrade()

    assert "\n" not in str(ended.value)
