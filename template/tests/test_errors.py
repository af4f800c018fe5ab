#{% filter fitted %}
"""Errors are JSON, whatever goes wrong."""

import json
from collections.abc import Callable

import pytest
from chairs import Chairs
from httpx2 import Client

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.problems import ConflictError, NotFoundError, ServiceError, UnavailableError
#{% endfilter %}

JSON = {"Content-Type": "application/json"}


def test_unknown_path(client: Client) -> None:
    answer = client.get("/nothing/here")

    assert answer.status_code == 404
    assert answer.json() == {"detail": "Not Found"}
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("path", ["/test-chairs/", "/test-chairs//1"])
def test_a_slash_more_is_another_path(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "others"),
    [
        ("DELETE", "/test-chairs", {"GET", "POST"}),
        ("POST", "/test-chairs/1", {"GET", "PATCH"}),
        ("POST", "/health", {"GET"}),
    ],
)
def test_method_that_the_path_has_not(
    client: Client, method: str, path: str, others: set[str]
) -> None:
    answer = client.request(method, path)

    assert answer.status_code == 405
    assert answer.json() == {"detail": "Method Not Allowed"}
    assert set(answer.headers["Allow"].split(", ")) - {"HEAD", "OPTIONS"} == others


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"no json", b'"text"', b"[]", b"7", b"null", b"\xff\xfe\xfd", b"[" * 100_000],
    ids=["none", "cut", "words", "text", "list", "number", "null", "bytes", "nested"],
)
def test_body_that_is_no_json_object(client: Client, body: bytes) -> None:
    answer = client.post("/test-chairs", content=body, headers=JSON)

    assert answer.status_code == 422, answer.text
    assert {field["loc"][0] for field in answer.json()["detail"]} == {"body"}


@pytest.mark.parametrize("body", [b"", b"no json", b"[]"], ids=["none", "words", "list"])
def test_changes_that_are_no_json_object(client: Client, body: bytes) -> None:
    chair = client.post("/test-chairs", json={"name": "Chair", "price": 1}).json()

    answer = client.patch(f"/test-chairs/{chair['id']}", content=body, headers=JSON)

    assert answer.status_code == 422, answer.text
    assert {field["loc"][0] for field in answer.json()["detail"]} == {"body"}


def test_body_that_does_not_say_it_is_json(client: Client) -> None:
    answer = client.post(
        "/test-chairs",
        content=b'{"name": "Chair", "price": 1}',
        headers={"Content-Type": "text/plain"},
    )

    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body"]


def test_not_a_number_in_the_body(client: Client) -> None:
    answer = client.post("/test-chairs", content=b'{"name": "Chair", "price": NaN}', headers=JSON)

    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "price"]


@pytest.mark.parametrize(
    "body",
    [
        rb'{"name": "\ud800", "price": 1}',
        rb'{"name": "\ude00\ud83d", "price": 1}',
        rb'{"name": "A", "price": 1, "\uD800": 1}',
        b'{"name": "\xed\xa0\x80", "price": 1}',
        r'{"name": "\ud800", "price": 1}'.encode("utf-16"),
    ],
)
def test_half_a_character_in_the_body(client: Client, body: bytes) -> None:
    for content in (body, iter([body[:9], body[9:]])):
        answer = client.post("/test-chairs", content=content, headers=JSON)

        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["body"]


@pytest.mark.parametrize("name", [rb"\ud83d\ude00", rb"\\ud800", "\ud7a3".encode()])
def test_whole_characters_in_the_body(client: Client, name: bytes) -> None:
    body = b'{"name": "' + name + b'", "price": 1}'

    answer = client.post("/test-chairs", content=body, headers=JSON)

    assert answer.status_code == 201
    assert answer.json()["name"] == json.loads(b'"' + name + b'"')


@pytest.mark.parametrize("body", [rb'{"name": "\ud83d', b"[" * 50_000 + rb'"\ud83d'])
def test_half_a_character_in_what_is_no_json(client: Client, body: bytes) -> None:
    assert client.post("/test-chairs", content=body, headers=JSON).status_code == 422


def test_body_over_the_limit(client: Client) -> None:
    answer = client.post("/test-chairs", json={"name": "x" * 200_000, "price": 1})

    assert answer.status_code == 413
    assert answer.json() == {"detail": "Content Too Large"}


def test_a_limit_that_cannot_work_is_refused(start: Callable[..., Client]) -> None:
    with pytest.raises(ValueError, match="max_body_size"):
        start(max_body_size=0)


def test_body_in_chunks(client: Client) -> None:
    body = b'{"name": "Chair", "price": 1}'.ljust(100_000)

    answers = [
        client.post("/test-chairs", content=iter([body, more]), headers=JSON)
        for more in (b"", b" ")
    ]

    assert [answer.status_code for answer in answers] == [201, 413]
    assert len(client.get("/test-chairs").json()) == 1


def test_body_that_is_cut_off(client: Client, cut: Callable[..., int]) -> None:
    whole = b'{"name": "Chair", "price": 1250}'

    assert cut("/test-chairs", "application/json", whole) == 400
    assert client.get("/test-chairs").json() == []


def test_bug(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a secret of the service")

    monkeypatch.setattr(Chairs, "all", fail)

    answer = client.get("/test-chairs")

    assert answer.status_code == 500
    assert answer.json() == {"detail": "Internal Server Error"}
    assert "a secret of the service" in caplog.text
    assert "Traceback" in caplog.text


class QuotaError(ServiceError):
    """An error as the owner of a service may add it."""

    status = 402


@pytest.mark.parametrize(
    ("error", "status", "headers"),
    [
        (NotFoundError("No such chair"), 404, {}),
        (ConflictError("The chair is taken"), 409, {}),
        (UnavailableError("The shop is closed", retry_after=30), 503, {"Retry-After": "30"}),
        (QuotaError("Buy more chairs", {"X-Quota": "0"}), 402, {"X-Quota": "0"}),
    ],
    ids=["not found", "conflict", "unavailable", "own"],
)
def test_error_of_the_service(
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    error: ServiceError,
    status: int,
    headers: dict[str, str],
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(Chairs, "all", fail)

    answer = client.get("/test-chairs")

    assert answer.status_code == status
    assert answer.json() == {"detail": str(error)}
    assert {name: answer.headers[name] for name in headers} == headers


@pytest.mark.parametrize("path", ["/health", "/nothing/here", "/test-chairs/one", "/test-chairs"])
def test_every_answer_tells_its_time(
    client: Client, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.delattr(Chairs, "all")

    answer = client.get(path)

    assert 0 <= float(answer.headers["X-Process-Time"]) < 60
#{% endfilter %}
