"""Commands read and write the database, and leave it alone where they need not."""

from unittest.mock import Mock

import pytest
from chairs import StoredChair
from flask import Flask
from flask.cli import FlaskGroup, ScriptInfo
from httpx2 import Client

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.app import create_app
from PACKAGE.database import Database
from PACKAGE.dependencies import get_database, get_session
from PACKAGE.settings import Settings
#{% endfilter %}


def test_listing_the_routes_leaves_the_database_alone(
    monkeypatch: pytest.MonkeyPatch, empty_database_url: str
) -> None:
    upgraded = Mock()
    monkeypatch.setattr(Database, "upgrade", upgraded)
    settings = Settings(database_url=empty_database_url, migrate_on_start=True)
    listing = ScriptInfo(create_app=lambda: create_app(settings))
    # The command sets this variable, which must end with the test.
    monkeypatch.setenv("FLASK_RUN_FROM_CLI", "")

    result = FlaskGroup().main(["routes"], obj=listing, standalone_mode=False)

    assert result is None
    upgraded.assert_not_called()
    create_app(settings)
    upgraded.assert_called_once()


def test_the_session_of_a_request_outside_of_one(app: Flask) -> None:
    with app.app_context(), pytest.raises(RuntimeError, match=r"use `with get_database\(\)"):
        get_session()


def test_a_command(client: Client, app: Flask) -> None:
    @app.cli.command("own")
    def own() -> None:
        with get_database().session() as session:
            session.add(StoredChair(name="Chair", price=1))

    result = app.test_cli_runner().invoke(args=["own"])

    assert result.exit_code == 0
    assert len(client.get("/test-chairs").json()) == 1
