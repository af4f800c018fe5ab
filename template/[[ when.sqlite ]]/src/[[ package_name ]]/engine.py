"""What is particular to SQLite: how the service connects, writes and waits."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

# What goes by itself, or when the disk has space and rights again.
TEMPORARY = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
}
# Statements before which no transaction need begin.
READS = re.compile(
    r"\s*(SELECT|PRAGMA|EXPLAIN|BEGIN|WITH(?!.*\b(INSERT|UPDATE|DELETE|REPLACE)\b))\b", re.I | re.S
)


class MemoryPool(QueuePool):
    """The one connection of a database in memory: the tables would go with it."""

    def dispose(self) -> None:
        """Keep the connection."""

    def recreate(self) -> QueuePool:
        """Keep the pool."""
        return self


def address(url: str) -> URL:
    """Read the address of a database."""
    return make_url(url)


def is_in_memory(url: URL) -> bool:
    """Tell whether a database ends with its connection."""
    return url.database in {None, "", ":memory:"} or url.query.get("mode") == "memory"


def prepare(connection: sqlite3.Connection, _: object) -> None:
    """Check foreign keys, and let readers and one writer work at the same time."""
    connection.execute("PRAGMA foreign_keys = ON")
    # A database that cannot be written to keeps the mode that it has.
    with suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")


def begin(
    connection: Connection,
    cursor: sqlite3.Cursor,
    statement: str,
    _: object,
    context: Any,
    __: object,
) -> None:
    """Begin a transaction with the first statement that writes, or reads ``FOR UPDATE``.

    It takes the lock for writing at once and waits for it: a transaction that begins by reading
    cannot wait any more when another one has written since.
    """
    asked = getattr(context.invoked_statement, "_for_update_arg", None) if context else None
    if cursor.connection.in_transaction or (READS.match(statement) and asked is None):
        return
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        cursor.execute("BEGIN IMMEDIATE")


def make_engine(url: str, timeout: float, pool_size: int) -> Engine:
    """Make the pool of connections. Nothing connects before the first session."""
    location = address(url)
    in_memory = is_in_memory(location)
    engine = create_engine(
        location,
        connect_args={"timeout": timeout, "check_same_thread": False},
        hide_parameters=True,
        max_overflow=0,
        pool_size=1 if in_memory else pool_size,
        pool_timeout=timeout,
        poolclass=MemoryPool if in_memory else QueuePool,
    )
    event.listen(engine, "connect", prepare)
    event.listen(engine, "before_cursor_execute", begin)
    return engine


@contextmanager
def migration(engine: Engine) -> Iterator[Connection]:
    """Give a connection to migrate with, to one process at a time."""
    with engine.connect() as connection:
        # Alembic copies a table, drops it and renames the copy: other tables keep their references.
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
            if broken:
                raise IntegrityError("PRAGMA foreign_key_check", None, ValueError(broken))
            connection.commit()
        finally:
            connection.rollback()
            connection.exec_driver_sql("PRAGMA foreign_keys = ON")


def is_unavailable(error: SQLAlchemyError) -> bool:
    """Tell whether an error is the database's own, down or busy, and no bug of the service."""
    if isinstance(error, DBAPIError):
        # The other codes, such as the one for an unknown table, are bugs.
        code = getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        return code & 0xFF in TEMPORARY
    return isinstance(error, PoolTimeoutError)
