"""Which other origins may read the answers."""

from collections.abc import Callable

import pytest
from chairs import Chairs
from httpx2 import Client

FRIEND = "https://friend.example"
STRANGER = "https://stranger.example"
CHAIR = {"name": "Chair", "price": 49}
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type",
}


@pytest.mark.parametrize(
    "path", ["/health", "/test-chairs", "/test-chairs/4711", "/test-chairs/one"]
)
def test_an_allowed_origin_may_read_answers_and_errors(client: Client, path: str) -> None:
    answer = client.get(path, headers={"Origin": FRIEND})

    assert answer.headers["Access-Control-Allow-Origin"] == FRIEND
    assert "Access-Control-Allow-Credentials" not in answer.headers
    exposed = answer.headers["Access-Control-Expose-Headers"]
    assert {name.strip() for name in exposed.split(",")} == {
        "ETag",
        "Location",
        "Retry-After",
        "X-Process-Time",
        "X-Request-ID",
    }
    assert answer.headers["Vary"] == "Origin"


def test_a_bug_may_be_read_too(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Chairs, "all")

    answer = client.get("/test-chairs", headers={"Origin": FRIEND})

    assert answer.status_code == 500
    assert answer.headers["Access-Control-Allow-Origin"] == FRIEND


def test_another_origin_may_not(client: Client) -> None:
    answer = client.get("/test-chairs", headers={"Origin": STRANGER})

    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_without_an_origin(client: Client) -> None:
    answer = client.get("/test-chairs")

    assert "Access-Control-Allow-Origin" not in answer.headers
    assert answer.headers["Vary"] == "Origin"


@pytest.mark.parametrize("origin", ["https://friend.example.evil", "http://friend.example", "null"])
def test_a_look_alike_may_not(client: Client, origin: str) -> None:
    answer = client.get("/test-chairs", headers={"Origin": origin})

    assert "Access-Control-Allow-Origin" not in answer.headers


def test_preflight_of_an_allowed_origin(client: Client) -> None:
    answer = client.options("/test-chairs", headers={"Origin": FRIEND, **PREFLIGHT})

    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == FRIEND
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert "content-type" in answer.headers["Access-Control-Allow-Headers"].lower()


@pytest.mark.parametrize("name", ["authorization", "content-type", "if-none-match", "x-request-id"])
def test_headers_that_pages_may_send(client: Client, name: str) -> None:
    asked = {"Origin": FRIEND, **PREFLIGHT, "Access-Control-Request-Headers": name}
    answer = client.options("/test-chairs", headers=asked)

    assert answer.status_code == 200
    assert name in answer.headers["Access-Control-Allow-Headers"].lower()


def test_preflight_of_another_origin(client: Client) -> None:
    answer = client.options("/test-chairs", headers={"Origin": STRANGER, **PREFLIGHT})

    assert "Access-Control-Allow-Origin" not in answer.headers


def test_no_origin_may_unless_it_is_named(start: Callable[..., Client]) -> None:
    answer = start(cors_origins=()).get("/test-chairs", headers={"Origin": FRIEND})

    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_any_origin(start: Callable[..., Client]) -> None:
    client = start(cors_origins=("*",))

    answer = client.get("/test-chairs", headers={"Origin": STRANGER})

    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Origin" not in client.get("/test-chairs").headers


@pytest.mark.parametrize("site", [{}, {"Sec-Fetch-Site": "cross-site"}])
def test_any_origin_changes_nothing_with_what_browsers_add(
    start: Callable[..., Client], site: dict[str, str]
) -> None:
    client = start(cors_origins=("*",))
    stranger = {"Origin": STRANGER, **site}

    answers = [
        client.post("/test-chairs", json=CHAIR, headers=headers)
        for headers in ({}, stranger, stranger | {"Cookie": "login=x"})
    ]

    #{% if when.basic_auth %}
    assert [answer.status_code for answer in answers] == [201, 403, 403]
    #{% else %}
    # A page has to have the token itself, if one is asked for.
    assert [answer.status_code for answer in answers] == [201, 201, 403]
    #{% endif %}
    assert answers[2].json() == {"detail": "This request comes from another site"}


def test_credentials_of_a_named_origin(start: Callable[..., Client]) -> None:
    client = start(cors_origins=(FRIEND,), cors_credentials=True)

    answer = client.get("/test-chairs", headers={"Origin": FRIEND})
    changed = client.post(
        "/test-chairs", json=CHAIR, headers={"Origin": FRIEND, "Cookie": "login=x"}
    )

    assert answer.headers["Access-Control-Allow-Origin"] == FRIEND
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert changed.status_code == 201


def test_credentials_of_any_origin_are_refused(start: Callable[..., Client]) -> None:
    with pytest.raises(ValueError, match="name the CORS origins"):
        start(cors_origins=("*",), cors_credentials=True)
