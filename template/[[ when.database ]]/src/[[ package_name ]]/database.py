"""The connection to the database: sessions, migrations and the readiness check."""

import logging
from concurrent.futures import Future
from pathlib import Path
from threading import Thread

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import sessionmaker

from .settings import Settings

logger = logging.getLogger(__name__)


class Database:
    """The database of one application. Nothing connects before the first session."""

    def __init__(self, engine: Engine, timeout: float) -> None:
        self.engine = engine
        self.sessions = sessionmaker(engine, expire_on_commit=False)
        self.timeout = timeout
        self._probe: Future[None] | None = None

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


def connect(settings: Settings) -> Database:
    """Make the database that the settings name."""
    #{% if when.postgresql %}
    engine = create_engine(
        settings.database_url,
        connect_args={"connect_timeout": settings.database_timeout},
        pool_pre_ping=True,
        pool_size=settings.database_pool_size,
        pool_timeout=settings.database_timeout,
    )
    #{% else %}
    engine = create_engine(settings.database_url)
    #{% endif %}
    return Database(engine, settings.database_timeout)
