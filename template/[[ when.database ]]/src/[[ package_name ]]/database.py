"""The connection to the database: sessions, migrations and the readiness check."""

import logging
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.orm.exc import StaleDataError

from .engine import is_unavailable, make_engine, migration
from .probe import Probe
from .problems import (
    PHRASES,
    ConflictError,
    NotFoundError,
    ServiceError,
    UnavailableError,
    UnfitError,
)
from .settings import Settings

logger = logging.getLogger(__name__)


class Database:
    """The database of one application. Nothing connects before the first session."""

    def __init__(self, engine: Engine, timeout: float) -> None:
        self.engine = engine
        # A session that was closed does not open again by itself: what is stored would be lost.
        self.sessions = sessionmaker(engine, expire_on_commit=False, close_resets_only=False)
        self.timeout = timeout
        self._probe = Probe(engine.url)

    def session(self) -> AbstractContextManager[Session]:
        """Give a session outside of requests: for a command, a job, a script.

        It is committed at the end of the block, rolled back on an error, and closed always.
        """
        return self.sessions.begin()

    def upgrade(self) -> None:
        """Bring the tables up to date; several processes may do so at the same time."""
        logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)
        # Alembic takes long to import, and a server whose tables were made before needs none of it.
        from alembic import command, config  # noqa: PLC0415

        migrations = config.Config()
        folder = str(Path(__file__).parent / "migrations")
        # The percent sign has a meaning of its own there.
        migrations.set_main_option("script_location", folder.replace("%", "%%"))
        with self.migration() as connection:
            migrations.attributes["connection"] = connection
            command.upgrade(migrations, "head")
        # A server may fork from here on, and processes must not share a connection.
        self.engine.dispose()

    @contextmanager
    def migration(self) -> Iterator[Connection]:
        """Give a connection to migrate with, or end the program with the reason in a sentence."""
        try:
            with migration(self.engine) as connection:
                yield connection
        except SQLAlchemyError as error:
            if not is_unavailable(error):
                raise
            # The sentence says all, and servers show a traceback with it.
            sys.tracebacklimit = 0
            sentence = f"The tables cannot be brought up to date: {first_line(error)}"
            raise SystemExit(sentence) from None

    def answers(self) -> bool:
        """Tell whether the database answers within the time limit."""
        problem = self._probe.problem(self.timeout)
        if problem:
            logger.warning("The database does not answer: %s", first_line(problem))
        return problem is None


def first_line(error: BaseException) -> str:
    """Tell in one line what is wrong; the others may show what was sent."""
    return str(getattr(error, "orig", error) or type(error).__name__).split("\n", 1)[0]


def explain(error: SQLAlchemyError) -> ServiceError | None:
    """Tell what the client is told of an error of the database; of a bug, nothing."""
    if isinstance(error, StaleDataError):
        # Another request deleted the row between the reading and the writing of this one.
        return NotFoundError(PHRASES[404])
    if isinstance(error, IntegrityError):
        logger.warning("The database refused a change: %s", first_line(error))
        return ConflictError("This does not fit what is stored")
    if isinstance(error, DataError):
        logger.warning("The database refused a value: %s", first_line(error))
        return UnfitError("A value cannot be stored")
    if is_unavailable(error):
        logger.warning("The database is not available: %s", first_line(error))
        return UnavailableError("The database is not available")
    return None


def connect(settings: Settings) -> Database:
    """Make the database that the settings name."""
    timeout = settings.database_timeout
    return Database(
        make_engine(settings.database_url, timeout, settings.database_pool_size), timeout
    )
