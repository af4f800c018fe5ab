"""The user's account and HTTP Basic authentication."""

from base64 import b64encode
from secrets import compare_digest
from unittest.mock import Mock

import pytest
from httpx2 import Client

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.settings import Settings
#{% endfilter %}


def basic(credentials: bytes) -> str:
    return f"Basic {b64encode(credentials).decode()}"


def test_right_credentials(client: Client) -> None:
    answer = client.get("/whoami", auth=("ada", "correct horse"))

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
def test_wrong_credentials(client: Client, header: str | None) -> None:
    answer = client.get("/whoami", headers={} if header is None else {"Authorization": header})

    assert answer.status_code == 401
    assert answer.json() == {"detail": "Not authenticated"}
    assert answer.headers["WWW-Authenticate"].lower().startswith("basic")


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


def test_is_documented(client: Client) -> None:
    document = client.get("/openapi.json").json()

    assert document["paths"]["/whoami"]["get"]["security"] == [{"HTTPBasic": []}]
    assert document["components"]["securitySchemes"] == {
        "HTTPBasic": {"type": "http", "scheme": "basic"}
    }


@pytest.mark.parametrize(
    ("username", "password"),
    [("", "x"), ("ada", ""), ("größe", "x"), ("ada", "größe"), ("a:b", "x")],
)
def test_credentials_that_cannot_work_are_refused(username: str, password: str) -> None:
    with pytest.raises(ValueError, match="Set BASIC_AUTH_USERNAME") as refused:
        Settings(basic_auth_username=username, basic_auth_password=password)

    assert "größe" not in str(refused.value)


def test_the_password_is_not_shown() -> None:
    settings = Settings()

    assert settings.basic_auth_password == "correct horse"
    assert "correct horse" not in repr(settings)
