#{% filter fitted %}
"""Users: signing up, logging in, staying so, and leaving."""

import time
from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import pytest
from bearers import NOBODY, Bearer
from httpx2 import Client, Response

#{% filter replace("PACKAGE", package_name) | fitted %}
from PACKAGE.accounts import PasswordGrant, RefreshGrant, SignUp
from PACKAGE.security import FailedLogins, Logins, TooManyFailedLoginsError, WrongPasswordError
from PACKAGE.settings import Settings
from PACKAGE.users import UserStore
#{% endfilter %}

PASSWORD = "correct horse battery"
ADA = {"username": "ada", "password": PASSWORD}


def sign_up(client: Client, **others: str) -> Response:
    return client.post("/users", json=ADA | others, auth=NOBODY)


def log_in(client: Client, **others: str) -> Response:
    return client.post("/token", data=ADA | others, auth=NOBODY)


def refresh(client: Client, token: str) -> Response:
    return client.post("/token/refresh", data={"refresh_token": token}, auth=NOBODY)


def revoke(client: Client, token: str) -> Response:
    return client.post("/token/revoke", data={"token": token}, auth=NOBODY)


@pytest.fixture
def ada(client: Client) -> dict[str, Any]:
    """Sign a user up and log her in."""
    assert sign_up(client).status_code == 201
    tokens: dict[str, Any] = log_in(client).json()
    return tokens


def test_signing_up(client: Client) -> None:
    answer = sign_up(client, username="Ada.Lovelace@example.com")

    assert answer.status_code == 201
    user = answer.json()
    assert user == {"id": user["id"], "username": "ada.lovelace@example.com", "roles": []}


def test_a_name_is_taken_once(client: Client) -> None:
    answers = [sign_up(client), sign_up(client, username="ADA", password="x" * 12)]

    assert [answer.status_code for answer in answers] == [201, 409]
    assert answers[1].json() == {"detail": "This name is taken"}
    assert log_in(client).status_code == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", ""),
        ("username", "x" * 101),
        ("username", "ada lovelace"),
        ("username", "ada\n"),
        ("username", "аda"),
        ("password", "x" * 11),
        ("password", "x" * 129),
        ("roles", None),
    ],
)
def test_who_cannot_sign_up(client: Client, field: str, value: str | None) -> None:
    sent = {**ADA, field: value} if value is not None else {"username": "ada"}

    answer = client.post("/users", json=sent, auth=NOBODY)

    assert answer.status_code == 422
    assert "x" * 11 not in answer.text


def test_after_too_many_sign_ups_an_address_must_wait(start: Callable[..., Client]) -> None:
    client = start(failed_logins_limit=3)
    names = ("ada", "ADA", "eve", "bob")

    answers = [sign_up(client, username=name) for name in names]

    assert [answer.status_code for answer in answers] == [201, 409, 201, 429]
    assert answers[3].json() == {"detail": "Too many sign-ups"}
    assert 1 <= int(answers[3].headers["Retry-After"]) <= 60
    # Logging in is another matter.
    assert log_in(client).status_code == 200
    assert log_in(client, username="bob").status_code == 401


def test_nobody_makes_themselves_an_admin(client: Client) -> None:
    answer = client.post("/users", json={**ADA, "roles": ["admin"]}, auth=NOBODY)

    assert answer.json()["roles"] == []


def test_logging_in(client: Client) -> None:
    user = sign_up(client).json()

    answer = log_in(client, username="ADA")

    assert answer.status_code == 200
    tokens = answer.json()
    assert set(tokens) == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert (tokens["token_type"], tokens["expires_in"]) == ("bearer", 900)
    assert answer.headers["Cache-Control"] == "no-store"
    who = client.get("/whoami", auth=Bearer(token=tokens["access_token"]))
    assert who.json() == user


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "wrong"},
        {"password": PASSWORD.upper()},
        {"password": f"{PASSWORD} "},
        {"username": "eve"},
        {"username": "größe"},
        {"username": "' OR 1=1 --"},
    ],
)
def test_a_wrong_login(client: Client, wrong: dict[str, str]) -> None:
    sign_up(client)

    answer = log_in(client, **wrong)

    assert answer.status_code == 401
    assert answer.json() == {"detail": "Wrong name or password"}
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"username": "ada"},
        {"password": PASSWORD},
        {**ADA, "grant_type": "client_credentials"},
        {**ADA, "username": "a\0da"},
        {**ADA, "password": "x" * 129},
        {**ADA, "username": ""},
        {**ADA, "password": ""},
    ],
)
def test_a_login_that_is_not_valid(client: Client, form: dict[str, str]) -> None:
    answer = client.post("/token", data=form, auth=NOBODY)

    assert answer.status_code == 422
    assert PASSWORD not in answer.text


def test_what_is_empty_in_a_form_is_told_of_in_the_document(client: Client) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    fields = {
        name: field
        for schema in ("PasswordGrant", "RefreshGrant", "Revocation")
        for name, field in schemas[schema]["properties"].items()
    }

    assert {name for name, field in fields.items() if field.get("minLength") == 1} == {
        "username",
        "password",
        "refresh_token",
        "token",
    }


def test_a_login_is_no_json(client: Client) -> None:
    assert client.post("/token", json=ADA, auth=NOBODY).status_code == 422


def test_a_refresh_token_is_used_once_and_gives_the_next(
    client: Client, ada: dict[str, Any]
) -> None:
    answer = refresh(client, ada["refresh_token"])

    assert answer.status_code == 200
    tokens = answer.json()
    assert tokens["refresh_token"] != ada["refresh_token"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert client.get("/whoami", auth=Bearer(token=tokens["access_token"])).status_code == 200
    assert refresh(client, tokens["refresh_token"]).status_code == 200


def test_a_refresh_token_that_is_used_again_ends_its_login(
    client: Client, ada: dict[str, Any]
) -> None:
    other = log_in(client).json()
    new = refresh(client, ada["refresh_token"]).json()

    # Somebody has stolen it, and nobody can tell who of the two that is.
    assert refresh(client, ada["refresh_token"]).status_code == 401
    assert refresh(client, new["refresh_token"]).status_code == 401
    assert refresh(client, other["refresh_token"]).status_code == 200


@pytest.mark.parametrize("how", ["x", "x.y", ".", "", "é", "x\0.y"])
def test_a_refresh_token_that_never_was(client: Client, ada: dict[str, Any], how: str) -> None:
    answer = refresh(client, how)

    assert answer.status_code in {401, 422}
    assert refresh(client, ada["refresh_token"]).status_code == 200


def test_an_access_token_is_no_refresh_token_and_the_other_way_round(
    client: Client, ada: dict[str, Any]
) -> None:
    assert refresh(client, ada["access_token"]).status_code in {401, 422}
    assert client.get("/whoami", auth=Bearer(token=ada["refresh_token"])).status_code == 401


def test_logging_out(client: Client, ada: dict[str, Any]) -> None:
    other = log_in(client).json()

    answers = [revoke(client, ada["refresh_token"]) for _ in range(2)]

    assert [(answer.status_code, answer.content) for answer in answers] == [(204, b"")] * 2
    assert "Content-Type" not in answers[0].headers
    assert refresh(client, ada["refresh_token"]).status_code == 401
    assert refresh(client, other["refresh_token"]).status_code == 200


def test_a_login_ends(start: Callable[..., Client], monkeypatch: pytest.MonkeyPatch) -> None:
    client, now = start(login_seconds=60), time.time()
    sign_up(client)
    first, second, third = (log_in(client).json() for _ in range(3))
    assert refresh(client, first["refresh_token"]).status_code == 200

    #{% filter replace("PACKAGE", package_name) %}
    monkeypatch.setattr("PACKAGE.users.time.time", lambda: now + 61)
    #{% endfilter %}

    assert refresh(client, second["refresh_token"]).status_code == 401
    # The next login finds nothing of those that have ended.
    log_in(client)
    monkeypatch.undo()
    assert refresh(client, third["refresh_token"]).status_code == 401


def test_another_password_ends_all_logins(client: Client, ada: dict[str, Any]) -> None:
    other = log_in(client).json()
    sign_up(client, username="eve")
    eve = log_in(client, username="eve").json()
    change = {"current_password": PASSWORD, "new_password": "another horse"}

    answer = client.put("/whoami/password", json=change, auth=Bearer(token=ada["access_token"]))

    assert (answer.status_code, answer.content) == (204, b"")
    for tokens in (ada, other):
        assert refresh(client, tokens["refresh_token"]).status_code == 401
    assert refresh(client, eve["refresh_token"]).status_code == 200
    assert log_in(client).status_code == 401
    assert log_in(client, password="another horse").status_code == 200


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"current_password": "wrong", "new_password": "another horse"}, 401),
        ({"current_password": PASSWORD, "new_password": "short"}, 422),
        ({"new_password": "another horse"}, 422),
    ],
)
def test_a_password_that_stays(
    client: Client, ada: dict[str, Any], change: dict[str, str], status: int
) -> None:
    auth = Bearer(token=ada["access_token"])

    assert client.put("/whoami/password", json=change, auth=auth).status_code == status
    assert client.put("/whoami/password", json=change, auth=NOBODY).status_code in {401, 422}
    assert log_in(client).status_code == 200
    assert refresh(client, ada["refresh_token"]).status_code == 200


def test_the_list_of_users_is_for_admins(client: Client, anonymous: Client) -> None:
    for name in ("ada", "eve", "bob"):
        sign_up(client, username=name)

    assert anonymous.get("/users").status_code == 401
    refused = client.get("/users")
    assert refused.status_code == 403
    assert refused.json() == {"detail": "The role admin is missing"}
    page = client.get("/users?limit=2&offset=1", auth=Bearer("admin")).json()
    assert [user["username"] for user in page.pop("users")] == ["eve", "bob"]
    assert page == {"total": 3, "limit": 2, "offset": 1}
    assert client.get("/users?limit=0", auth=Bearer("admin")).status_code == 422


def test_after_too_many_failed_logins_an_address_must_wait(start: Callable[..., Client]) -> None:
    client = start(failed_logins_limit=3)
    sign_up(client)
    for _ in range(3):
        assert log_in(client).status_code == 200
        assert log_in(client, password="wrong").status_code == 401

    answer = log_in(client)

    assert answer.status_code == 429
    assert answer.json() == {"detail": "Too many failed logins"}
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    change = {"current_password": PASSWORD, "new_password": "another horse"}
    assert client.put("/whoami/password", json=change).status_code == 429
    # Who has logged in already goes on.
    assert client.get("/whoami").status_code == 200


def fail(failed: FailedLogins, address: str, times: int = 1, name: str = "ada") -> None:
    for _ in range(times):
        assert failed.seconds_to_wait(address, name) == 0
        failed.add(address, name)


@pytest.fixture
def failed() -> FailedLogins:
    """Refuse an address after two failures."""
    return FailedLogins(limit=2, seconds=60)


def test_other_addresses_are_let_in(failed: FailedLogins) -> None:
    fail(failed, "192.0.2.1", times=2)

    assert failed.seconds_to_wait("192.0.2.1", "eve") == 60
    assert failed.seconds_to_wait("192.0.2.2", "ada") == 0


def test_many_addresses_that_try_one_name_have_one_try_each(failed: FailedLogins) -> None:
    for number in range(20):
        fail(failed, f"192.0.2.{number}")

    fail(failed, "192.0.2.100")
    assert failed.seconds_to_wait("192.0.2.100", "ada") > 0
    assert failed.seconds_to_wait("192.0.2.101", "ada") == 0
    fail(failed, "192.0.2.101", name="eve")


def test_the_wait_ends(failed: FailedLogins, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Mock(**{"monotonic.return_value": 1000.0})
    #{% filter replace("PACKAGE", package_name) %}
    monkeypatch.setattr("PACKAGE.security.time", clock)
    #{% endfilter %}
    fail(failed, "192.0.2.1", times=2)
    clock.monotonic.return_value += 59.5

    assert failed.seconds_to_wait("192.0.2.1", "ada") == 1
    clock.monotonic.return_value += 10

    fail(failed, "192.0.2.1", times=2)


def test_failures_are_remembered_in_a_bounded_memory(
    failed: FailedLogins, monkeypatch: pytest.MonkeyPatch
) -> None:
    #{% filter replace("PACKAGE", package_name) %}
    monkeypatch.setattr("PACKAGE.security.MOST_REMEMBERED", 4)
    #{% endfilter %}
    fail(failed, "192.0.2.1", times=2)

    for number in (2, 3, 4):
        fail(failed, f"192.0.2.{number}")

    assert failed.seconds_to_wait("192.0.2.1", "ada") == 0


@pytest.mark.parametrize(
    ("address", "same", "other"),
    [
        ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
        # Who has one address of IPv6 has many.
        ("2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:1::1"),
        # One of IPv4, where the service listens on both kinds.
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1", "::ffff:192.0.2.2"),
        # A proxy may name the other end of a socket by anything.
        ("unix:", "unix:", None),
    ],
)
def test_whose_failures_are_counted(address: str, same: str, other: str | None) -> None:
    logins = Logins(Settings(failed_logins_limit=1))
    nobody = Mock(spec=UserStore, **{"find.return_value": None})

    with pytest.raises(WrongPasswordError):
        logins.prove(nobody, "ada", "wrong", address)

    with pytest.raises(TooManyFailedLoginsError):
        logins.prove(nobody, "eve", "wrong", same)
    with pytest.raises(WrongPasswordError):
        logins.prove(nobody, "ada", "wrong", other)


def test_who_tries_passwords_at_the_same_time_learns_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logins = Logins(Settings(failed_logins_limit=1))
    nobody = Mock(spec=UserStore, **{"find.return_value": None})

    def compare_slowly(*_: object) -> bool:
        monkeypatch.undo()
        with pytest.raises(WrongPasswordError):
            logins.prove(nobody, "ada", "wrong", "192.0.2.1")
        return True

    #{% filter replace("PACKAGE", package_name) %}
    monkeypatch.setattr("PACKAGE.security.is_right", compare_slowly)
    #{% endfilter %}

    with pytest.raises(TooManyFailedLoginsError):
        logins.prove(nobody, "ada", "right", "192.0.2.1")


def test_nothing_secret_is_logged_or_shown(
    client: Client, ada: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    new = refresh(client, ada["refresh_token"]).json()
    answers = [
        client.get("/whoami", auth=Bearer(token=new["access_token"])),
        refresh(client, ada["refresh_token"]),
        revoke(client, new["refresh_token"]),
        log_in(client, username="eve"),
        sign_up(client),
    ]

    # Clients write of their requests, too.
    records = [record for record in caplog.records if not record.name.startswith("http")]
    written = [str(vars(record)) for record in records]
    shown = [f"{answer.text}{answer.headers}" for answer in answers]
    for secret in (PASSWORD, ada["refresh_token"], new["access_token"], new["refresh_token"]):
        assert not [text for text in (*written, *shown) if secret in text]
    models = [SignUp.model_validate(ADA), PasswordGrant.model_validate(ADA)]
    assert PASSWORD not in repr(models)
    assert "x.y" not in repr(RefreshGrant.model_validate({"refresh_token": "x.y"}))
#{% endfilter %}
