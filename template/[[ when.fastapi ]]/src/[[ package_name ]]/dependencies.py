#{% filter imports | fitted %}
"""What routes are given."""

from collections.abc import AsyncIterator, Callable
from contextlib import nullcontext
from typing import Annotated, Any

from anyio import CancelScope, CapacityLimiter, to_thread
from fastapi import Depends
from fastapi.requests import HTTPConnection
from sqlalchemy import QueuePool
from sqlalchemy.orm import Session

from .database import Database
from .routing import current_session
from .settings import Settings
#{% for resource in kept %}
#{% filter about(resource) %}
from .store import WidgetStore
#{% endfilter %}
#{% endfor %}


def state_of(connection: HTTPConnection) -> Any:
    """Give the state of the application, also to the applications that are mounted in it."""
    return getattr(connection.state, "service", connection.app.state)


async def get_settings(connection: HTTPConnection) -> Settings:
    """Give the settings of the application."""
    settings: Settings = state_of(connection).settings
    return settings


SettingsDep = Annotated[Settings, Depends(get_settings)]

#{% if when.database %}

async def get_database(connection: HTTPConnection) -> Database:
    """Give the database of the application."""
    database: Database = state_of(connection).database
    return database


DatabaseDep = Annotated[Database, Depends(get_database)]


# Seconds that a request waits for its session at the most. Most wait a moment: a database that
# says nothing is noticed, and those that wait are refused then.
LONGEST_WAIT = 15


def connections_of(database: Database) -> int:
    """Give the number of sessions that can work at the same time."""
    pool = database.engine.pool
    return pool.size() if isinstance(pool, QueuePool) else 1


async def end(how: Callable[..., None]) -> None:
    """Commit or close a session in a thread that is never waited for."""
    with CancelScope(shield=True):
        await to_thread.run_sync(how, limiter=CapacityLimiter(1))


async def get_session(connection: HTTPConnection) -> AsyncIterator[Session]:
    """Give the request a session, committed before the answer and rolled back on an error."""
    # There are as many places as connections, and a place is taken before anything else: who holds a
    # connection or a thread never waits for another request that holds the other.
    state = state_of(connection)
    needs_place = connection.scope["type"] == "http"
    async with state.sessions.place() if needs_place else nullcontext():
        session = state.database.sessions()
        current_session.set(session)
        try:
            yield session
            # Nothing is left to commit after a OneThreadRoute.
            if session.in_transaction():
                await end(session.commit)
        finally:
            if session.in_transaction():
                await end(session.close)
            session.close()


# The function scope ends before the answer is sent: nobody sees success for a failed commit. What
# runs later has no session any more, and an error if it uses this one: a background task, a
# streamed answer, a WebSocket with each message: they open their own in a thread, with
# ``with database.session() as session``. A dependency that needs a session and has a ``yield``
# takes the function scope, too.
SessionDep = Annotated[Session, Depends(get_session, scope="function")]


#{% endif %}
#{% for resource in kept %}
#{% filter about(resource) %}
#{% if when.database %}

async def get_widget_store(session: SessionDep) -> WidgetStore:
    """Give the store of the [[ resource.labels ]]."""
    return WidgetStore(session)

#{% else %}

async def get_widget_store(connection: HTTPConnection) -> WidgetStore:
    """Give the store of the [[ resource.labels ]]."""
    store: WidgetStore = state_of(connection).widget_store
    return store

#{% endif %}

WidgetStoreDep = Annotated[WidgetStore, Depends(get_widget_store)]

#{% endfilter %}
#{% endfor %}
#{% endfilter %}
