"""Jobs that run after the response."""

from collections.abc import Callable

import pytest
from flask import Flask
from httpx2 import Client

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE import custom
from PACKAGE.background import run_after_response
from PACKAGE.dependencies import get_settings
from PACKAGE.logs import request_id
#{% endfilter %}


def test_a_job_has_the_application_and_its_failure_is_logged(
    start: Callable[..., Client],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen: list[str] = []
    apps: list[Flask] = []

    def job(name: str) -> None:
        seen.append(f"{get_settings().message} {name} {request_id.get()}")
        raise RuntimeError("a bug of the job")

    def init_app(app: Flask) -> None:
        apps.append(app)

        @app.get("/own")
        def own() -> str:
            run_after_response(job, "Ada")
            return "started"

    monkeypatch.setattr(custom, "init_app", init_app)
    answer = start().get("/own", headers={"X-Request-ID": "abc"})
    assert answer.text == "started"
    apps[0].extensions["executor"].shutdown()

    assert seen == ["Hello, tests! Ada abc"]
    assert "A job failed" in caplog.text
    assert "a bug of the job" in caplog.text
