"""Who is asking, and what the document says of that."""

from collections.abc import Callable

import pytest
from bearers import DISCOVERY, ISSUER, Bearer
from httpx2 import Client


def test_who_is_asking(client: Client) -> None:
    answer = client.get("/whoami")

    assert answer.status_code == 200
    assert answer.json() == {"id": "1", "username": "ada", "roles": []}
    assert client.get("/whoami", auth=Bearer("admin")).json()["roles"] == ["admin"]


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


@pytest.mark.parametrize("path", ["/docs", "/docs/oauth2-redirect"])
def test_the_documentation_logs_in_by_the_issuer(client: Client, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 200
    # A server may have the tokens that is none of the issuer's.
    sources = "connect-src 'self' https: http://localhost:* http://127.0.0.1:*"
    assert sources in answer.headers["Content-Security-Policy"].split("; ")
    scripts = [line for line in answer.text.splitlines() if "<script" in line]
    assert scripts
    assert all("integrity=" in line or "nonce=" in line for line in scripts)
    assert path not in client.get("/openapi.json").json()["paths"]
