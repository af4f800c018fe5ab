"""A group of views that asks for credentials."""

from collections.abc import Callable

import pytest
from flask import Flask
from httpx2 import Auth, Client

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE import custom
from PACKAGE.authentication import require_login
#{% endfilter %}


def test_a_browser_may_ask_what_it_may_send(
    start: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    def init_app(app: Flask) -> None:
        app.before_request(require_login)

    monkeypatch.setattr(custom, "init_app", init_app)
    client = start()
    client.auth = Auth()

    assert client.get("/health").status_code == 401
    assert client.options("/health").status_code == 200
