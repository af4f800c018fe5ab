"""What is particular to PostgreSQL."""

import sys
from collections.abc import Callable, Iterator
from socket import create_server
from typing import Any

import psycopg
import pytest
from alembic.operations import MigrationScript
from alembic.operations.ops import DowngradeOps, UpgradeOps
from alembic.runtime.migration import MigrationContext
from chairs import Tables
from httpx2 import Client
from sqlalchemy import Column, Connection, Enum, MetaData, QueuePool, Table, event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE import engine
from PACKAGE.database import Database, connect, explain
from PACKAGE.engine import address
from PACKAGE.enum_types import write_types
from PACKAGE.probe import Probe
from PACKAGE.problems import UnavailableError
from PACKAGE.settings import Settings
#{% endfilter %}


@pytest.fixture
def own_server(empty_database_url: str) -> Iterator[Database]:
    """Give a database whose connections no other test uses."""
    database = connect(Settings(database_url=empty_database_url))
    yield database
    database.engine.dispose()


def test_addresses_of_all_drivers() -> None:
    for scheme in ("postgres", "postgresql", "postgresql+psycopg"):
        assert address(f"{scheme}://host/name").drivername == "postgresql+psycopg"


def test_limits_of_time(own_server: Database) -> None:
    def settings(**options: Any) -> list[str]:
        with own_server.session() as session:
            session.connection(execution_options=options)
            names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
            return [session.scalars(text(f"SHOW {name}")).one() for name in names]

    assert settings() == ["5s", "5s", "50s"]
    assert settings(timeout=60) == ["1min", "1min", "10min"]
    assert settings(timeout=None) == ["0", "0", "0"]


@pytest.mark.parametrize("chair", [{"name": "a\0b", "price": 1}, {"name": "a", "price": 2**40}])
def test_values_that_cannot_be_stored(client: Client, chair: dict[str, Any]) -> None:
    answer = client.post("/test-chairs", json=chair)

    assert answer.status_code == 400
    assert answer.json() == {"detail": "A value cannot be stored"}
    assert client.get("/test-chairs").json() == []


@pytest.mark.parametrize("limit", ["statement_timeout", "lock_timeout"])
def test_a_statement_that_takes_too_long(own_server: Database, limit: str) -> None:
    lock = text("SELECT pg_advisory_xact_lock(1)")

    with own_server.session() as session, own_server.sessions() as other:
        session.execute(lock)
        other.execute(text(f"SET LOCAL {limit} = '10ms'"))
        with pytest.raises(OperationalError) as raised:
            other.execute(lock)

    assert isinstance(explain(raised.value), UnavailableError)


def test_a_server_that_says_nothing(own_server: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "LAST_CHANCE", 10)
    with own_server.sessions() as session:
        connection: Any = session.connection().connection.dbapi_connection
        connection.patience = 0.01
        with pytest.raises(OperationalError) as raised:
            session.execute(text("SELECT pg_sleep(3)"))

    assert connection.closed
    assert isinstance(explain(raised.value), UnavailableError)
    with own_server.session() as session:
        assert session.scalar(text("SELECT 1")) == 1


def test_a_server_that_lets_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    # Two seconds, at the least.
    monkeypatch.setattr("psycopg.connection.timeout_from_conninfo", lambda _: 0.01)
    with create_server(("127.0.0.1", 0)) as server:
        own = connect(Settings(database_url=f"postgresql://127.0.0.1:{server.getsockname()[1]}"))
        with own.sessions() as session, pytest.raises(OperationalError, match="timeout"):
            session.execute(text("SELECT 1"))
        with own.sessions() as session, pytest.raises(PoolTimeoutError, match="says nothing"):
            session.execute(text("SELECT 1"))
        own.engine.dispose()


def test_a_silent_server_is_not_waited_for(own_server: Database) -> None:
    pool: Any = own_server.engine.pool
    # No time for an answer.
    pool.doubt.patience = 0

    with pytest.raises(PoolTimeoutError, match="The server says nothing"):
        pool.connect()
    with pytest.raises(psycopg.OperationalError, match="The server says nothing"):
        QueuePool.connect(pool)

    pool.doubt.patience = 10
    pool.connect().close()
    assert pool.doubt.patience is None


def test_a_server_in_doubt_is_asked(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[Exception | None] = []
    ask = Probe.problem

    def ask_and_note(probe: Probe, patience: float) -> Exception | None:
        said.append(ask(probe, patience))
        return said[-1]

    monkeypatch.setattr(Probe, "problem", ask_and_note)
    monkeypatch.setattr(engine, "MOMENT", 0.01)
    own = engine.make_engine(empty_database_url, timeout=0.2, pool_size=1)
    monkeypatch.setattr(engine, "MOMENT", 10)

    with own.connect(), pytest.raises(PoolTimeoutError):
        own.connect()

    own.dispose()
    assert said
    assert set(said) == {None}


def test_an_address_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL")

    with pytest.raises(ValueError, match="database_url"):
        Settings()


def test_a_connection_that_is_lost(
    with_database: Callable[..., Client],
    own_server: Database,
    empty_database_url: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    Tables.metadata.create_all(own_server.engine)
    client = with_database(own_server)

    def cut(connection: Connection, *_: object) -> None:
        (pid,) = connection.execute(text("SELECT pg_backend_pid()")).one()
        with psycopg.connect(empty_database_url) as other:
            other.execute("SELECT pg_terminate_backend(%s)", (pid,))

    event.listen(own_server.engine, "before_cursor_execute", cut, once=True)
    caplog.clear()

    answers = [client.get("/test-chairs") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [503, 200]
    assert answers[0].json() == {"detail": "The database is not available"}
    assert answers[0].headers["Retry-After"] == "1"
    (record,) = [record for record in caplog.records if record.levelname != "INFO"]
    assert record.exc_info is None
    assert "\n" not in record.getMessage()


def test_types_of_enums_in_a_migration(own_server: Database) -> None:
    tables = MetaData()
    Table("own", tables, Column("state", Enum("new", "it's done", name="state"), primary_key=True))

    def written() -> tuple[list[str], list[str]]:
        up, down = UpgradeOps([]), DowngradeOps([])
        script = MigrationScript("next", up, down)
        with own_server.engine.connect() as connection:
            write_types(MigrationContext.configure(connection), [script], tables)
        return [op.sqltext for op in up.ops], [op.sqltext for op in down.ops]  # type: ignore[attr-defined]

    make, drop = "CREATE TYPE state AS ENUM ('new', 'it''s done')", "DROP TYPE state"
    assert written() == ([make], [drop])
    with own_server.session() as session:
        session.execute(text("CREATE TYPE state AS ENUM ('new')"))
    assert written() == (["ALTER TYPE state ADD VALUE 'it''s done'"], [])
    with own_server.session() as session:
        session.execute(text(drop))
        session.execute(text(make))
    assert written() == ([], [])
    tables.clear()
    assert written() == ([drop], [make])


def test_tables_that_cannot_be_brought_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "tracebacklimit", 1000, raising=False)
    database = connect(Settings(database_url="postgresql://127.0.0.1:1/name"))

    with pytest.raises(SystemExit, match="cannot be brought up to date: connection") as ended:
        database.upgrade()

    assert "\n" not in str(ended.value)


def test_another_process_that_migrates_for_too_long(
    own_server: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "tracebacklimit", 1000, raising=False)
    monkeypatch.setattr(engine, "LONGEST_MIGRATION", 0.01)

    with (
        engine.migration(own_server.engine),
        pytest.raises(SystemExit, match=r"up to date: another process has been at it for 0.01 sec"),
    ):
        own_server.upgrade()


def test_a_connection_that_is_lost_before_a_migration(
    own_server: Database, empty_database_url: str
) -> None:
    def cut(connection: Connection, _: object, statement: str, *__: object) -> None:
        if "lock(" not in statement:
            return
        (pid,) = connection.connection.cursor().execute("SELECT pg_backend_pid()").fetchone()
        with psycopg.connect(empty_database_url) as other:
            other.execute("SELECT pg_terminate_backend(%s)", (pid,))

    event.listen(own_server.engine, "before_cursor_execute", cut)

    with pytest.raises(OperationalError), engine.migration(own_server.engine):
        pass
