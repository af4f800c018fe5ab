"""What tests are given."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
#{% if when.fastapi %}
from fastapi.testclient import TestClient
from httpx2 import Client
#{% else %}
from httpx2 import Client, WSGITransport
#{% endif %}
#{% if when.sqlite %}
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool
#{% endif %}

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.app import create_app
#{% if when.database %}
from PACKAGE.database import Database
from PACKAGE.models import Base
#{% endif %}
from PACKAGE.settings import Settings
#{% endfilter %}

SETTINGS: dict[str, Any] = {
    "message": "Hello, tests!",
    #{% if when.database %}
    "migrate_on_start": False,
    #{% endif %}
    "max_body_size": 100_000,
}


@pytest.fixture(autouse=True)
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run each test in a directory of its own, away from the files of the developer."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


#{% if when.sqlite %}
@pytest.fixture
def database() -> Iterator[Database]:
    """Give each test an empty database in memory."""
    engine = create_engine(
        "sqlite://", connect_args={"check_same_thread": False}, poolclass=StaticPool
    )
    Base.metadata.create_all(engine)
    yield Database(engine, timeout=0.1)
    engine.dispose()


@pytest.fixture
def empty_database_url(tmp_path: Path) -> str:
    """Give the address of a database without tables."""
    return f"sqlite:///{tmp_path / 'empty.db'}"


#{% endif %}
@pytest.fixture
#{% if when.database %}
def start(database: Database) -> Iterator[Callable[..., Client]]:
#{% else %}
def start() -> Iterator[Callable[..., Client]]:
#{% endif %}
    """Give a function that starts the application with other settings."""
    with ExitStack() as stack:

        def start(**settings: Any) -> Client:
            #{% if when.database %}
            app = create_app(Settings(**SETTINGS | settings), database)
            #{% else %}
            app = create_app(Settings(**SETTINGS | settings))
            #{% endif %}
            #{% if when.fastapi %}
            client = TestClient(app, follow_redirects=False)
            #{% else %}
            client = Client(transport=WSGITransport(app), base_url="http://testserver")
            #{% endif %}
            return stack.enter_context(client)

        yield start


@pytest.fixture
def client(start: Callable[..., Client]) -> Client:
    """Give a client of the application."""
    return start()
