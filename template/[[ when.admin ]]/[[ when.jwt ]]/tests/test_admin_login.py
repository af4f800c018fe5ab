#{% filter fitted %}
"""Who may use the admin site, and what an admin does with users."""

from collections.abc import Callable
from http.cookies import Morsel, SimpleCookie
from typing import Any

import pytest
from bearers import NOBODY, Bearer
from httpx2 import Client, Response

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.database import Database
from PACKAGE.login_page import needs_https
from PACKAGE.passwords import hash_password
from PACKAGE.users import UserStore
#{% endfilter %}

ADA = {"username": "ada", "password": "correct horse battery"}
EVE = {"username": "eve", "password": "wrong horse battery"}
USERS = "/admin/user"


def log_in(client: Client, user: dict[str, str] = ADA, **others: str) -> Response:
    return client.post("/admin/login", data=user | others, auth=NOBODY)


def cookie_of(answer: Response) -> Morsel[str]:
    return SimpleCookie(answer.headers["Set-Cookie"])["login"]


def visit(
    client: Client, cookie: str, path: str = "/admin/", method: str = "GET", **sent: Any
) -> Response:
    headers = {"Cookie": f"login={cookie}", **sent.pop("headers", {})}
    return client.request(method, path, headers=headers, auth=NOBODY, **sent)


@pytest.fixture(autouse=True)
def users(database: Database) -> None:
    """Add an admin and another user."""
    with database.session() as session:
        store = UserStore(session)
        store.add(ADA["username"], hash_password(ADA["password"]), ["admin"])
        store.add(EVE["username"], hash_password(EVE["password"]), [])


@pytest.fixture
def cookie(client: Client) -> str:
    """Log the admin in."""
    return cookie_of(log_in(client)).value


def test_the_login_page(client: Client) -> None:
    page = client.get("/admin/login", auth=NOBODY)

    assert page.status_code == 200
    assert 'type="password"' in page.text
    assert page.headers["Cache-Control"] == "no-store"


def test_logging_in(client: Client) -> None:
    answer = log_in(client, username="ADA")

    assert answer.status_code == 303
    assert answer.headers["Location"] == "http://testserver/admin/"
    cookie = cookie_of(answer)
    assert (cookie["httponly"], cookie["secure"]) == (True, True)
    assert (cookie["samesite"].lower(), cookie["path"]) == ("lax", "/")
    assert int(cookie["max-age"]) == 30 * 24 * 60 * 60
    assert "Users" in visit(client, cookie.value).text


@pytest.mark.parametrize(
    ("address", "secure"),
    [
        ("http://service.example:8000", True),
        ("http://", True),
        ("http://localhost:5000", False),
        ("http://[::1]", False),
        ("https://127.0.0.1:8000", True),
    ],
)
def test_where_the_cookie_needs_https(address: str, secure: bool) -> None:
    scheme, _, host = address.partition("://")

    assert needs_https(scheme, host) == secure


@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"username": "a\0"}, {"password": ""}])
def test_a_wrong_login(client: Client, wrong: dict[str, str]) -> None:
    answer = log_in(client, ADA | wrong)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert "Wrong name or password" in answer.text
    assert "Set-Cookie" not in answer.headers
    assert ADA["password"] not in answer.text


def test_too_many_wrong_logins(start: Callable[..., Client]) -> None:
    client = start(failed_logins_limit=1)
    assert log_in(client, password="wrong").status_code == 401

    answer = log_in(client)

    assert answer.status_code == 429
    assert "Too many failed logins" in answer.text
    assert int(answer.headers["Retry-After"]) >= 1


def test_who_is_no_admin_stays_out(client: Client) -> None:
    answer = log_in(client, EVE)

    assert answer.status_code == 403
    assert "The role admin is missing" in answer.text
    assert "Set-Cookie" not in answer.headers
    assert client.get("/admin/", auth=Bearer()).status_code == 403


def test_who_is_no_admin_any_more_stays_out(
    client: Client, cookie: str, database: Database
) -> None:
    with database.session() as session:
        user = UserStore(session).find("ada")
        assert user
        user.roles = []

    answer = visit(client, cookie)

    assert answer.status_code == 403
    assert answer.json() == {"detail": "The role admin is missing"}


def test_logging_out(client: Client, cookie: str) -> None:
    answer = visit(client, cookie, "/admin/logout")

    assert answer.status_code == 303
    assert answer.headers["Location"] == "http://testserver/admin/login"
    assert (cookie_of(answer).value, cookie_of(answer)["path"]) == ("", "/")
    # A copy of the cookie is worth nothing any more.
    assert visit(client, cookie).status_code == 302


@pytest.mark.parametrize(("method", "path"), [("GET", "logout"), ("POST", "login")])
def test_the_pages_of_other_sites_log_nobody_in_or_out(
    client: Client, cookie: str, method: str, path: str
) -> None:
    headers = {"Origin": "https://evil.example"}

    answer = visit(client, cookie, f"/admin/{path}", method, headers=headers)

    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers
    assert visit(client, cookie).status_code == 200


@pytest.mark.parametrize("wrong", ["", "x", "x.y", "{}x", "{}."])
def test_a_wrong_cookie(client: Client, cookie: str, wrong: str) -> None:
    assert visit(client, wrong.format(cookie)).status_code == 302


def test_secrets_of_users_are_not_shown(client: Client, cookie: str, database: Database) -> None:
    with database.session() as session:
        user = UserStore(session).find("ada")
        assert user
        number, secret = user.id, user.password_hash
    pages = [f"user/{page}" for page in ("list", f"details/{number}", f"edit/{number}")]
    login = cookie.partition(".")[0]

    for page in (*pages, "login/list", f"login/details/{login}"):
        answer = visit(client, cookie, f"/admin/{page}")
        assert answer.status_code == 200
        assert "hash" not in answer.text
        assert "$argon2" not in answer.text
        assert secret not in answer.text
    assert visit(client, cookie, f"/admin/user/list?search={secret[:9]}").text.count("<td>ada") == 0
    assert visit(client, cookie, f"/admin/login/edit/{login}").status_code == 403


def test_adding_a_user(client: Client, cookie: str) -> None:
    new = {"username": "Grace", "password": "a long password", "roles": "admin", "save": "Save"}

    answer = visit(client, cookie, f"{USERS}/create", "POST", data=new)

    assert answer.status_code == 302
    assert log_in(client, new).status_code == 303
    assert "<td>grace</td>" in visit(client, cookie, f"{USERS}/list?search=grac").text


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"username": "ada"}, "This does not fit what is stored"),
        ({"username": "a b"}, "String should match pattern"),
        ({"password": "short"}, "should have at least 12"),
        ({"password": ""}, "A new user needs a password"),
        ({"roles": "king"}, "Input should be"),
    ],
)
def test_a_user_that_cannot_be_added(
    client: Client, cookie: str, wrong: dict[str, str], told: str
) -> None:
    new = {"username": "grace", "password": "a long password", "roles": "", "save": "Save"}

    answer = visit(client, cookie, f"{USERS}/create", "POST", data=new | wrong)

    assert answer.status_code == 400
    assert told in answer.text.replace("&#39;", "'")
    assert "a long password" not in answer.text
    assert log_in(client, new).status_code == 401


def test_changing_a_user(client: Client, cookie: str, database: Database) -> None:
    tokens = client.post("/token", data=EVE, auth=NOBODY).json()
    with database.session() as session:
        eve = UserStore(session).find("eve")
        assert eve
        path = f"{USERS}/edit/{eve.id}"
    change = {"username": "eve", "password": "", "roles": "admin", "save": "Save"}

    assert visit(client, cookie, path, "POST", data=change).status_code == 302
    assert log_in(client, EVE).status_code == 303

    change["password"] = "another password"
    assert visit(client, cookie, path, "POST", data=change).status_code == 302
    assert log_in(client, EVE).status_code == 401
    assert log_in(client, change).status_code == 303
    refresh = {"refresh_token": tokens["refresh_token"]}
    assert client.post("/token/refresh", data=refresh, auth=NOBODY).status_code == 401


def test_no_login_outlives_another_password(
    client: Client, cookie: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hash_slowly(password: str) -> str:
        with database.session() as session:
            users = UserStore(session)
            eve = users.find("eve")
            assert eve
            assert users.begin_login(eve, "late", "a hash", 2**31)
        return hash_password(password)

    #{% filter replace("PACKAGE", package_name) %}
    monkeypatch.setattr("PACKAGE.admin.hash_password", hash_slowly)
    #{% endfilter %}
    with database.session() as session:
        eve = UserStore(session).find("eve")
        assert eve
        path = f"{USERS}/edit/{eve.id}"
    change = {"username": "eve", "password": "another password", "roles": "", "save": "Save"}

    assert visit(client, cookie, path, "POST", data=change).status_code == 302

    with database.session() as session:
        assert UserStore(session).find_login("late", "a hash") is None


def test_ending_a_login(client: Client, cookie: str) -> None:
    login = cookie.partition(".")[0]

    visit(client, cookie, f"/admin/login/delete?pks={login}", "DELETE")

    assert visit(client, cookie).status_code == 302
#{% endfilter %}
