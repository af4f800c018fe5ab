"""The connection to the database: sessions, migrations and the readiness check."""

import logging
#{% if when.sqlite %}
import sqlite3
#{% endif %}
from concurrent.futures import Future
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Thread

from sqlalchemy import Engine, create_engine, text
#{% if when.postgresql %}
from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
#{% else %}
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
#{% endif %}
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.orm.exc import StaleDataError

from .problems import PHRASES, ConflictError, NotFoundError, ServiceError, UnavailableError
from .settings import Settings

logger = logging.getLogger(__name__)
#{% if when.sqlite %}

# What goes by itself, or when the disk has space and rights again.
TEMPORARY = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
}
#{% endif %}


class Database:
    """The database of one application. Nothing connects before the first session."""

    def __init__(self, engine: Engine, timeout: float) -> None:
        self.engine = engine
        self.sessions = sessionmaker(engine, expire_on_commit=False)
        self.timeout = timeout
        self._probe: Future[None] | None = None

    def session(self) -> AbstractContextManager[Session]:
        """Give a session outside of requests: for a command, a job, a script.

        It is committed at the end of the block, rolled back on an error, and closed always.
        """
        return self.sessions.begin()

    def upgrade(self) -> None:
        """Bring the tables up to date; several processes may do so at the same time."""
        # Alembic takes long to import, and a server whose tables were made before needs none of it.
        from alembic import command, config  # noqa: PLC0415

        migrations = config.Config()
        migrations.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with self.engine.begin() as connection:
            migrations.attributes["connection"] = connection
            command.upgrade(migrations, "head")
        # A server may fork from here on, and processes must not share a connection.
        self.engine.dispose()

    def answers(self) -> bool:
        """Tell whether the database answers within the time limit."""
        # One probe at a time: while a database hangs, more of them would use up the connections.
        if self._probe is None or self._probe.done():
            self._probe = Future()
            Thread(target=self._ask, args=(self._probe,), daemon=True).start()
        try:
            self._probe.result(self.timeout)
        except (SQLAlchemyError, TimeoutError) as error:
            logger.warning("The database does not answer: %s", error)
            return False
        return True

    def _ask(self, answer: Future[None]) -> None:
        try:
            with self.engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except SQLAlchemyError as error:
            answer.set_exception(error)
        else:
            answer.set_result(None)


def is_unavailable(error: SQLAlchemyError) -> bool:
    """Tell whether an error is the database's own, down or busy, and no bug of the service."""
    #{% if when.postgresql %}
    return isinstance(error, OperationalError | PoolTimeoutError) or (
        # A connection that was lost in the middle is reported as one of many errors.
        isinstance(error, DBAPIError) and error.connection_invalidated
    )
    #{% else %}
    if isinstance(error, DBAPIError):
        # The other codes, such as the one for an unknown table, are bugs.
        code = getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        return code in TEMPORARY
    return isinstance(error, PoolTimeoutError)
    #{% endif %}


def explain(error: SQLAlchemyError) -> ServiceError | None:
    """Tell what the client is told of an error of the database; of a bug, nothing."""
    if isinstance(error, StaleDataError):
        # Another request deleted the row between the reading and the writing of this one.
        return NotFoundError(PHRASES[404])
    # The first line alone: the others may show what was sent.
    reason = str(error.orig if isinstance(error, DBAPIError) else error).split("\n", 1)[0]
    if isinstance(error, IntegrityError):
        logger.warning("The database refused a change: %s", reason)
        return ConflictError("This does not fit what is stored")
    if is_unavailable(error):
        logger.warning("The database is not available: %s", reason)
        return UnavailableError("The database is not available")
    return None


def connect(settings: Settings) -> Database:
    """Make the database that the settings name."""
    #{% if when.postgresql %}
    engine = create_engine(
        settings.database_url,
        hide_parameters=True,
        connect_args={"connect_timeout": settings.database_timeout},
        pool_pre_ping=True,
        pool_size=settings.database_pool_size,
        pool_timeout=settings.database_timeout,
    )
    #{% else %}
    engine = create_engine(settings.database_url, hide_parameters=True)
    #{% endif %}
    return Database(engine, settings.database_timeout)
