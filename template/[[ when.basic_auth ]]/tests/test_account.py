#{% filter fitted %}
"""The user's account and HTTP Basic authentication."""

from base64 import b64encode
from collections.abc import Callable
from secrets import compare_digest
from unittest.mock import Mock

import pytest
from httpx2 import Client

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.security import Logins, NotAuthenticatedError, TooManyFailedLoginsError
from PACKAGE.settings import Settings
#{% endfilter %}

WRONG = ("ada", "wrong")
CHAIR = {"name": "Chair", "price": 49}


def basic(credentials: bytes) -> str:
    return f"Basic {b64encode(credentials).decode()}"


def test_right_credentials(client: Client) -> None:
    answer = client.get("/whoami")

    assert answer.status_code == 200
    assert answer.json() == {"username": "ada"}


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic !!!",
        "Bearer token",
        basic(b"ada"),
        basic(b"ada:"),
        basic(b":correct horse"),
        basic(b"ada:wrong"),
        basic(b"ada:correct horse "),
        basic(b"eve:correct horse"),
        basic("ada:größe".encode()),
        basic("größe:correct horse".encode()),
        basic(b"\xff\xfe:\xfd"),
    ],
)
def test_wrong_credentials(anonymous: Client, header: str | None) -> None:
    answer = anonymous.get("/whoami", headers={} if header is None else {"Authorization": header})

    assert answer.status_code == 401
    assert answer.json() == {"detail": "Not authenticated"}
    realm, charset = answer.headers["WWW-Authenticate"].split(", ")
    assert realm == 'Basic realm="[[ package_name ]]"'
    assert charset == 'charset="UTF-8"'


def test_letters_outside_ascii(start: Callable[..., Client]) -> None:
    client = start(basic_auth_username="größe", basic_auth_password="秘密 🔑")

    answers = [client.get("/whoami", auth=("größe", word)) for word in ("秘密 🔑", "秘密")]
    # A keyboard may send an accent as a letter of its own.
    answers.append(client.get("/whoami", auth=("gro\u0308ße", "秘密 🔑")))

    assert [answer.status_code for answer in answers] == [200, 401, 200]
    assert answers[0].json() == answers[2].json() == {"username": "größe"}


CHANGES = [
    ("POST", "/test-chairs"),
    ("PATCH", "/test-chairs/{id}"),
    #{% if when.background_tasks %}
    ("POST", "/uploads/data.bin"),
    #{% endif %}
]


@pytest.mark.parametrize("credentials", [None, WRONG])
@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_whatever_changes_data_needs_credentials(
    client: Client, anonymous: Client, method: str, path: str, credentials: tuple[str, str] | None
) -> None:
    chair = client.post("/test-chairs", json=CHAIR).json()

    answer = anonymous.request(
        method, path.format(**chair), json={"name": "Stool", "price": 1}, auth=credentials
    )

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert client.get("/test-chairs").json() == [chair]


def test_what_needs_credentials_is_documented(client: Client) -> None:
    document = client.get("/openapi.json").json()
    operations = {
        (method.upper(), path): operation
        for path, methods in document["paths"].items()
        # What is added later says itself what it asks for.
        if path.split("/")[1] in {"test-chairs", "uploads", "whoami"}
        for method, operation in methods.items()
    }

    protected = {key for key, operation in operations.items() if "security" in operation}

    assert protected == {key for key in operations if key[0] != "GET"} | {("GET", "/whoami")}
    for key in protected:
        assert operations[key]["security"] == [{"HTTPBasic": []}]
        assert "401" in operations[key]["responses"]
    assert document["components"]["securitySchemes"] == {
        "HTTPBasic": {"type": "http", "scheme": "basic"}
    }


def test_name_and_password_are_always_compared_in_constant_time(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare = Mock(wraps=compare_digest)
    #{% filter replace("PACKAGE", package_name) %}
    monkeypatch.setattr("PACKAGE.security.compare_digest", compare)
    #{% endfilter %}

    client.get("/whoami", auth=("eve", "wrong"))

    compared = [call.args for call in compare.call_args_list]
    assert compared == [(b"eve", b"ada"), (b"wrong", b"correct horse")]


def test_after_too_many_failed_logins_an_address_must_wait(start: Callable[..., Client]) -> None:
    client = start(failed_logins_limit=3)
    for _ in range(3):
        assert client.get("/whoami").status_code == 200
        assert client.get("/whoami", auth=None).status_code == 401
        assert client.get("/whoami", auth=WRONG).status_code == 401

    answers = [client.get("/whoami", auth=WRONG), client.post("/test-chairs", json=CHAIR)]

    for answer in answers:
        assert answer.status_code == 429
        assert answer.json() == {"detail": "Too many failed logins"}
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert client.get("/test-chairs").json() == []


RIGHT = basic(b"ada:correct horse")


def fail(logins: Logins, address: str, times: int = 1, name: str = "ada") -> None:
    for _ in range(times):
        with pytest.raises(NotAuthenticatedError):
            logins.username(basic(f"{name}:wrong".encode()), address)


@pytest.fixture
def logins() -> Logins:
    """Refuse an address after two failures."""
    return Logins(Settings(failed_logins_limit=2))


# A proxy may name the other end of a socket by anything.
@pytest.mark.parametrize("address", ["192.0.2.1", "unix:"])
def test_other_addresses_are_let_in(logins: Logins, address: str) -> None:
    fail(logins, address, times=2)

    with pytest.raises(TooManyFailedLoginsError):
        logins.username(RIGHT, address)
    assert logins.username(RIGHT, "192.0.2.2") == "ada"


def test_who_has_one_address_of_ipv6_has_many(logins: Logins) -> None:
    fail(logins, "2001:db8::1")
    fail(logins, "2001:db8::ffff:1")

    with pytest.raises(TooManyFailedLoginsError):
        logins.username(RIGHT, "2001:db8::2")
    assert logins.username(RIGHT, "2001:db8:0:1::1") == "ada"


def test_where_it_listens_on_both_kinds_addresses_of_ipv4_are_told_apart(logins: Logins) -> None:
    fail(logins, "::ffff:192.0.2.1", times=2)

    with pytest.raises(TooManyFailedLoginsError):
        logins.username(RIGHT, "::ffff:192.0.2.1")
    assert logins.username(RIGHT, "::ffff:192.0.2.2") == "ada"


def test_many_addresses_that_try_one_name_have_one_try_each(logins: Logins) -> None:
    for number in range(20):
        fail(logins, f"192.0.2.{number}")

    fail(logins, "192.0.2.100")
    with pytest.raises(TooManyFailedLoginsError):
        logins.username(RIGHT, "192.0.2.100")
    assert logins.username(RIGHT, "192.0.2.101") == "ada"
    fail(logins, "192.0.2.101", name="eve")


def test_the_wait_ends(logins: Logins, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Mock(**{"monotonic.return_value": 1000.0})
    #{% filter replace("PACKAGE", package_name) %}
    monkeypatch.setattr("PACKAGE.security.time", clock)
    #{% endfilter %}
    fail(logins, "192.0.2.1", times=2)
    clock.monotonic.return_value += 59.5

    with pytest.raises(TooManyFailedLoginsError) as refused:
        logins.username(RIGHT, "192.0.2.1")
    assert refused.value.headers == {"Retry-After": "1"}
    clock.monotonic.return_value += 10

    assert logins.username(RIGHT, "192.0.2.1") == "ada"
    fail(logins, "192.0.2.1", times=2)


def test_failures_are_remembered_in_a_bounded_memory(
    logins: Logins, monkeypatch: pytest.MonkeyPatch
) -> None:
    #{% filter replace("PACKAGE", package_name) %}
    monkeypatch.setattr("PACKAGE.security.MOST_REMEMBERED", 4)
    #{% endfilter %}
    fail(logins, "192.0.2.1", times=2)

    fail(logins, "192.0.2.2")
    fail(logins, "192.0.2.3")
    fail(logins, "192.0.2.4")

    assert logins.username(RIGHT, "192.0.2.1") == "ada"


@pytest.mark.parametrize("name", ["failed_logins_limit", "failed_logins_seconds"])
def test_limits_that_cannot_work_are_refused(start: Callable[..., Client], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        start(**{name: 0})


def test_the_password_is_not_shown() -> None:
    settings = Settings()

    assert settings.basic_auth_password == "correct horse"
    assert "correct horse" not in repr(settings)
#{% endfilter %}
