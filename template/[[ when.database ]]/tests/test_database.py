"""What the service does with its database."""

import logging
import os
import re
import shutil
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from chairs import Chair, Chairs, StoredChair, Tables
from httpx2 import Client
from sqlalchemy import (
    CheckConstraint,
    Column,
    Engine,
    Enum,
    ForeignKey,
    Integer,
    Table,
    TypeDecorator,
    create_engine,
    event,
    inspect,
    literal,
    select,
    text,
)
from sqlalchemy.exc import DataError, DBAPIError, OperationalError, ProgrammingError
from sqlalchemy.orm import Session

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE import models
from PACKAGE.database import Database, connect
from PACKAGE.engine import make_engine
from PACKAGE.models import Base
from PACKAGE.settings import Settings
#{% endfilter %}

CHAIR = {"name": "Chair", "price": 1}
# Your own work at the start may ask the database something else.
PROBE = "SELECT 1"


@pytest.fixture
def empty_database(empty_database_url: str) -> Iterator[Database]:
    """Give a database without tables, whose connections no other test uses."""
    database = connect(Settings(database_url=empty_database_url))
    yield database
    database.engine.dispose()


@pytest.fixture
def own_database(empty_database: Database) -> Database:
    """Give a database with tables, whose connections no other test uses."""
    for tables in (Base.metadata, Tables.metadata):
        tables.create_all(empty_database.engine)
    return empty_database


@contextmanager
def heard(target: Any, name: str, listener: Callable[..., None]) -> Iterator[None]:
    """Call ``listener`` while the block runs."""
    event.listen(target, name, listener)
    try:
        yield
    finally:
        event.remove(target, name, listener)


def tables_of(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names())


def test_half_a_change_is_not_kept(
    client: Client, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = Chairs.add

    def add_and_fail(chairs: Chairs, data: Chair) -> None:
        add(chairs, data)
        raise RuntimeError

    monkeypatch.setattr(Chairs, "add", add_and_fail)

    assert client.post("/test-chairs", json=CHAIR).status_code == 500
    assert client.get("/test-chairs").json() == []


def test_a_failed_commit_is_no_success(
    with_database: Callable[..., Client], own_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    client = with_database(own_database)

    def fail(_: Session) -> None:
        raise ProgrammingError("COMMIT", {}, RuntimeError("a bug"))

    with heard(Session, "before_commit", fail):
        answer = client.post("/test-chairs", json=CHAIR)

    assert answer.status_code == 500
    assert [record.levelname for record in caplog.records if record.exc_info] == ["ERROR"]
    assert client.get("/test-chairs").json() == []


def test_a_conflict(
    with_database: Callable[..., Client], own_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with own_database.session() as session:
        session.execute(text("CREATE UNIQUE INDEX one_name ON test_chairs (name)"))
    client = with_database(own_database)
    secret = CHAIR | {"name": "a secret"}

    answers = [client.post("/test-chairs", json=secret) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 409]
    assert answers[1].json() == {"detail": "This does not fit what is stored"}
    assert len(client.get("/test-chairs").json()) == 1
    (record,) = [record for record in caplog.records if record.levelname != "INFO"]
    assert record.exc_info is None
    assert "\n" not in record.getMessage()
    assert "a secret" not in caplog.text


def test_a_row_that_went_meanwhile(client: Client) -> None:
    chair = client.post("/test-chairs", json=CHAIR).json()

    def delete(session: Session, *_: object) -> None:
        session.connection().execute(text("DELETE FROM test_chairs"))

    with heard(Session, "before_flush", delete):
        answer = client.patch(f"/test-chairs/{chair['id']}", json={"name": "Table"})

    assert answer.status_code == 404
    assert answer.json() == {"detail": "Not Found"}


def test_a_value_that_cannot_be_stored(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    def refuse(*_: object) -> None:
        raise DataError("INSERT", {}, RuntimeError("out of range\nwhat was sent"))

    with heard(Session, "before_flush", refuse):
        answer = client.post("/test-chairs", json=CHAIR)

    assert answer.status_code == 400
    assert answer.json() == {"detail": "A value cannot be stored"}
    assert "what was sent" not in caplog.text


def test_a_bug_in_the_database_is_logged_once_and_without_what_was_sent(
    with_database: Callable[..., Client], own_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    Tables.metadata.drop_all(own_database.engine)
    client = with_database(own_database)

    answer = client.post("/test-chairs", json=CHAIR | {"name": "a secret"})

    assert answer.status_code == 500
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert record.exc_info is not None
    assert "a secret" not in caplog.text


def test_no_connection_is_free(
    with_database: Callable[..., Client], own_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    client = with_database(own_database)
    engine = make_engine(str(own_database.engine.url), timeout=0.1, pool_size=1)
    own_database.sessions.configure(bind=engine)

    with engine.connect():
        answer = client.get("/test-chairs")
    engine.dispose()

    assert answer.status_code == 503
    assert answer.json() == {"detail": "The database is not available"}
    assert answer.headers["Retry-After"] == "1"
    (record,) = [record for record in caplog.records if record.levelname != "INFO"]
    assert record.exc_info is None


def test_a_session_outside_of_requests(database: Database) -> None:
    def add(name: str) -> None:
        with database.session() as session:
            session.add(StoredChair(name=name, price=1))
            session.flush()
            if name == "Bug":
                raise RuntimeError

    add("Chair")
    with pytest.raises(RuntimeError):
        add("Bug")

    with database.session() as session:
        assert session.scalars(select(StoredChair.name)).all() == ["Chair"]


def test_an_amount_stays_exact(database: Database) -> None:
    with database.session() as session:
        amount = session.scalar(select(literal(Decimal("1.10"), models.Money())))

    assert str(amount) == "1.10"


def test_connections_are_given_back(
    with_database: Callable[..., Client], own_database: Database
) -> None:
    client = with_database(own_database)
    taken: list[object] = []
    in_use: set[object] = set()

    def take(_: object, record: object, __: object) -> None:
        taken.append(record)
        in_use.add(record)

    event.listen(own_database.engine, "checkout", take)
    event.listen(own_database.engine, "checkin", lambda _, record: in_use.discard(record))

    client.post("/test-chairs", json=CHAIR)
    client.post("/test-chairs", json={})
    client.get("/test-chairs/4711")

    assert len(taken) >= 2
    assert not in_use


def test_not_ready_while_the_database_fails(
    with_database: Callable[..., Client], own_database: Database
) -> None:
    client = with_database(own_database)

    def fail(_: object, __: object, statement: str, *___: object) -> None:
        if statement == PROBE:
            raise OperationalError(PROBE, {}, RuntimeError("connection refused"))

    with heard(Engine, "before_cursor_execute", fail):
        answer = client.get("/ready")

    assert answer.status_code == 503
    assert answer.json() == {"detail": "The database does not answer"}
    assert answer.headers["Retry-After"] == "1"
    assert client.get("/health").status_code == 200


def test_not_ready_while_the_database_hangs(
    with_database: Callable[..., Client], own_database: Database
) -> None:
    client = with_database(own_database)
    probes, begun, released = [], Event(), Event()

    def hang(_: object, __: object, statement: str, *___: object) -> None:
        if statement == PROBE:
            probes.append(time.monotonic())
            begun.set()
            assert released.wait(10)

    own_database.timeout = 0.01
    started = time.monotonic()
    with ExitStack() as ended, heard(Engine, "before_cursor_execute", hang):
        ended.callback(released.set)
        assert client.get("/ready").status_code == 503
        assert begun.wait(10)
        assert client.get("/ready").status_code == 503
        assert time.monotonic() - started < 5
        assert len(probes) == 1
        own_database.timeout = 60
        released.set()
        assert client.get("/ready").status_code == 200


def test_a_bug_ends_one_question_only(own_database: Database) -> None:
    def fail(*_: object) -> None:
        raise NotImplementedError

    with heard(Engine, "before_cursor_execute", fail), pytest.raises(NotImplementedError):
        own_database.answers()

    assert own_database.answers()


def test_start_brings_the_tables_up_to_date(
    start: Callable[..., Client], empty_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    start(empty_database, migrate_on_start=True)

    assert {"alembic_version", *Base.metadata.tables} <= tables_of(empty_database.engine)
    assert caplog.text.count("Context impl") == 1


def test_a_bug_in_a_migration_is_shown(empty_database: Database) -> None:
    with pytest.raises(DBAPIError), empty_database.migration() as connection:
        connection.execute(text("SELECT * FROM nothing"))


def test_tables_of_a_newer_version(
    start: Callable[..., Client], empty_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    empty_database.upgrade()
    with empty_database.session() as session:
        session.execute(text("DELETE FROM alembic_version"))
        session.execute(text("INSERT INTO alembic_version VALUES ('next')"))

    client = start(empty_database, migrate_on_start=True)

    assert client.get("/ready").status_code == 200
    assert set(Base.metadata.tables) <= tables_of(empty_database.engine)
    assert "The tables are newer than this code, and stay: next" in caplog.text


class Percent(TypeDecorator[int]):
    """A type of one's own, with an argument."""

    impl = Integer
    cache_ok = True

    def __init__(self, step: int) -> None:
        super().__init__()
        self.step = step


# Migrations import it from where the package has its types.
Percent.__module__ = models.__name__


@pytest.fixture
def alembic(empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Give what the command works with, on an empty database; new migrations stay out of yours."""
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    project = Path(shutil.copy(Path(__file__).parents[1] / "pyproject.toml", Path.cwd()))
    versions = Path(models.__file__).parent / "migrations" / "versions"
    config = Config(toml_file=project)
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", f"{versions}{os.pathsep}{Path.cwd()}")
    return config


def write_migration(config: Config, message: str) -> Path:
    """Write a migration from the models."""
    before = set(Path.cwd().glob("*.py"))
    config.cmd_opts = Namespace(autogenerate=True, cmd=[command.revision])
    command.revision(config, message, autogenerate=True, version_path=Path.cwd())
    config.cmd_opts = None
    (path,) = set(Path.cwd().glob("*.py")) - before
    return path


def test_a_migration_for_new_tables(alembic: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "Percent", Percent, raising=False)
    # Names that no table and no type of yours has.
    table = Table(
        "tests_orders",
        Base.metadata,
        Column("id", Integer, primary_key=True),
        Column("former_id", ForeignKey("tests_orders.id", ondelete="CASCADE"), unique=True),
        Column("price", models.Money, nullable=False),
        Column("discount", Percent(5), index=True),
        Column("state", Enum("new", "done", name="tests_state"), nullable=False),
        CheckConstraint("discount < 100"),
    )
    try:
        path = write_migration(alembic, "add orders.")
        command.upgrade(alembic, "head")
        command.check(alembic)
        command.downgrade(alembic, "-1")
        command.upgrade(alembic, "head")
    finally:
        Base.metadata.remove(table)

    assert path.name.endswith("_add_orders.py")
    written = path.read_text()
    assert written.startswith('"""Add orders."""')
    assert "models.Money()" in written
    assert "models.Percent(5)" in written
    for check in ("check", "format --check"):
        ruff = [sys.executable, "-m", "ruff", *check.split(), str(path)]
        subprocess.run(ruff, check=True)  # noqa: S603


def test_a_migration_for_tables_that_go(alembic: Config) -> None:
    def add_table(number: int, *others: Column[Any]) -> Table:
        key = Column("id", Integer, primary_key=True)
        return Table(f"tests_{number}", Base.metadata, key, *others)

    # Each refers to the one before it.
    tables = [add_table(0)]
    for number in range(1, 5):
        former = ForeignKey(f"tests_{number - 1}.id")
        tables.append(add_table(number, Column("former_id", former, index=True)))
    try:
        write_migration(alembic, "add tables")
        command.upgrade(alembic, "head")
        for table in tables:
            Base.metadata.remove(table)
        # One stays, without its reference.
        tables = [add_table(4)]
        path = write_migration(alembic, "drop tables")
        command.upgrade(alembic, "head")
        command.check(alembic)
        command.downgrade(alembic, "-1")
        command.upgrade(alembic, "head")
    finally:
        for table in tables:
            Base.metadata.remove(table)

    up, _, down = path.read_text().partition("def downgrade")
    names = [f"tests_{number}" for number in range(4)]
    assert re.findall(r'create_table\(\s*"(\w+)"', down) == names
    assert re.findall(r'drop_table\("(\w+)"', up) == names[::-1]
    assert up.index("tests_4") < up.index("drop_table")


def test_the_alembic_command(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    config = Config(toml_file=Path(__file__).parents[1] / "pyproject.toml")
    engine = create_engine(empty_database_url)
    tables = set(Base.metadata.tables)

    command.upgrade(config, "head")
    assert tables <= tables_of(engine)
    # The migrations make the tables of the models.
    command.check(config)
    command.downgrade(config, "base")
    assert not tables & tables_of(engine)
    # The first one only: migrations of yours may need a connection.
    first = ScriptDirectory.from_config(config).get_bases()[:1]
    command.upgrade(config, first[0] if first else "head", sql=True)
    written = capsys.readouterr().out
    assert written.count("INSERT INTO alembic_version") == len(first)
    assert not tables & tables_of(engine)
    engine.dispose()
