#{% filter fitted %}
"""Who may use the admin site."""

from base64 import b64encode
from collections.abc import Callable

import pytest
from httpx2 import Client

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE import security
from PACKAGE.security import Logins, NotAuthenticatedError, TooManyFailedLoginsError
from PACKAGE.settings import Settings
#{% endfilter %}

RIGHT = ("ada", "correct horse")
WRONG = ("ada", "wrong")


def basic(credentials: bytes) -> str:
    return f"Basic {b64encode(credentials).decode()}"


@pytest.mark.parametrize(
    "header", ["", "Basic", "Basic !!!", "Bearer token", basic(b"ada"), basic(b"\xff\xfe:\xfd")]
)
def test_headers_that_are_no_credentials(client: Client, header: str) -> None:
    answer = client.get("/admin/", headers={"Authorization": header})

    assert answer.status_code == 401
    assert answer.json() == {"detail": "Not authenticated"}
    realm = 'realm="[[ package_name ]]"'
    assert answer.headers["WWW-Authenticate"] == f'Basic {realm}, charset="UTF-8"'


def test_after_too_many_failed_logins_an_address_must_wait(start: Callable[..., Client]) -> None:
    client = start(failed_logins_limit=2)
    for _ in range(2):
        assert client.get("/admin/", auth=RIGHT).status_code == 200
        assert client.get("/admin/", auth=WRONG).status_code == 401

    answer = client.get("/admin/", auth=RIGHT)

    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 60


@pytest.fixture
def logins() -> Logins:
    """Refuse an address after two failures."""
    return Logins(Settings(failed_logins_limit=2))


def fail(logins: Logins, address: str) -> None:
    with pytest.raises(NotAuthenticatedError):
        logins.username(basic(b"ada:wrong"), address)


def test_who_has_one_address_of_ipv6_has_many(logins: Logins) -> None:
    fail(logins, "2001:db8::1")
    fail(logins, "2001:db8::ffff:1")

    with pytest.raises(TooManyFailedLoginsError):
        logins.username(basic(b"ada:correct horse"), "2001:db8::2")
    assert logins.username(basic(b"ada:correct horse"), "unix:") == "ada"


def test_failures_are_remembered_in_a_bounded_memory(
    logins: Logins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(security, "MOST_REMEMBERED", 4)
    for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"):
        fail(logins, address)

    assert logins.username(basic(b"ada:correct horse"), "192.0.2.1") == "ada"


@pytest.mark.parametrize("name", ["admin_username", "admin_password"])
@pytest.mark.parametrize("value", ["", " ada", "ada\n"])
def test_credentials_that_nobody_can_type_are_refused(
    start: Callable[..., Client], name: str, value: str
) -> None:
    with pytest.raises(ValueError, match=name):
        start(**{name: value})


def test_a_name_has_no_colon(start: Callable[..., Client]) -> None:
    with pytest.raises(ValueError, match="a name has no colon"):
        start(admin_username="a:da")


def test_the_password_is_not_shown() -> None:
    assert "correct horse" not in repr(Settings())
#{% endfilter %}
