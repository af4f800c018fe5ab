"""Who may change the items."""

import pytest
from httpx2 import Client


@pytest.mark.parametrize("credentials", [None, ("ada", "wrong")])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/items"),
        ("PUT", "/items/{id}"),
        ("PATCH", "/items/{id}"),
        ("DELETE", "/items/{id}"),
        #{% if when.pages %}
        ("POST", "/"),
        #{% endif %}
    ],
)
def test_changing_items_needs_credentials(
    client: Client, anonymous: Client, method: str, path: str, credentials: tuple[str, str] | None
) -> None:
    item = client.post("/items", json={"name": "Chair", "price": "49.90"}).json()

    answer = anonymous.request(
        method, path.format(**item), json={"name": "Stool", "price": "1"}, auth=credentials
    )

    assert answer.status_code == 401
    assert client.get("/items").json()["items"] == [item]
    assert anonymous.get(f"/items/{item['id']}").json() == item


def test_what_changes_items_is_documented_to_need_credentials(client: Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]

    for path in ("/items", "/items/{item_id}"):
        for method, operation in paths[path].items():
            assert ("security" in operation) == (method != "get")
            assert ("401" in operation["responses"]) == (method != "get")
