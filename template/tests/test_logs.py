#{% filter fitted %}
"""What is logged, and how: one record for one thing, with the id of its request."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from chairs import Chairs
from httpx2 import Client

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE import logs
from PACKAGE.settings import Settings
#{% endfilter %}

ACCESS = "[[ package_name ]].access"
logger = logging.getLogger("[[ package_name ]].tests")


@contextmanager
def configured(server: str = "", **settings: Any) -> Iterator[logging.Logger]:
    """Configure the root logger as a program does, which has none of the handlers of the tests."""
    root = logging.getLogger()
    level = root.level
    # A test whose response was not closed leaves its id.
    logs.request_id.set("")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(root, "handlers", [])
        logs.configure(Settings(**settings), server)
        yield root
    root.setLevel(level)
    logging.captureWarnings(False)


def fail(*_: object) -> None:
    raise RuntimeError("a bug\nof two lines")


def test_a_record_is_a_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    with configured():
        try:
            fail()
        except RuntimeError:
            extra = {"order": 7, "object": object, "level": "none"}
            logger.exception("%d failed", 1, extra=extra, stack_info=True)

    (line,) = capsys.readouterr().err.splitlines()
    record = json.loads(line)
    assert record.pop("time").endswith("+00:00")
    assert "RuntimeError: a bug\nof two lines" in record.pop("traceback")
    assert "test_a_record_is_a_line_of_json" in record.pop("stack")
    assert record == {
        "level": "ERROR",
        "logger": "[[ package_name ]].tests",
        "message": "1 failed",
        "object": "<class 'object'>",
        "order": 7,
    }


def test_a_record_in_a_terminal_is_a_line_to_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with configured():
        logger.info("Ready")
        logs.identify("an-id")
        logger.warning("Busy")
    logs.request_id.set("")

    ready, busy = capsys.readouterr().err.splitlines()
    assert ready.endswith(" INFO     [[ package_name ]].tests: Ready")
    assert busy.endswith(" WARNING  [[ package_name ]].tests: Busy [an-id]")


def test_the_form_and_the_level_can_be_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with configured(log_format="json", log_level="warning"):
        logger.info("Ready")
        logger.warning("Busy")

    assert json.loads(capsys.readouterr().err)["message"] == "Busy"


def test_a_configuration_of_your_own_stays() -> None:
    with configured() as root:
        (own,) = root.handlers
        logs.configure(Settings(log_format="json"))

        assert root.handlers == [own]


def test_a_server_writes_in_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("server", "server.access"):
        logging.getLogger(name).addHandler(logging.StreamHandler())
        logging.getLogger(name).propagate = False

    with configured(server="server"):
        logging.getLogger("server.error").info("\x1b[1mStarted\x1b[0m")
        logging.getLogger("server.access").info("GET /")

    assert json.loads(capsys.readouterr().err)["message"] == "Started"


@pytest.mark.parametrize("path", ["/health", "/test-chairs", "/nothing/here", "/test-chairs/one"])
def test_every_answer_has_the_id_of_its_request(client: Client, path: str) -> None:
    given = client.get(path, headers={"X-Request-ID": "some-id_1.2"})
    first, second = (client.get(path).headers["X-Request-ID"] for _ in range(2))

    assert given.headers["X-Request-ID"] == "some-id_1.2"
    assert first != second
    assert logs.request_id.get() == ""


@pytest.mark.parametrize("odd", ["", "two words", "x" * 65, "<script>", "a,b"])
def test_an_id_that_is_not_plain_is_replaced(client: Client, odd: str) -> None:
    answer = client.get("/health", headers={"X-Request-ID": odd})

    assert logs.PLAIN_ID.fullmatch(answer.headers["X-Request-ID"])


def test_a_bug_is_one_record_with_the_id_of_its_request(
    client: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Chairs, "all", fail)
    with configured(log_format="json"):
        answer = client.get("/test-chairs?q=secret", headers={"X-Request-ID": "an-id"})

    records = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    # Besides, what you may log yourself.
    bug, request = (
        record for record in records if record["level"] == "ERROR" or record["logger"] == ACCESS
    )
    assert answer.headers["X-Request-ID"] == "an-id"
    assert bug["request_id"] == request["request_id"] == "an-id"
    assert bug["level"] == "ERROR"
    assert "RuntimeError: a bug" in bug["traceback"]
    assert request["logger"] == ACCESS
    assert (request["method"], request["path"], request["status"]) == ("GET", "/test-chairs", 500)
    assert request["duration_ms"] >= 0
    assert request["client"]
    assert "secret" not in str(request)


def test_probes_are_not_worth_a_line(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, ACCESS)

    for path in ("/health", "/ready", "/no%0Athing"):
        client.get(path)

    (record,) = (record for record in caplog.records if record.name == ACCESS)
    assert record.getMessage().startswith("GET /no%0Athing 404 in ")
#{% endfilter %}
