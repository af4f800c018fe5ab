"""Whose access token is believed, and what asks for one."""

import pytest
from bearers import Bearer
from httpx2 import Client

CHAIR = {"name": "Chair", "price": 49}
CHALLENGE = 'Bearer realm="[[ package_name ]]"'


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic YWRhOng=", "Bearer x"])
def test_nobody_is_asking(anonymous: Client, header: str | None) -> None:
    answer = anonymous.get("/whoami", headers={} if header is None else {"Authorization": header})

    assert answer.status_code == 401
    assert answer.json() == {"detail": "Not authenticated"}
    assert answer.headers["WWW-Authenticate"] == CHALLENGE


def test_the_word_before_the_token_has_any_case(anonymous: Client) -> None:
    header = Bearer().header.replace("Bearer", "bEARER ")

    assert anonymous.get("/whoami", headers={"Authorization": header}).status_code == 200
    other = Bearer().header.replace("Bearer", "Token")
    assert anonymous.get("/whoami", headers={"Authorization": other}).status_code == 401


CHANGES = [
    ("POST", "/test-chairs"),
    ("PATCH", "/test-chairs/{id}"),
    #{% if when.background_tasks %}
    ("POST", "/uploads/data.bin"),
    #{% endif %}
]


@pytest.mark.parametrize("credentials", [None, ("ada", "correct horse"), Bearer(token="x.y.z")])
@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_whatever_changes_data_needs_an_access_token(
    client: Client,
    anonymous: Client,
    method: str,
    path: str,
    credentials: Bearer | tuple[str, str] | None,
) -> None:
    chair = client.post("/test-chairs", json=CHAIR).json()

    answer = anonymous.request(
        method, path.format(**chair), json={"name": "Stool", "price": 1}, auth=credentials
    )

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == CHALLENGE
    assert client.get("/test-chairs").json() == [chair]
