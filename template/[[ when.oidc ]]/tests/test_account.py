"""What asks for an access token, and what it tells."""

from collections.abc import Callable

import pytest
from bearers import DISCOVERY, ISSUER, Bearer
from httpx2 import Client

CHAIR = {"name": "Chair", "price": 49}
CHALLENGE = 'Bearer realm="[[ package_name ]]"'


def test_who_is_asking(client: Client) -> None:
    answer = client.get("/whoami")

    assert answer.status_code == 200
    assert answer.json() == {"id": "1", "username": "ada", "roles": []}
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


def test_what_needs_an_access_token_is_documented(client: Client) -> None:
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
        assert operations[key]["security"] == [{"OpenIdConnect": []}]
        assert "401" in operations[key]["responses"]
    assert document["components"]["securitySchemes"] == {
        "OpenIdConnect": {"type": "openIdConnect", "openIdConnectUrl": f"{ISSUER.url}{DISCOVERY}"}
    }


def test_each_application_names_its_own_issuer(
    client: Client, start: Callable[..., Client]
) -> None:
    other = start(oidc_issuer="https://login.example/realms/a/")

    schemes = [
        each.get("/openapi.json").json()["components"]["securitySchemes"]["OpenIdConnect"]
        for each in (other, client, other)
    ]

    urls = [scheme["openIdConnectUrl"] for scheme in schemes]
    own = f"https://login.example/realms/a{DISCOVERY}"
    assert urls == [own, f"{ISSUER.url}{DISCOVERY}", own]
