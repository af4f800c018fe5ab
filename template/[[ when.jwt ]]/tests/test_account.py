"""What asks for an access token, and what it tells."""

import pytest
from bearers import Bearer
from httpx2 import Client

CHAIR = {"name": "Chair", "price": 49}
CHALLENGE = 'Bearer realm="[[ package_name ]]"'


def test_who_is_asking(client: Client) -> None:
    answer = client.get("/whoami")

    assert answer.status_code == 200
    assert answer.json() == {"id": 1, "username": "ada", "roles": []}
    assert client.get("/whoami", auth=Bearer("admin")).json()["roles"] == ["admin"]


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
def test_an_access_token_is_asked_for_whatever_is_sent(
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
        ("POST", "http://testserver//test-chairs"),
        ("HEAD", "/whoami"),
    ],
)
def test_there_is_no_way_round(client: Client, anonymous: Client, method: str, path: str) -> None:
    override = {"X-HTTP-Method-Override": "POST", "X-Original-URL": "/test-chairs"}

    answer = anonymous.request(method, path, json=CHAIR)
    anonymous.get("/test-chairs", headers=override)

    assert answer.status_code >= 400
    assert client.get("/test-chairs").json() == []


def test_reading_is_open(client: Client, anonymous: Client) -> None:
    chair = client.post("/test-chairs", json=CHAIR).json()

    assert anonymous.get("/test-chairs").json() == [chair]
    assert anonymous.get(f"/test-chairs/{chair['id']}").json() == chair


def test_what_needs_an_access_token_is_documented(client: Client) -> None:
    document = client.get("/openapi.json").json()
    operations = {
        (method.upper(), path): operation
        for path, methods in document["paths"].items()
        # What is added later says itself what it asks for.
        if path.split("/")[1] in {"test-chairs", "uploads", "users", "token", "whoami"}
        for method, operation in methods.items()
    }

    protected = {key for key, operation in operations.items() if "security" in operation}

    open_ = {("POST", f"/{path}") for path in ("users", "token", "token/refresh", "token/revoke")}
    asked = {("GET", "/users"), ("GET", "/whoami")}
    assert protected == {key for key in operations if key[0] != "GET"} - open_ | asked
    for key in protected:
        assert operations[key]["security"] == [{"OAuth2PasswordBearer": []}]
        assert "401" in operations[key]["responses"]
    assert "403" in operations["GET", "/users"]["responses"]
    # The pages that show the document ask there for a token, below wherever the service is.
    flow = {"scopes": {}, "tokenUrl": "token", "refreshUrl": "token/refresh"}
    assert document["components"]["securitySchemes"] == {
        "OAuth2PasswordBearer": {"type": "oauth2", "flows": {"password": flow}}
    }
    for path in ("/token", "/token/refresh", "/token/revoke"):
        (media_type,) = operations["POST", path]["requestBody"]["content"]
        assert media_type == "application/x-www-form-urlencoded"
