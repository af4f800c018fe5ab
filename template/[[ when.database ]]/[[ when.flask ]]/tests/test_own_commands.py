#{% filter fitted %}
"""Commands read and write the database, and leave it alone where they need not."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from chairs import Chairs, StoredChair
from flask import Flask, Response, stream_with_context
from flask.cli import FlaskGroup, ScriptInfo
from httpx2 import Client
from sqlalchemy import create_engine, inspect, select
from sqlalchemy.exc import InvalidRequestError

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE import custom
from PACKAGE.app import create_app
from PACKAGE.dependencies import get_database, get_session
from PACKAGE.settings import Settings
#{% endfilter %}


def add_command(app: Flask) -> None:
    @app.cli.command("own")
    def own() -> None:
        """Do nothing."""


def serve(*_: object, **__: object) -> None:
    """Return, as a server does when it is stopped."""


@pytest.mark.parametrize(
    ("command", "reloaded", "starts"),
    [("routes", "", False), ("own", "", False), ("run", "true", False), ("run", "", True)],
)
def test_the_start_brings_the_tables_up_to_date(
    monkeypatch: pytest.MonkeyPatch,
    empty_database_url: str,
    command: str,
    reloaded: str,
    starts: bool,
) -> None:
    # Flask itself sets these, which must end with the test: the second where it loads new code,
    # which may come with a migration that nobody has read yet.
    monkeypatch.setenv("FLASK_RUN_FROM_CLI", "")
    monkeypatch.setenv("WERKZEUG_RUN_MAIN", reloaded)
    monkeypatch.setattr("flask.cli.run_simple", serve)
    monkeypatch.setattr(custom, "init_app", add_command)
    settings = Settings(database_url=empty_database_url, migrate_on_start=True)
    script = ScriptInfo(create_app=lambda: create_app(settings))

    FlaskGroup().main([command], obj=script, standalone_mode=False)

    engine = create_engine(empty_database_url)
    assert ("alembic_version" in inspect(engine).get_table_names()) is starts
    engine.dispose()


def streaming(app: Flask, write: Callable[..., None]) -> None:
    @app.get("/own")
    def own() -> Response:
        get_session()

        def lines() -> Iterator[str]:
            yield "1"
            write()

        return Response(stream_with_context(lines()))


def write_with_the_session() -> None:
    get_session().add(StoredChair(name="Chair", price=1))


def write_with_its_own() -> None:
    with get_database().session() as session:
        session.add(StoredChair(name="Chair", price=1))


def test_a_stream_that_writes(
    start: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(custom, "init_app", partial(streaming, write=write_with_its_own))
    client = start()

    assert client.get("/own").text == "1"
    assert len(client.get("/test-chairs").json()) == 1


def test_the_session_of_a_request_in_a_stream(
    start: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(custom, "init_app", partial(streaming, write=write_with_the_session))

    with pytest.raises(RuntimeError, match="while its answer is sent"):
        start().get("/own")


def test_a_session_that_a_stream_goes_on_with(
    start: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    def init_app(app: Flask) -> None:
        @app.get("/own")
        def own() -> Response:
            chairs = Chairs(get_session())
            return Response(str(len(chairs.all())) for _ in range(2))

    monkeypatch.setattr(custom, "init_app", init_app)

    with pytest.raises(InvalidRequestError, match="closed"):
        start().get("/own")


def test_the_session_of_a_request_outside_of_one(app: Flask) -> None:
    with app.app_context(), pytest.raises(RuntimeError, match=r"use `with get_database\(\)"):
        get_session()


def test_the_session_of_a_request_that_nobody_answers(app: Flask) -> None:
    with app.test_request_context():
        session = get_session()
        session.execute(select(1))
        assert session.in_transaction()

    assert not session.in_transaction()


def test_a_command(client: Client, app: Flask) -> None:
    @app.cli.command("own")
    def own() -> None:
        with get_database().session() as session:
            session.add(StoredChair(name="Chair", price=1))

    result = app.test_cli_runner().invoke(args=["own"])

    assert result.exit_code == 0
    assert len(client.get("/test-chairs").json()) == 1
#{% endfilter %}
