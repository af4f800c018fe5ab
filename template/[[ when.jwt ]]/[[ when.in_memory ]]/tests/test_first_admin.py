"""The admin who is there from the start."""

from collections.abc import Callable

import pytest
from bearers import NOBODY, Bearer
from httpx2 import Client

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.settings import Settings
#{% endfilter %}

PASSWORD = "correct horse battery"


def log_in(client: Client) -> int:
    form = {"username": "admin", "password": PASSWORD}
    return client.post("/token", data=form, auth=NOBODY).status_code


def test_the_first_admin(start: Callable[..., Client]) -> None:
    client = start(admin_password=PASSWORD)

    assert log_in(client) == 200
    (admin,) = client.get("/users", auth=Bearer("admin")).json()["users"]
    assert (admin["username"], admin["roles"]) == ("admin", ["admin"])


def test_no_admin_without_a_password(start: Callable[..., Client]) -> None:
    client = start()

    assert log_in(client) == 401
    assert client.get("/users", auth=Bearer("admin")).json()["total"] == 0


def test_a_password_that_is_too_short() -> None:
    with pytest.raises(ValueError, match="12 characters or more"):
        Settings(admin_password="x" * 11)
    assert PASSWORD not in repr(Settings(admin_password=PASSWORD))
