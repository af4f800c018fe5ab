#{% filter fitted %}
"""A group of views that asks for credentials."""

from collections.abc import Callable

import pytest
#{% if when.oidc %}
from bearers import Bearer
#{% endif %}
from flask import Flask
from httpx2 import Auth, Client

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE import custom
#{% if when.oidc and when.login_page %}
from PACKAGE.authentication import (
    get_username,
    get_visitor,
    page_login_required,
    require_login,
    role_required,
)
#{% elif when.login_page %}
from PACKAGE.authentication import (
    get_username,
    get_visitor,
    page_login_required,
    require_login,
)
#{% elif when.oidc %}
from PACKAGE.authentication import get_username, require_login, role_required
#{% else %}
from PACKAGE.authentication import get_username, require_login
#{% endif %}
#{% endfilter %}


@pytest.mark.parametrize("guard", [require_login, get_username])
def test_a_hook_asks_for_credentials_but_not_before_a_browser_asks_what_it_may_send(
    start: Callable[..., Client], monkeypatch: pytest.MonkeyPatch, guard: Callable[..., str | None]
) -> None:
    def init_app(app: Flask) -> None:
        app.before_request(guard)

    monkeypatch.setattr(custom, "init_app", init_app)
    client = start()

    assert client.get("/health").json() == {"status": "ok"}
    client.auth = Auth()
    assert client.get("/health").status_code == 401
    assert client.options("/health").status_code == 200
#{% if when.oidc %}


def test_a_view_for_those_who_have_a_role(
    start: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    def init_app(app: Flask) -> None:
        @app.get("/own")
        @role_required("admin")
        def show() -> str:
            return get_username()

    monkeypatch.setattr(custom, "init_app", init_app)
    client = start()

    answers = [client.get("/own", auth=auth) for auth in (Bearer("admin"), Bearer(), Auth())]

    assert [answer.status_code for answer in answers] == [200, 403, 401]
    assert answers[0].text == "ada"
    assert answers[1].json() == {"detail": "The role admin is missing"}
#{% endif %}
#{% if when.login_page %}


def test_a_page_of_ones_own_leads_to_the_login_page(
    start: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    def init_app(app: Flask) -> None:
        @app.get("/own")
        @page_login_required
        def show() -> str:
            return f"own of {get_visitor()!r}"

        @app.get("/kept")
        @page_login_required
        def show_for_a_while() -> tuple[str, dict[str, str]]:
            return "own", {"Cache-Control": "private, max-age=60"}

    monkeypatch.setattr(custom, "init_app", init_app)
    client = start()

    assert "ada" in client.get("/own").text
    assert client.get("/own").headers["Cache-Control"] == "no-store"
    assert client.get("/kept").headers["Cache-Control"] == "private, max-age=60"
    client.auth = Auth()
    answer = client.get("/own", follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/login")
#{% endif %}
#{% endfilter %}
