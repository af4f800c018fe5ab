"""What is particular to PostgreSQL: how the service connects, and how long it waits."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.abc import RV, PQGen
from psycopg.pq import TransactionStatus
from sqlalchemy import (
    URL,
    Connection,
    Engine,
    PoolProxiedConnection,
    QueuePool,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from .probe import Probe

# Seconds, beyond those that the server is given, until a server that says nothing is given up.
GRACE = 0.25
# Seconds in which a server in good health answers the smallest question.
MOMENT = 1.0
# Seconds in which it has to, when it has been silent for longer than it may be.
LAST_CHANCE = 0.25
# Seconds in which another process must have brought the tables up to date.
LONGEST_MIGRATION = 600


class Doubt:
    """Whether the server still answers: asked only when there is a reason to doubt it."""

    def __init__(self, url: URL) -> None:
        # Seconds that the server is given for an answer, if it is in doubt.
        self.patience: float | None = None
        self._probe = Probe(url.update_query_dict({"connect_timeout": "10"}))

    def is_right(self) -> bool:
        """Tell whether the server says nothing."""
        patience = self.patience
        if patience is not None and self._probe.problem(patience) is None:
            self.patience = None
        return self.patience is not None


class PatientPool(QueuePool):
    """Connections that are waited for with a limit, and not at all from a silent server."""

    doubt: Doubt
    patience: float

    def connect(self) -> PoolProxiedConnection:
        """Give a connection; wait in short turns, and ask between them."""
        ends = time.monotonic() + self.patience
        while not self.doubt.is_right():
            try:
                return super().connect()
            except PoolTimeoutError:
                if time.monotonic() > ends:
                    raise
                # It may be busy only.
                self.doubt.patience = MOMENT
        raise PoolTimeoutError("The server says nothing")

    def recreate(self) -> QueuePool:
        """Make an empty pool of the same kind."""
        pool = super().recreate()
        assert isinstance(pool, PatientPool)  # noqa: S101
        pool.doubt, pool.patience = self.doubt, self.patience
        return pool


class PatientConnection(psycopg.Connection[Any]):
    """A connection that is closed when the server no longer says anything.

    The server itself ends statements that take too long; but one that is frozen, or cut off from
    the network, ends nothing.
    """

    patience: float | None = MOMENT
    doubt: Doubt

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Wait for the server, but not for ever."""
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except psycopg.OperationalError as error:
            if self.pgconn.transaction_status != TransactionStatus.ACTIVE:
                raise
            self.pgconn.finish()
            self.doubt.patience = LAST_CHANCE
            raise psycopg.OperationalError("The server says nothing") from error


def address(url: str) -> URL:
    """Read the address of a database, whichever driver it names."""
    return make_url(url).set(drivername="postgresql+psycopg")


def make_engine(url: str, timeout: float, pool_size: int) -> Engine:
    """Make the pool of connections. Nothing connects before the first session."""
    location = address(url)
    defaults = {
        "connect_timeout": str(max(2, round(timeout - MOMENT))),
        "keepalives_idle": "30",
        "keepalives_interval": "10",
        "keepalives_count": "3",
    }
    location = location.set(query=defaults | dict(location.query))
    doubt = Doubt(location)
    engine = create_engine(
        location,
        hide_parameters=True,
        max_overflow=0,
        pool_pre_ping=True,
        pool_size=pool_size,
        pool_timeout=min(timeout, MOMENT),
        poolclass=PatientPool,
    )
    assert isinstance(engine.pool, PatientPool)  # noqa: S101
    engine.pool.doubt, engine.pool.patience = doubt, timeout

    @event.listens_for(engine, "do_connect")
    def connect(_: object, __: object, arguments: Any, options: Any) -> PatientConnection:
        # Statements are not prepared: behind a pooler, each transaction may be on another server.
        if doubt.is_right():
            raise psycopg.OperationalError("The server says nothing")
        try:
            connection = PatientConnection.connect(*arguments, prepare_threshold=None, **options)
        except psycopg.errors.ConnectionTimeout:
            doubt.patience = LAST_CHANCE
            raise
        connection.doubt = doubt
        return connection

    @event.listens_for(engine, "begin")
    def limit(connection: Connection) -> None:
        # For each transaction, because a pooler does not keep what is set for a connection.
        seconds = connection.get_execution_options().get("timeout", timeout)
        raw: Any = connection.connection.dbapi_connection
        raw.patience = seconds and seconds + GRACE
        milliseconds = int(1000 * (seconds or 0))
        connection.exec_driver_sql(
            f"SET LOCAL statement_timeout = {milliseconds};"
            f"SET LOCAL lock_timeout = {milliseconds};"
            f"SET LOCAL idle_in_transaction_session_timeout = {10 * milliseconds}"
        )

    @event.listens_for(engine, "reset")
    def reset(connection: Any, *_: object) -> None:
        connection.patience = MOMENT

    return engine


@contextmanager
def migration(engine: Engine) -> Iterator[Connection]:
    """Give a connection to migrate with, to one process at a time; it may take any time itself."""
    with engine.connect().execution_options(timeout=None) as connection, connection.begin():
        connection.execute(text(f"SET LOCAL lock_timeout = '{LONGEST_MIGRATION}s'"))
        try:
            connection.execute(text("SELECT pg_advisory_xact_lock(752316)"))
        except OperationalError as error:
            if not isinstance(error.orig, psycopg.errors.LockNotAvailable):
                raise
            raise PoolTimeoutError(
                f"another process has been at it for {LONGEST_MIGRATION} seconds; "
                "see what it waits for, or end it, and start again"
            ) from error
        # Who waits for a table makes all others wait for it too: give up soon instead.
        connection.execute(text("SET LOCAL lock_timeout = '3s'"))
        yield connection


def is_unavailable(error: SQLAlchemyError) -> bool:
    """Tell whether an error is the database's own, down or busy, and no bug of the service."""
    return isinstance(error, OperationalError | PoolTimeoutError) or (
        # A connection that was lost in the middle is reported as one of many errors.
        isinstance(error, DBAPIError) and error.connection_invalidated
    )
