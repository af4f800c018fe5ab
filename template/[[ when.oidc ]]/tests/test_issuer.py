#{% filter fitted %}
"""When the issuer is asked for its keys, and what happens while it does not answer."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest
from bearers import DISCOVERY, ISSUER, Bearer, Provider
from cryptography.hazmat.primitives.asymmetric import ec
from httpx2 import Client, Response
from jwt.algorithms import ECAlgorithm
from pydantic import ValidationError

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE import issuer
from PACKAGE.issuer import Configuration, Issuer, IssuerDownError, usable
#{% endfilter %}

ONCE = {DISCOVERY: 1, "/keys": 1}
TWICE = {DISCOVERY: 2, "/keys": 2}


@pytest.fixture
def provider() -> Iterator[Provider]:
    """Give an issuer of the test's own."""
    with Provider() as provider:
        yield provider


@pytest.fixture
def ask(provider: Provider, start: Callable[..., Client]) -> Callable[..., Response]:
    """Give a function that asks a service of that issuer who has a token."""
    client = start(oidc_issuer=provider.url)
    return lambda token: client.get("/whoami", auth=Bearer(token=token))


def later(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go on to another time, from where the issuer is asked."""
    began = time.monotonic()
    #{% filter replace("PACKAGE", package_name) %}
    monkeypatch.setattr("PACKAGE.issuer.time.monotonic", lambda: began + seconds)
    #{% endfilter %}


def test_it_is_asked_once(provider: Provider, ask: Callable[..., Response]) -> None:
    assert provider.asked == {}

    answers = [ask(provider.token()) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [200] * 5
    assert provider.asked == ONCE


def test_it_is_not_asked_about_what_is_believed_by_nobody(
    provider: Provider, ask: Callable[..., Response]
) -> None:
    head = "eyJhbGciOiJub25lIiwia2lkIjoiZmlyc3QifQ"  # {"alg":"none","kid":"first"}

    assert ask(f"{head}.e30.").status_code == 401
    assert provider.asked == {}


def test_other_keys(
    provider: Provider, ask: Callable[..., Response], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = provider.token()
    assert ask(old).status_code == 200

    provider.rotate("first", "second")
    assert [ask(token).status_code for token in (provider.token("second"), old)] == [200, 200]
    assert provider.asked == TWICE

    provider.rotate("third")
    # Not asked for the moment: somebody has just named another key.
    assert ask(provider.token("third")).status_code == 401
    assert provider.asked == TWICE
    later(issuer.PAUSE, monkeypatch)
    assert [ask(token).status_code for token in (provider.token("third"), old)] == [200, 401]


def test_the_only_key_needs_no_name(provider: Provider, ask: Callable[..., Response]) -> None:
    key = provider.keys["first"]
    token = jwt.encode(provider.claims(), key, algorithm="ES256")
    assert ask(token).status_code == 200

    provider.rotate("first", "second")
    assert ask(provider.token("second")).status_code == 200

    assert ask(token).status_code == 401


def test_strangers_cannot_make_it_be_asked_again_and_again(
    provider: Provider, ask: Callable[..., Response], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"key {number}" for number in range(30)]
    provider.rotate("first", *names)
    tokens = [provider.token(name) for name in names]
    good = provider.token()
    provider.rotate("first")

    assert {ask(token).status_code for token in tokens} == {401}

    assert provider.asked == TWICE
    assert ask(good).status_code == 200
    later(issuer.PAUSE, monkeypatch)
    assert {ask(token).status_code for token in tokens} == {401}
    assert provider.asked == {DISCOVERY: 3, "/keys": 3}


def test_many_requests_ask_once(provider: Provider) -> None:
    keys = Issuer(provider.url, timeout=5)
    provider.speaks.clear()

    with ThreadPoolExecutor(8) as executor:
        found = [executor.submit(keys.key, "first") for _ in range(8)]
        while not provider.asked:
            time.sleep(0.01)
        provider.speaks.set()

    assert all(each.result() for each in found)
    assert provider.asked == ONCE


def test_it_is_down(provider: Provider, ask: Callable[..., Response]) -> None:
    token = provider.token()
    provider.stop()

    for _ in range(2):
        answer = ask(token)
        assert answer.status_code == 503
        assert answer.json() == {"detail": "The issuer of access tokens does not answer"}
        assert answer.headers["Retry-After"] == str(issuer.PAUSE)


def test_it_is_not_asked_again_at_once_when_it_was_down(
    provider: Provider, ask: Callable[..., Response], monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.statuses["/keys"] = 500
    assert [ask(provider.token()).status_code for _ in range(5)] == [503] * 5
    assert provider.asked == ONCE

    provider.statuses.clear()
    later(issuer.PAUSE, monkeypatch)

    assert ask(provider.token()).status_code == 200


def test_it_goes_down(
    provider: Provider, ask: Callable[..., Response], monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.rotate("first", "second")
    unknown = provider.token("second")
    provider.rotate("first")
    token = provider.token()
    assert ask(token).status_code == 200
    provider.stop()

    # What is known is believed for a while.
    assert [ask(each).status_code for each in (token, unknown, token)] == [200, 503, 200]
    later(issuer.BELIEVED - 60, monkeypatch)
    assert ask(token).status_code == 200
    later(60, monkeypatch)
    assert ask(token).status_code == 503


def test_its_keys_are_looked_after(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = Issuer(provider.url, timeout=5)
    assert keys.key("first")
    provider.rotate("second")

    later(issuer.FRESH, monkeypatch)
    # Nobody waits for that.
    assert keys.key("first")

    end = time.time() + 10
    while "second" not in keys.known().keys and time.time() < end:
        time.sleep(0.01)
    assert set(keys.known().keys) == {"second"}
    assert provider.asked == TWICE
    assert keys.key("first") is None


def test_they_are_not_asked_for_again_at_once_when_it_was_down(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = Issuer(provider.url, timeout=5)
    assert keys.key("first")
    provider.statuses["/keys"] = 500

    later(issuer.FRESH, monkeypatch)
    assert keys.key("first")
    with pytest.raises(IssuerDownError):
        keys.key("unknown")
    assert [keys.key("first") is None for _ in range(5)] == [False] * 5

    assert provider.asked == TWICE


def test_nobody_waits_longer_than_the_time_limit(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = Issuer(provider.url, timeout=0.5)
    provider.speaks.clear()
    began = time.perf_counter()

    for _ in range(10):
        with pytest.raises(IssuerDownError):
            keys.key("first")

    assert 0.5 <= time.perf_counter() - began < 3
    provider.speaks.set()
    later(issuer.PAUSE, monkeypatch)
    assert keys.key("first")


def test_who_is_refused_waits_for_nothing_while_strangers_wait(provider: Provider) -> None:
    keys = Issuer(provider.url, timeout=5)
    assert keys.key("first")
    provider.speaks.clear()

    with ThreadPoolExecutor(2) as executor:
        strangers = [executor.submit(keys.key, "unknown") for _ in range(2)]
        assert keys.key("first")
        provider.speaks.set()

    assert [stranger.result() for stranger in strangers] == [None, None]
    assert provider.asked[DISCOVERY] <= 2


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (DISCOVERY, {}, 200),
        (DISCOVERY, {"issuer": "https://login.example", "jwks_uri": f"{ISSUER.url}/keys"}, 200),
        (DISCOVERY, {"issuer": "", "jwks_uri": "http://login.example/keys"}, 200),
        (DISCOVERY, {"issuer": "", "jwks_uri": "file:///etc/passwd"}, 200),
        (DISCOVERY, b"<html>", 200),
        (DISCOVERY, b"[" * 100_000, 200),
        (DISCOVERY, b"\xff", 200),
        (DISCOVERY, {}, 302),
        (DISCOVERY, {}, 404),
        ("/keys", {}, 200),
        ("/keys", {"keys": ["first"]}, 200),
        ("/keys", {"keys": [], "more": "x" * 1_000_000}, 200),
        ("/keys", {"keys": []}, 500),
    ],
)
def test_odd_answers(
    provider: Provider, ask: Callable[..., Response], path: str, body: object, status: int
) -> None:
    if isinstance(body, dict) and body.get("issuer") == "":
        body["issuer"] = provider.url
    provider.answers[path] = body
    provider.statuses[path] = status

    assert ask(provider.token()).status_code == 503
    assert provider.asked["/elsewhere"] == 0


@pytest.mark.parametrize("url", ["http://login.example/keys", "file:///etc/passwd"])
def test_keys_come_from_where_nobody_can_change_them(url: str) -> None:
    with pytest.raises(ValidationError):
        Configuration(issuer="https://login.example", jwks_uri=url)


def test_keys_that_sign_nothing() -> None:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    good = ECAlgorithm.to_jwk(key, as_dict=True)
    secret = {"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}
    keys = [
        good | {"kid": "for any use"},
        good | {"kid": "signs", "use": "sig"},
        good | {"kid": "encrypts", "use": "enc"},
        good | {"kid": "encrypts, too", "alg": "ECDH-ES"},
        good | {"kid": "broken", "x": "!"},
        good,
        secret | {"kid": "a secret"},
        {"kty": "new", "kid": "of a kind that is not known"},
        {},
    ]

    assert set(usable(keys)) == {"for any use", "signs", ""}


def test_what_goes_wrong_is_logged_without_the_token(
    provider: Provider, ask: Callable[..., Response], caplog: pytest.LogCaptureFixture
) -> None:
    provider.answers[DISCOVERY]["issuer"] = "https://login.example"
    token = provider.token()

    ask(token)

    assert "it calls itself 'https://login.example'" in caplog.text
    assert token not in caplog.text
#{% endfilter %}
