"""What is particular to PostgreSQL: how the service connects, and how long it waits."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.abc import RV, PQGen
from psycopg.pq import TransactionStatus
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

# Seconds, beyond those that the server is given, until a server that says nothing is given up.
GRACE = 0.5
# Seconds in which a server in good health answers the smallest question.
MOMENT = 1.0


class PatientConnection(psycopg.Connection[Any]):
    """A connection that is closed when the server no longer says anything.

    The server itself ends statements that take too long; but one that is frozen, or cut off from
    the network, ends nothing.
    """

    patience: float | None = MOMENT

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Wait for the server, but not for ever."""
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except psycopg.OperationalError as error:
            if self.pgconn.transaction_status != TransactionStatus.ACTIVE:
                raise
            self.pgconn.finish()
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
    engine = create_engine(
        location.set(query=defaults | dict(location.query)),
        hide_parameters=True,
        max_overflow=0,
        pool_pre_ping=True,
        pool_size=pool_size,
        pool_timeout=timeout,
    )

    @event.listens_for(engine, "do_connect")
    def connect(_: object, __: object, arguments: Any, options: Any) -> PatientConnection:
        # Statements are not prepared: behind a pooler, each transaction may be on another server.
        return PatientConnection.connect(*arguments, prepare_threshold=None, **options)

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
    """Give a connection to migrate with, to one process at a time and without a limit of time."""
    with engine.connect().execution_options(timeout=None) as connection, connection.begin():
        connection.execute(text("SELECT pg_advisory_xact_lock(752316)"))
        # Who waits for a table makes all others wait for it too: give up soon instead.
        connection.execute(text("SET LOCAL lock_timeout = '3s'"))
        yield connection


def is_unavailable(error: SQLAlchemyError) -> bool:
    """Tell whether an error is the database's own, down or busy, and no bug of the service."""
    return isinstance(error, OperationalError | PoolTimeoutError) or (
        # A connection that was lost in the middle is reported as one of many errors.
        isinstance(error, DBAPIError) and error.connection_invalidated
    )
