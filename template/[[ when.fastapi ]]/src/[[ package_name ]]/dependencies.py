"""What routes are given."""

#{% if when.database %}
from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from .database import Database
#{% else %}
from typing import Annotated

from fastapi import Depends, Request

#{% endif %}
from .settings import Settings
from .store import ItemStore


async def get_settings(request: Request) -> Settings:
    """Give the settings of the application."""
    settings: Settings = request.app.state.settings
    return settings


SettingsDep = Annotated[Settings, Depends(get_settings)]

#{% if when.database %}

async def get_database(request: Request) -> Database:
    """Give the database of the application."""
    database: Database = request.app.state.database
    return database


DatabaseDep = Annotated[Database, Depends(get_database)]


def get_session(database: DatabaseDep) -> Iterator[Session]:
    """Give the request a session, committed before the answer and rolled back on an error."""
    with database.session() as session:
        yield session


# The function scope ends before the answer is sent: nobody sees success for a failed commit.
SessionDep = Annotated[Session, Depends(get_session, scope="function")]


async def get_store(session: SessionDep) -> ItemStore:
    """Give the store of the items."""
    return ItemStore(session)

#{% else %}

async def get_store(request: Request) -> ItemStore:
    """Give the store of the items."""
    store: ItemStore = request.app.state.store
    return store

#{% endif %}

StoreDep = Annotated[ItemStore, Depends(get_store)]
