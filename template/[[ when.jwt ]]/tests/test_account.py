"""Who is asking, and what the document says of that."""

from bearers import Bearer
from httpx2 import Client


def test_who_is_asking(client: Client) -> None:
    answer = client.get("/whoami")

    assert answer.status_code == 200
    assert answer.json() == {"id": 1, "username": "ada", "roles": []}
    assert client.get("/whoami", auth=Bearer("admin")).json()["roles"] == ["admin"]


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
