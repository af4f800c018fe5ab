#{% filter fitted %}
"""Who may use the admin site: those whom the issuer knows as admins."""

from collections.abc import Callable, Iterator
from http.cookies import Morsel, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
#{% if when.login_page %}
from bearers import ISSUER, NOBODY, Provider
#{% else %}
from bearers import AUDIENCE, DISCOVERY, ISSUER, LOGIN_SECRET, NOBODY, Bearer, Provider
#{% endif %}
from httpx2 import Client, Response
#{% if not when.login_page %}
from jwt import encode

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE import login_page
from PACKAGE.login_page import needs_https
#{% endfilter %}
#{% endif %}

COOKIES = ("login", "login_on_the_way")


def visit(client: Client, path: str = "/admin/", method: str = "GET", **sent: Any) -> Response:
    cookies = "; ".join(f"{name}={sent.pop(name)}" for name in COOKIES if name in sent)
    client.cookies.clear()
    headers = {"Cookie": cookies, **sent.pop("headers", {})}
    return client.request(method, path, headers=headers, auth=NOBODY, **sent)


def cookies_of(answer: Response) -> dict[str, Morsel[str]]:
    found: dict[str, Morsel[str]] = {}
    for text in answer.headers.get_list("Set-Cookie"):
        found |= SimpleCookie(text)
    return found


def begin(client: Client) -> tuple[str, str]:
    """Begin a login: give the page of the issuer, and the cookie for the way."""
    answer = visit(client, "/admin/login")
    assert answer.status_code == 303
    return answer.headers["Location"], cookies_of(answer)["login_on_the_way"].value


def come_back(client: Client, provider: Provider) -> Response:
    """Log in."""
    page, kept = begin(client)
    return visit(client, provider.let_in(page), login_on_the_way=kept)


@pytest.fixture
def provider() -> Iterator[Provider]:
    """Give an issuer of the test's own, for which whoever logs in is an admin."""
    with Provider() as provider:
        provider.said = {"roles": ["admin"]}
        yield provider


@pytest.fixture
def own(provider: Provider, start: Callable[..., Client]) -> Client:
    """Give a client of a service of that issuer."""
    return start(oidc_issuer=provider.url)


@pytest.fixture
def cookie(own: Client, provider: Provider) -> str:
    """Log an admin in."""
    return cookies_of(come_back(own, provider))["login"].value


def test_the_way_to_the_issuer(client: Client) -> None:
    first = visit(client, "/admin/chair/list")
    assert first.status_code == 302

    answer = visit(client, first.headers["Location"])

    assert answer.status_code == 303
    assert answer.headers["Cache-Control"] == "no-store"
    page = urlsplit(answer.headers["Location"])
    assert f"{page.scheme}://{page.netloc}{page.path}" == f"{ISSUER.url}/authorize"
    query = {name: value for name, (value,) in parse_qs(page.query).items()}
    for name in ("state", "nonce", "code_challenge"):
        assert len(query[name]) >= 43
    assert query["redirect_uri"] == "http://testserver/admin/login/callback"
    assert (query["scope"], query["code_challenge_method"]) == ("openid profile", "S256")
    cookie = cookies_of(answer)["login_on_the_way"]
    assert (cookie["httponly"], cookie["secure"]) == (True, True)
    assert (cookie["samesite"].lower(), cookie["path"]) == ("lax", "/")


def test_logging_in(own: Client, provider: Provider) -> None:
    answer = come_back(own, provider)

    assert answer.status_code == 303
    assert answer.headers["Location"] == "http://testserver/admin/"
    assert answer.headers["Cache-Control"] == "no-store"
    cookies = cookies_of(answer)
    assert cookies["login_on_the_way"].value == ""
    cookie = cookies["login"]
    assert (cookie["httponly"], cookie["secure"], cookie["domain"]) == (True, True, "")
    assert (cookie["samesite"].lower(), cookie["path"]) == ("lax", "/")
    assert int(cookie["max-age"]) == 8 * 60 * 60
    page = visit(own, login=cookie.value)
    assert page.status_code == 200
    assert "http://testserver/admin/logout" in page.text


def test_who_is_no_admin_does_not_log_in(client: Client) -> None:
    answer = come_back(client, ISSUER)

    assert answer.status_code == 403
    assert "The role admin is missing" in answer.text
    assert "login" not in cookies_of(answer)


def test_roles_may_be_in_the_access_token(own: Client, provider: Provider) -> None:
    provider.said = {}
    assert come_back(own, provider).status_code == 403

    provider.given = {"access_token": provider.token(roles=["admin"])}
    assert come_back(own, provider).status_code == 303

    provider.given = {"access_token": provider.token(roles=["admin"], sub="2")}
    assert come_back(own, provider).status_code == 403


@pytest.mark.parametrize("kept", [None, "", "x", "another"])
def test_who_comes_back_from_where_nobody_went(
    own: Client, provider: Provider, kept: str | None
) -> None:
    page, _ = begin(own)
    if kept == "another":
        _, kept = begin(own)
    sent = {} if kept is None else {"login_on_the_way": kept}

    answer = visit(own, provider.let_in(page), **sent)

    assert answer.status_code == 400
    assert "The login has failed" in answer.text
    assert cookies_of(answer) == {}


def test_the_issuer_is_down(own: Client, provider: Provider) -> None:
    page, kept = begin(own)
    back = provider.let_in(page)
    provider.stop()

    answer = visit(own, back, login_on_the_way=kept)

    assert answer.status_code == 503
    assert "does not answer" in answer.text
    assert int(answer.headers["Retry-After"]) >= 1


def test_the_issuer_is_down_before(start: Callable[..., Client]) -> None:
    with Provider() as provider:
        client = start(oidc_issuer=provider.url)

    answer = visit(client, "/admin/login", "POST")

    assert answer.status_code == 503
    assert "does not answer" in answer.text


def test_logging_out(own: Client, cookie: str) -> None:
    answer = visit(own, "/admin/logout", login=cookie)

    assert answer.status_code == 303
    assert answer.headers["Location"] == "http://testserver/admin/login/first"
    assert (cookies_of(answer)["login"].value, cookies_of(answer)["login"]["path"]) == ("", "/")
    # The issuer is not asked at once, or the browser would be back in.
    page = visit(own, "/admin/login/first")
    assert page.status_code == 200
    assert 'href="http://testserver/admin/login"' in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert "<form" not in page.text


def test_the_pages_of_other_sites_log_nobody_out(own: Client, cookie: str) -> None:
    headers = {"Origin": "https://evil.example"}

    answer = visit(own, "/admin/logout", login=cookie, headers=headers)

    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("wrong", ["", "x", "{}x"])
def test_a_wrong_cookie(own: Client, cookie: str, wrong: str) -> None:
    assert visit(own, login=wrong.format(cookie)).status_code == 302


def test_the_cookie_opens_the_site_and_not_the_api(own: Client, cookie: str) -> None:
    assert visit(own, "/whoami", login=cookie).status_code == 401
    assert visit(own, "/test-chairs", "POST", login=cookie, json={}).status_code == 401
#{% if not when.login_page %}


@pytest.mark.parametrize(
    ("address", "secure"),
    [
        ("http://service.example:8000", True),
        ("http://", True),
        ("http://LOCALHOST:5000", False),
        ("http://[::1]:8000", False),
        ("https://127.0.0.1:8000", True),
    ],
)
def test_where_the_cookie_needs_https(address: str, secure: bool) -> None:
    scheme, _, host = address.partition("://")

    assert needs_https(scheme, host) == secure


def test_a_code_is_of_one_browser(own: Client, provider: Provider) -> None:
    page, kept = begin(own)
    other, others = begin(own)
    back = urlsplit(provider.let_in(other))
    (state,) = parse_qs(urlsplit(page).query)["state"]
    (code,) = parse_qs(back.query)["code"]

    answer = visit(own, f"{back.path}?code={code}&state={state}", login_on_the_way=kept)

    assert answer.status_code == 400
    assert visit(own, back.geturl(), login_on_the_way=others).status_code == 400


@pytest.mark.parametrize("state", ["", "x", "é"])
def test_a_state_that_nobody_began_with(own: Client, provider: Provider, state: str) -> None:
    page, kept = begin(own)
    (code,) = parse_qs(urlsplit(provider.let_in(page)).query)["code"]

    answer = visit(own, f"/admin/login/callback?code={code}&state={state}", login_on_the_way=kept)

    assert answer.status_code == 400
    assert cookies_of(answer) == {}


@pytest.mark.parametrize(
    "said",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": AUDIENCE},
        {"aud": ["the pages", "another"], "azp": "another"},
        {"iss": "https://login.example"},
        {"exp": 1},
        {"sub": 1},
    ],
)
def test_what_the_issuer_says_of_somebody_else(
    own: Client, provider: Provider, said: dict[str, Any]
) -> None:
    provider.said |= said

    answer = come_back(own, provider)

    assert answer.status_code == 400
    assert cookies_of(answer) == {}


@pytest.mark.parametrize(("secret", "status"), [("a secret", 303), ("another", 400)])
def test_a_client_with_a_secret(
    provider: Provider, start: Callable[..., Client], secret: str, status: int
) -> None:
    client = start(oidc_issuer=provider.url, oidc_client_secret=secret)

    assert come_back(client, provider).status_code == status


@pytest.mark.parametrize("missing", ["authorization_endpoint", "token_endpoint"])
def test_an_issuer_without_logins(own: Client, provider: Provider, missing: str) -> None:
    del provider.answers[DISCOVERY][missing]

    first = visit(own, "/admin/login")
    if first.status_code == 303:
        kept = cookies_of(first)["login_on_the_way"].value
        first = visit(own, provider.let_in(first.headers["Location"]), login_on_the_way=kept)

    assert first.status_code == 503


def test_an_issuer_that_fails(own: Client, provider: Provider) -> None:
    provider.statuses["/token"] = 500
    page, kept = begin(own)

    back = provider.let_in(page)
    provider.logins.clear()

    assert visit(own, back, login_on_the_way=kept).status_code == 503


def test_too_many_come_back_at_once(client: Client) -> None:
    page, kept = begin(client)
    for _ in range(4):
        login_page.AT_ONCE.acquire()

    answer = visit(client, ISSUER.let_in(page), login_on_the_way=kept)

    login_page.AT_ONCE.release(4)
    assert answer.status_code == 503
    assert ISSUER.logins.popitem()


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 200),
        ({"aud": "login_on_the_way"}, 302),
        ({"aud": None}, 302),
        ({"iss": "another"}, 302),
        ({"exp": 1}, 302),
        ({"exp": None}, 302),
        ({"secret": "another secret that is as long as it must be"}, 302),
        # Of a version of the service that knew this role.
        ({"kept": {"id": "1", "username": "eve", "roles": ["king"]}}, 302),
        ({"kept": {"id": "1", "username": "eve", "roles": []}}, 403),
    ],
)
def test_a_forged_cookie(client: Client, changes: dict[str, Any], status: int) -> None:
    good: dict[str, Any] = {
        "iss": "[[ package_name ]]",
        "aud": "login",
        "exp": 4_000_000_000,
        "kept": {"id": "1", "username": "eve", "roles": ["admin"]},
    }
    secret = changes.get("secret", LOGIN_SECRET)
    claims = {name: value for name, value in (good | changes).items() if value is not None}

    answer = visit(client, login=encode(claims, secret, algorithm="HS256"))

    assert answer.status_code == status


def test_a_token_for_the_site_is_none_for_the_api(own: Client, provider: Provider) -> None:
    token = provider.token(aud="the pages", nonce="n")

    assert own.get("/whoami", auth=Bearer(token=token)).status_code == 401
#{% endif %}
#{% endfilter %}
