"""The documentation of the API."""

from collections.abc import Callable
from typing import Any

import pytest
from httpx2 import Client


@pytest.fixture
def document(client: Client) -> dict[str, Any]:
    answer = client.get("/openapi.json")
    assert answer.status_code == 200
    document: dict[str, Any] = answer.json()
    return document


def test_version(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")


def test_routes_are_documented(document: dict[str, Any]) -> None:
    paths = document["paths"]

    assert set(paths["/test-chairs"]) == {"get", "post"}
    assert set(paths["/test-chairs/{chair_id}"]) == {"get", "patch"}
    assert {"200", "404", "422"} <= set(paths["/test-chairs/{chair_id}"]["patch"]["responses"])
    assert paths["/test-chairs"]["post"]["tags"] == ["test_chairs"]


def test_operations_have_names_of_their_own(document: dict[str, Any]) -> None:
    names = [
        operation["operationId"]
        for path in document["paths"].values()
        for operation in path.values()
    ]

    assert len(names) == len(set(names))
    assert {"list_chairs", "add_chair", "health", "ready"} <= set(names)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    references: list[str] = []

    def collect(part: Any) -> None:
        if isinstance(part, dict):
            references.extend([part["$ref"]] if "$ref" in part else [])
            part = list(part.values())
        if isinstance(part, list):
            for inner in part:
                collect(inner)

    collect(document)

    assert references
    for reference in references:
        start, _, name = reference.rpartition("/")
        assert start == "#/components/schemas"
        assert name in document["components"]["schemas"]


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_pages(client: Client, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "/openapi.json" in answer.text


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
def test_it_can_be_switched_off(start: Callable[..., Client], path: str) -> None:
    assert start(docs=False).get(path).status_code == 404
