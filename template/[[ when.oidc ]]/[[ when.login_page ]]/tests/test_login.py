#{% filter fitted %}
"""Logging in by the issuer."""

from collections.abc import Callable, Iterator
from http.cookies import Morsel, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from bearers import AUDIENCE, DISCOVERY, ISSUER, LOGIN_SECRET, NOBODY, Bearer, Provider
from httpx2 import Client, Response

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE import login_page
from PACKAGE.login_page import needs_https
#{% endfilter %}


@pytest.fixture
def provider() -> Iterator[Provider]:
    """Give an issuer of the test's own."""
    with Provider() as provider:
        yield provider


@pytest.fixture
def own(provider: Provider, start: Callable[..., Client]) -> Client:
    """Give a client of a service of that issuer."""
    return start(oidc_issuer=provider.url)


def cookies_of(answer: Response) -> dict[str, Morsel[str]]:
    found: dict[str, Morsel[str]] = {}
    for text in answer.headers.get_list("Set-Cookie"):
        found |= SimpleCookie(text)
    return found


def visit(client: Client, path: str = "/", method: str = "GET", **sent: Any) -> Response:
    cookies = "; ".join(f"{name}={sent.pop(name)}" for name in COOKIES if name in sent)
    client.cookies.clear()
    return client.request(method, path, headers={"Cookie": cookies}, auth=NOBODY, **sent)


COOKIES = ("login", "login_on_the_way")


def begin(client: Client) -> tuple[str, str]:
    """Begin a login: give the page of the issuer, and the cookie for the way."""
    answer = visit(client, "/login")
    assert answer.status_code == 303
    return answer.headers["Location"], cookies_of(answer)["login_on_the_way"].value


def come_back(client: Client, provider: Provider) -> Response:
    """Log in."""
    page, kept = begin(client)
    return visit(client, provider.let_in(page), login_on_the_way=kept)


@pytest.fixture
def cookie(client: Client) -> str:
    """Log a user in by the page."""
    return cookies_of(come_back(client, ISSUER))["login"].value


def test_the_way_to_the_issuer(client: Client) -> None:
    answer = visit(client, "/login")

    assert answer.status_code == 303
    assert answer.headers["Cache-Control"] == "no-store"
    page = urlsplit(answer.headers["Location"])
    assert f"{page.scheme}://{page.netloc}{page.path}" == f"{ISSUER.url}/authorize"
    query = {name: value for name, (value,) in parse_qs(page.query).items()}
    for name in ("state", "nonce", "code_challenge"):
        assert len(query.pop(name)) >= 43
    assert query == {
        "realm": "a",
        "response_type": "code",
        "client_id": "the pages",
        "redirect_uri": "http://testserver/login/callback",
        "scope": "openid profile",
        "code_challenge_method": "S256",
    }
    cookie = cookies_of(answer)["login_on_the_way"]
    assert (cookie["httponly"], cookie["secure"]) == (True, True)
    assert (cookie["samesite"].lower(), cookie["path"]) == ("lax", "/")
    assert begin(client)[0] != answer.headers["Location"]
    assert "/login" not in client.get("/openapi.json").json()["paths"]


def test_logging_in(client: Client) -> None:
    answer = come_back(client, ISSUER)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert answer.headers["Cache-Control"] == "no-store"
    cookies = cookies_of(answer)
    assert cookies["login_on_the_way"].value == ""
    cookie = cookies["login"]
    assert (cookie["httponly"], cookie["secure"], cookie["domain"]) == (True, True, "")
    assert (cookie["samesite"].lower(), cookie["path"]) == ("lax", "/")
    assert int(cookie["max-age"]) == 8 * 60 * 60


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


def test_a_form_leads_to_no_other_site(client: Client) -> None:
    answer = visit(client, "/login/first")

    # Browsers follow no redirection of a form's to the issuer, but go on from a page.
    assert answer.status_code == 200
    assert answer.headers["Refresh"] == "0; url=/login"
    assert "form-action 'self';" in answer.headers["Content-Security-Policy"]
    assert "Log in first" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_page_knows_who_has_logged_in(client: Client, cookie: str) -> None:
    known, unknown = visit(client, login=cookie), visit(client)

    assert "Log out" in known.text
    assert ">ada<" in known.text
    assert "Log out" not in unknown.text
    assert 'href="/login"' in unknown.text


def test_no_browser_stores_what_was_shown_to_a_user(client: Client, cookie: str) -> None:
    pages = ["/", "/static/style.css", "/health"]

    known = [visit(client, path, login=cookie).headers.get("Cache-Control") for path in pages]
    unknown = [visit(client, path).headers.get("Cache-Control") for path in pages]

    assert known[0] == "no-store"
    # Another one asks for the same page, and must not be given this one on the way.
    assert unknown[0] == "private, no-cache"
    assert known[1:] == unknown[1:]
    assert "no-store" not in str(known[1:])


@pytest.mark.parametrize("kept", [None, "", "x", "another"])
def test_who_comes_back_from_where_nobody_went(client: Client, kept: str | None) -> None:
    page, _ = begin(client)
    if kept == "another":
        _, kept = begin(client)
    sent = {} if kept is None else {"login_on_the_way": kept}

    answer = visit(client, ISSUER.let_in(page), **sent)

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "The login has failed" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert cookies_of(answer) == {}


@pytest.mark.parametrize(
    "path", ["/login/callback", "/login/callback?state={}", "/login/callback?error=x&state={}"]
)
def test_who_comes_back_with_nothing(client: Client, path: str) -> None:
    page, kept = begin(client)
    (state,) = parse_qs(urlsplit(page).query)["state"]

    assert visit(client, path.format(state), login_on_the_way=kept).status_code == 400


def test_a_code_is_of_one_browser(client: Client) -> None:
    page, kept = begin(client)
    other, others = begin(client)
    back = urlsplit(ISSUER.let_in(other))
    (state,) = parse_qs(urlsplit(page).query)["state"]
    (code,) = parse_qs(back.query)["code"]

    answer = visit(client, f"{back.path}?code={code}&state={state}", login_on_the_way=kept)

    assert answer.status_code == 400
    assert visit(client, back.geturl(), login_on_the_way=others).status_code == 400


@pytest.mark.parametrize("state", ["", "x", "é"])
def test_a_state_that_nobody_began_with(client: Client, state: str) -> None:
    page, kept = begin(client)
    (code,) = parse_qs(urlsplit(ISSUER.let_in(page)).query)["code"]

    answer = visit(client, f"/login/callback?code={code}&state={state}", login_on_the_way=kept)

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
    ],
)
def test_what_the_issuer_says_of_somebody_else(
    own: Client, provider: Provider, said: dict[str, Any]
) -> None:
    provider.said = said

    answer = come_back(own, provider)

    assert answer.status_code == 400
    assert cookies_of(answer) == {}


def test_roles_may_be_in_the_access_token(own: Client, provider: Provider) -> None:
    def roles() -> list[str]:
        cookie = cookies_of(come_back(own, provider))["login"].value
        kept = jwt.decode(cookie, options={"verify_signature": False})["kept"]
        found: list[str] = kept["roles"]
        return found

    assert roles() == []
    provider.given = {"access_token": "of a kind that is not known"}
    assert roles() == []
    provider.given = {"access_token": provider.token(roles=["admin"])}
    assert roles() == ["admin"]
    provider.given = {"access_token": provider.token(roles=["admin"], sub="2")}
    assert roles() == []


@pytest.mark.parametrize(("secret", "status"), [("a secret", 303), ("another", 400)])
def test_a_client_with_a_secret(
    provider: Provider, start: Callable[..., Client], secret: str, status: int
) -> None:
    client = start(oidc_issuer=provider.url, oidc_client_secret=secret)

    assert come_back(client, provider).status_code == status


def test_the_issuer_is_down(own: Client, provider: Provider) -> None:
    page, kept = begin(own)
    back = provider.let_in(page)
    provider.statuses["/token"] = 500

    answers = [visit(own, back, login_on_the_way=kept)]
    provider.stop()
    answers.append(visit(own, back, login_on_the_way=kept))

    for answer in answers:
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) >= 1
        assert "does not answer" in answer.text


def test_the_issuer_is_down_before(start: Callable[..., Client]) -> None:
    with Provider() as provider:
        client = start(oidc_issuer=provider.url)

    answer = visit(client, "/login")

    assert answer.status_code == 503
    assert "does not answer" in answer.text


@pytest.mark.parametrize("missing", ["authorization_endpoint", "token_endpoint"])
def test_an_issuer_without_logins(own: Client, provider: Provider, missing: str) -> None:
    del provider.answers[DISCOVERY][missing]

    first = visit(own, "/login")
    if first.status_code == 303:
        kept = cookies_of(first)["login_on_the_way"].value
        first = visit(own, provider.let_in(first.headers["Location"]), login_on_the_way=kept)

    assert first.status_code == 503


def test_an_issuer_whose_page_nobody_can_ask(own: Client, provider: Provider) -> None:
    provider.answers[DISCOVERY]["token_endpoint"] = f"https://login.example/{'x' * 70_000}"

    assert come_back(own, provider).status_code == 503


def test_too_many_come_back_at_once(client: Client) -> None:
    page, kept = begin(client)
    for _ in range(4):
        login_page.AT_ONCE.acquire()

    answer = visit(client, ISSUER.let_in(page), login_on_the_way=kept)

    login_page.AT_ONCE.release(4)
    assert answer.status_code == 503
    assert ISSUER.logins.popitem()


def test_logging_out(client: Client, cookie: str) -> None:
    answer = visit(client, "/logout", "POST", login=cookie)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert answer.headers["Cache-Control"] == "no-store"
    gone = cookies_of(answer)["login"]
    assert (gone.value, gone["path"]) == ("", "/")


def test_the_pages_of_other_sites_log_nobody_out(client: Client, cookie: str) -> None:
    headers = {"Origin": "https://evil.example", "Cookie": f"login={cookie}"}

    answer = client.post("/logout", headers=headers, auth=NOBODY)

    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


def forged(**changes: Any) -> str:
    good: dict[str, Any] = {
        "iss": "[[ package_name ]]",
        "aud": "login",
        "exp": 4_000_000_000,
        "kept": {"id": "1", "username": "eve", "roles": ["admin"]},
    }
    secret = changes.pop("secret", LOGIN_SECRET)
    claims = {name: value for name, value in (good | changes).items() if value is not None}
    return jwt.encode(claims, secret, algorithm=changes.get("alg", "HS256"))


def test_a_cookie_that_the_tests_make(client: Client) -> None:
    assert ">eve<" in visit(client, login=forged()).text


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "login_on_the_way"},
        {"aud": None},
        {"iss": "another"},
        {"exp": 1},
        {"exp": None},
        {"secret": "another secret that is as long as it must be"},
        # Of a version of the service that knew this role.
        {"kept": {"id": "1", "username": "eve", "roles": ["king"]}},
    ],
)
def test_a_wrong_cookie(client: Client, changes: dict[str, Any]) -> None:
    answer = visit(client, login=forged(**changes))

    assert answer.status_code == 200
    assert "Log out" not in answer.text


@pytest.mark.parametrize("how", ["", "x", "{}x", "way"])
def test_another_cookie(client: Client, cookie: str, how: str) -> None:
    value = begin(client)[1] if how == "way" else how.format(cookie)

    assert "Log out" not in visit(client, login=value).text


def test_the_cookie_opens_pages_and_not_the_api(client: Client, cookie: str) -> None:
    assert visit(client, "/whoami", login=cookie).status_code == 401
    assert visit(client, "/test-chairs", "POST", login=cookie, json={}).status_code == 401
    header = {"Authorization": f"Bearer {cookie}"}
    assert client.get("/whoami", headers=header, auth=NOBODY).status_code == 401
    token = ISSUER.token(aud="the pages", nonce="n")
    assert client.get("/whoami", auth=Bearer(token=token)).status_code == 401
#{% if when.items_page %}


def test_the_form_is_for_those_who_have_logged_in(client: Client, cookie: str) -> None:
    form = {"name": "Chair", "price": "12"}
    assert "Add item" in visit(client, login=cookie).text
    assert "Add item" not in visit(client).text

    refused = visit(client, "/", "POST", data=form)
    assert (refused.status_code, refused.headers["Location"]) == (303, "/login/first")
    assert client.get("/items").json()["total"] == 0

    assert visit(client, "/", "POST", data=form, login=cookie).headers["Location"] == "/"
    assert client.get("/items").json()["total"] == 1
#{% endif %}
#{% endfilter %}
