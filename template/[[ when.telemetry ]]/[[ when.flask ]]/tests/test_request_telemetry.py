"""What is told of requests that go wrong outside of Flask."""

from typing import NoReturn

import pytest
from flask import Flask
from werkzeug.test import Client

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE import request_telemetry
from PACKAGE.metrics import exposition
from PACKAGE.settings import Settings
#{% endfilter %}


def fail(*_: object) -> NoReturn:
    raise RuntimeError("a bug of the middleware")


def test_a_request_without_an_answer_is_an_error(app: Flask) -> None:
    settings: Settings = app.extensions["settings"]
    broken = request_telemetry.TelemetryMiddleware(fail, settings)

    with pytest.raises(RuntimeError, match="a bug of the middleware"):
        Client(broken).put("/")

    assert 'http_request_method="PUT",http_response_status_code="500",http_route=""' in (
        exposition().decode()
    )
