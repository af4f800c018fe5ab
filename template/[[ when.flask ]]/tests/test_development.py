"""What is particular to the development server."""

import logging

import pytest
from flask import Flask

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.middleware import RequestLogMiddleware
#{% endfilter %}


def test_a_bug_that_the_debugger_shows_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    app = Flask(__name__)
    app.config["PROPAGATE_EXCEPTIONS"] = True
    app.wsgi_app = RequestLogMiddleware(app.wsgi_app)  # type: ignore[method-assign]

    @app.get("/bug")
    def bug() -> str:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        app.test_client().get("/bug")

    assert [record.getMessage()[:12] for record in caplog.records] == ["GET /bug 500"]


@pytest.mark.usefixtures("app")
def test_a_request_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    server = logging.getLogger("werkzeug")
    caplog.set_level(logging.INFO)

    server.info("Running")
    server.info('127.0.0.1 - - [today] "%s" %s %s\n', "GET / HTTP/1.1", 200, "-")

    assert [record.getMessage() for record in caplog.records] == ["Running"]
