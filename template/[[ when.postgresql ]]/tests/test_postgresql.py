"""What is particular to PostgreSQL."""

from collections.abc import Callable

import psycopg
import pytest
from httpx2 import Client
from sqlalchemy import Connection, event, text

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.database import connect
from PACKAGE.settings import Settings
#{% endfilter %}


def test_an_address_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL")

    with pytest.raises(ValueError, match="database_url"):
        Settings()


def test_a_connection_that_is_lost(
    start: Callable[..., Client], empty_database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    database = connect(Settings(database_url=empty_database_url))
    client = start(database, migrate_on_start=True)

    def cut(connection: Connection, *_: object) -> None:
        (pid,) = connection.execute(text("SELECT pg_backend_pid()")).one()
        with psycopg.connect(empty_database_url) as other:
            other.execute("SELECT pg_terminate_backend(%s)", (pid,))

    event.listen(database.engine, "before_cursor_execute", cut, once=True)
    caplog.clear()

    answers = [client.get("/items") for _ in range(2)]
    database.engine.dispose()

    assert [answer.status_code for answer in answers] == [503, 200]
    assert answers[0].json() == {"detail": "The database is not available"}
    assert answers[0].headers["Retry-After"] == "1"
    (record,) = [record for record in caplog.records if record.levelname != "INFO"]
    assert record.exc_info is None
    assert "\n" not in record.getMessage()
