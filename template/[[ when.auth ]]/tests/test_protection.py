"""What is protected stays so, however a request is written, and what is open stays open."""

import pytest
from httpx2 import Client

CHAIR = {"name": "Chair", "price": 49}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 422),
        (b'{"name": "\xff", "price": 49}', 422),
        (b'{"name": "\\ud800", "price": 49}', 422),
        (b"[" * 20_000, 422),
        (b" " * 2_000_000, 413),
    ],
)
def test_credentials_are_asked_for_whatever_is_sent(
    client: Client, anonymous: Client, body: bytes, status: int
) -> None:
    headers = {"Content-Type": "application/json"}

    answers = [
        each.post("/test-chairs", content=body, headers=headers) for each in (anonymous, client)
    ]

    assert [answer.status_code for answer in answers] == [401, status]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "/test-chairs"),
        ("POST", "/test-chairs/"),
        #{% if when.basic_auth %}
        ("POST", "//test-chairs"),
        #{% endif %}
        ("POST", "http://testserver//test-chairs"),
        ("HEAD", "/whoami"),
    ],
)
def test_there_is_no_way_round(client: Client, anonymous: Client, method: str, path: str) -> None:
    override = {"X-HTTP-Method-Override": "POST", "X-Original-URL": "/test-chairs"}

    answer = anonymous.request(method, path, json=CHAIR)
    for read in (path, "/test-chairs"):
        anonymous.get(read, headers=override)

    assert answer.status_code >= 400
    assert client.get("/test-chairs").json() == []


def test_reading_is_open(client: Client, anonymous: Client) -> None:
    chair = client.post("/test-chairs", json=CHAIR).json()

    assert anonymous.get("/test-chairs").json() == [chair]
    assert anonymous.get(f"/test-chairs/{chair['id']}").json() == chair
