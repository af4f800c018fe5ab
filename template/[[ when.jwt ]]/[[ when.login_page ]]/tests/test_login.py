"""The login page."""

from collections.abc import Callable
from http.cookies import Morsel, SimpleCookie
from typing import Any

import pytest
from bearers import NOBODY
from httpx2 import Client, Response

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.login_page import needs_https
#{% endfilter %}

ADA = {"username": "ada", "password": "correct horse battery"}


def log_in(client: Client, **others: str) -> Response:
    return client.post("/login", data=ADA | others, auth=NOBODY)


def cookie_of(answer: Response) -> Morsel[str]:
    return SimpleCookie(answer.headers["Set-Cookie"])["login"]


def visit(
    client: Client, cookie: str, method: str = "GET", path: str = "/", **sent: Any
) -> Response:
    return client.request(method, path, headers={"Cookie": f"login={cookie}"}, auth=NOBODY, **sent)


@pytest.fixture
def cookie(client: Client) -> str:
    """Sign a user up and log her in by the page."""
    client.post("/users", json=ADA, auth=NOBODY)
    return cookie_of(log_in(client)).value


def test_the_page(client: Client) -> None:
    answer = client.get("/login", auth=NOBODY)

    assert answer.status_code == 200
    for part in ('action="/login"', 'autocomplete="current-password"', 'type="password"'):
        assert part in answer.text
    assert "/login" not in client.get("/openapi.json").json()["paths"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_logging_in(client: Client) -> None:
    client.post("/users", json=ADA, auth=NOBODY)

    answer = log_in(client, username="ADA")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    cookie = cookie_of(answer)
    assert cookie["httponly"] is True
    assert cookie["secure"] is True
    assert cookie["samesite"].lower() == "lax"
    assert (cookie["path"], int(cookie["max-age"])) == ("/", 30 * 24 * 60 * 60)
    assert cookie["domain"] == ""
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("address", "secure"),
    [
        ("http://service.example", True),
        ("http://service.example:8000", True),
        ("http://localhost.example:8000", True),
        ("http://", True),
        ("http://LOCALHOST:5000", False),
        ("http://127.0.0.1", False),
        ("http://[::1]:8000", False),
        # A proxy speaks HTTPS, and names the address that it has the service at.
        ("https://127.0.0.1:8000", True),
    ],
)
def test_where_the_cookie_needs_https(address: str, secure: bool) -> None:
    scheme, _, host = address.partition("://")

    assert needs_https(scheme, host) == secure


def test_the_page_knows_who_has_logged_in(client: Client, cookie: str) -> None:
    known, unknown = visit(client, cookie), client.get("/", auth=NOBODY)

    assert "Log out" in known.text
    assert ">ada<" in known.text
    assert "Log out" not in unknown.text
    assert 'href="/login"' in unknown.text


def test_no_browser_stores_what_was_shown_to_a_user(client: Client, cookie: str) -> None:
    pages = ["/", "/static/style.css", "/health"]

    known = [visit(client, cookie, path=path).headers.get("Cache-Control") for path in pages]
    unknown = [client.get(path, auth=NOBODY).headers.get("Cache-Control") for path in pages]

    assert known[0] == "no-store"
    # Another one asks for the same page, and must not be given this one on the way.
    assert unknown[0] == "private, no-cache"
    assert known[1:] == unknown[1:]
    assert "no-store" not in str(known[1:])


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"password": "wrong"}, "Wrong name or password"),
        ({"username": "<b>eve</b>"}, "Wrong name or password"),
        ({"username": "a\0da"}, "Wrong name or password"),
        ({"password": "x" * 129}, "Wrong name or password"),
    ],
)
def test_a_wrong_login(client: Client, wrong: dict[str, str], told: str) -> None:
    client.post("/users", json=ADA, auth=NOBODY)

    answer = log_in(client, **wrong)

    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert told in answer.text
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"
    assert "<b>" not in answer.text
    assert ADA["password"] not in answer.text


def test_an_empty_form(client: Client) -> None:
    assert client.post("/login", auth=NOBODY).status_code == 401


def test_too_many_wrong_logins(start: Callable[..., Client]) -> None:
    client = start(failed_logins_limit=1)
    client.post("/users", json=ADA, auth=NOBODY)

    assert log_in(client, password="wrong").status_code == 401
    answer = log_in(client)

    assert answer.status_code == 429
    assert "Too many failed logins" in answer.text
    assert int(answer.headers["Retry-After"]) >= 1


def test_logging_out(client: Client, cookie: str) -> None:
    answer = visit(client, cookie, "POST", "/logout")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert cookie_of(answer).value == ""
    assert cookie_of(answer)["path"] == "/"
    # A copy of the cookie is worth nothing any more.
    assert "Log out" not in visit(client, cookie).text


def test_logging_out_without_a_login(client: Client) -> None:
    assert client.post("/logout", auth=NOBODY).status_code == 303


@pytest.mark.parametrize("wrong", ["", "x", "x.y", "{}x", "{}."])
def test_a_wrong_cookie(client: Client, cookie: str, wrong: str) -> None:
    assert "Log out" not in visit(client, wrong.format(cookie)).text


def test_another_password_ends_the_login(client: Client, cookie: str) -> None:
    tokens = client.post("/token", data=ADA, auth=NOBODY).json()
    header = {"Authorization": f"Bearer {tokens['access_token']}"}
    change = {"current_password": ADA["password"], "new_password": "another horse"}
    assert "Log out" in visit(client, cookie).text

    client.put("/whoami/password", json=change, headers=header, auth=NOBODY)

    assert "Log out" not in visit(client, cookie).text


@pytest.mark.parametrize("path", ["/login", "/logout"])
def test_the_pages_of_other_sites_log_nobody_in_or_out(
    client: Client, cookie: str, path: str
) -> None:
    headers = {"Origin": "https://evil.example", "Cookie": f"login={cookie}"}

    answer = client.post(path, data=ADA, headers=headers, auth=NOBODY)

    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers
    assert "Log out" in visit(client, cookie).text


def test_the_cookie_opens_pages_and_not_the_api(client: Client, cookie: str) -> None:
    assert visit(client, cookie, path="/whoami").status_code == 401
    assert visit(client, cookie, "POST", "/test-chairs", json={}).status_code == 401
#{% if when.items_page %}


def test_the_form_is_for_those_who_have_logged_in(client: Client, cookie: str) -> None:
    form = {"name": "Chair", "price": "12"}
    assert "Add item" in visit(client, cookie).text
    assert "Add item" not in client.get("/", auth=NOBODY).text

    refused = client.post("/", data=form, auth=NOBODY)
    assert (refused.status_code, refused.headers["Location"]) == (303, "/login")
    assert client.get("/items").json()["total"] == 0

    assert visit(client, cookie, "POST", data=form).headers["Location"] == "/"
    assert client.get("/items").json()["total"] == 1
#{% endif %}
