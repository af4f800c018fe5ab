"""The items."""

from typing import Any

import pytest
from httpx2 import Client, Response

CHAIR = {"name": "Chair", "price": "49.90", "tags": ["oak"], "internal_note": "supplier 7"}


def create(client: Client, **changes: Any) -> dict[str, Any]:
    answer = client.post("/items", json=CHAIR | changes)
    assert answer.status_code == 201, answer.text
    item: dict[str, Any] = answer.json()
    return item


def wrong_parts(answer: Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [".".join(map(str, field["loc"][:2])) for field in answer.json()["detail"]]


def test_create(client: Client) -> None:
    answer = client.post("/items", json=CHAIR)

    item = answer.json()
    assert answer.status_code == 201
    assert item == {"id": item["id"], "name": "Chair", "price": "49.90", "tags": ["oak"]}
    assert answer.headers["Location"] == f"/items/{item['id']}"
    assert client.get(answer.headers["Location"]).json() == item


def test_create_with_defaults(client: Client) -> None:
    answer = client.post("/items", json={"name": "Lamp", "price": 5})

    assert answer.status_code == 201
    assert answer.json()["price"] == "5.00"
    assert answer.json()["tags"] == []


def test_ids_differ(client: Client) -> None:
    first, second = create(client), create(client)
    client.delete(f"/items/{first['id']}")

    third = create(client)

    assert len({item["id"] for item in (first, second, third)}) == 3
    assert client.get("/items").json()["items"] == [second, third]


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("name", ""),
        ("name", "x" * 101),
        ("name", "nul \0 inside"),
        ("name", None),
        ("name", 7),
        ("price", "0"),
        ("price", "-1"),
        ("price", "1.999"),
        ("price", "123456789.00"),
        ("price", "NaN"),
        ("price", "Infinity"),
        ("price", "cheap"),
        ("price", None),
        ("tags", "oak"),
        ("tags", [""]),
        ("tags", ["x" * 31]),
        ("tags", ["nul \0 inside"]),
        ("tags", [str(number) for number in range(11)]),
        ("internal_note", "x" * 501),
        ("internal_note", "nul \0 inside"),
    ],
)
def test_refuses_a_bad_part(client: Client, part: str, value: object) -> None:
    answer = client.post("/items", json=CHAIR | {part: value})

    assert wrong_parts(answer) == [f"body.{part}"]


@pytest.mark.parametrize("part", ["name", "price"])
def test_needs_a_part(client: Client, part: str) -> None:
    body = {name: value for name, value in CHAIR.items() if name != part}

    assert wrong_parts(client.post("/items", json=body)) == [f"body.{part}"]


def test_does_not_repeat_what_was_sent(client: Client) -> None:
    answer = client.post("/items", json=CHAIR | {"internal_note": "secret" * 100})

    assert answer.status_code == 422
    assert set(answer.json()["detail"][0]) == {"loc", "msg", "type"}
    assert "secret" not in answer.text


def test_read(client: Client) -> None:
    item = create(client, name="Stühle 椅子 🪑")

    answer = client.get(f"/items/{item['id']}")

    assert answer.status_code == 200
    assert answer.json() == item
    assert answer.json()["name"] == "Stühle 椅子 🪑"


def test_list(client: Client) -> None:
    items = [create(client, name=name) for name in ("Chair", "Table", "Armchair")]

    answer = client.get("/items")

    assert answer.status_code == 200
    assert answer.json() == {"items": items, "total": 3, "limit": 20, "offset": 0}


def test_list_is_empty_at_first(client: Client) -> None:
    assert client.get("/items").json() == {"items": [], "total": 0, "limit": 20, "offset": 0}


def test_list_by_name(client: Client) -> None:
    for name in ("Chair", "Table", "Armchair", "100% cotton"):
        create(client, name=name)

    def found(text: str) -> list[str]:
        page = client.get("/items", params={"q": text}).json()
        assert page["total"] == len(page["items"])
        return [item["name"] for item in page["items"]]

    assert found("chair") == ["Chair", "Armchair"]
    assert found("CHAIR") == ["Chair", "Armchair"]
    assert found("%") == ["100% cotton"]
    assert found("_") == []
    assert len(found("")) == 4


def test_list_in_pages(client: Client) -> None:
    items = [create(client, name=f"Item {number}") for number in range(5)]

    page = client.get("/items", params={"limit": 2, "offset": 3}).json()

    assert page == {"items": items[3:5], "total": 5, "limit": 2, "offset": 3}
    assert client.get("/items", params={"offset": 5}).json()["items"] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "many"),
        ("limit", ""),
        ("offset", "-1"),
        ("offset", str(10**20)),
        ("q", "x" * 101),
        ("q", "\0"),
    ],
)
def test_refuses_a_bad_query(client: Client, name: str, value: str) -> None:
    assert wrong_parts(client.get("/items", params={name: value})) == [f"query.{name}"]


def test_the_last_of_several_values_counts(client: Client) -> None:
    assert client.get("/items?limit=3&limit=4").json()["limit"] == 4


def test_replace(client: Client) -> None:
    item = create(client)

    answer = client.put(f"/items/{item['id']}", json={"name": "Stool", "price": "20"})

    assert answer.status_code == 200
    assert answer.json() == {"id": item["id"], "name": "Stool", "price": "20.00", "tags": []}
    assert client.get(f"/items/{item['id']}").json() == answer.json()


def test_replace_refuses_a_bad_part(client: Client) -> None:
    item = create(client)

    answer = client.put(f"/items/{item['id']}", json=CHAIR | {"price": "-1"})

    assert wrong_parts(answer) == ["body.price"]
    assert client.get(f"/items/{item['id']}").json() == item


@pytest.mark.parametrize(
    "changes", [{"name": "Stool"}, {"price": "1.00"}, {"tags": []}, {"internal_note": "x"}, {}]
)
def test_update(client: Client, changes: dict[str, Any]) -> None:
    item = create(client)
    visible = {name: value for name, value in changes.items() if name in item}

    answer = client.patch(f"/items/{item['id']}", json=changes)

    assert answer.status_code == 200
    assert answer.json() == item | visible
    assert client.get(f"/items/{item['id']}").json() == item | visible


@pytest.mark.parametrize("part", ["name", "price", "tags", "internal_note"])
def test_update_refuses_null(client: Client, part: str) -> None:
    item = create(client)

    answer = client.patch(f"/items/{item['id']}", json={part: None})

    assert wrong_parts(answer) == [f"body.{part}"]
    assert client.get(f"/items/{item['id']}").json() == item


def test_update_refuses_a_bad_part(client: Client) -> None:
    item = create(client)

    answer = client.patch(f"/items/{item['id']}", json={"name": "Stool", "price": "-1"})

    assert wrong_parts(answer) == ["body.price"]
    assert client.get(f"/items/{item['id']}").json() == item


def test_delete(client: Client) -> None:
    item, other = create(client), create(client)

    answer = client.delete(f"/items/{item['id']}")

    assert answer.status_code == 204
    assert answer.content == b""
    assert "Content-Type" not in answer.headers
    assert client.get(f"/items/{item['id']}").status_code == 404
    assert client.get("/items").json()["items"] == [other]


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_unknown_item(client: Client, method: str) -> None:
    body = CHAIR if method in {"PUT", "PATCH"} else None

    answer = client.request(method, "/items/4711", json=body)

    assert answer.status_code == 404
    assert answer.json() == {"detail": "Item 4711 not found"}


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_bad_item_id(client: Client, method: str) -> None:
    body = CHAIR if method in {"PUT", "PATCH"} else None

    answer = client.request(method, "/items/one", json=body)

    assert wrong_parts(answer) == ["path.item_id"]


@pytest.mark.parametrize("item_id", ["1.5", "0", "-1", str(2**31), str(10**30)])
def test_number_that_is_no_item_id(client: Client, item_id: str) -> None:
    assert wrong_parts(client.get(f"/items/{item_id}")) == ["path.item_id"]


def test_no_answer_holds_the_internal_note(client: Client) -> None:
    answers = [client.post("/items", json=CHAIR)]
    path = answers[0].headers["Location"]
    answers += [
        client.get("/items"),
        client.get(path),
        client.put(path, json=CHAIR),
        client.patch(path, json={"internal_note": "supplier 7"}),
    ]

    for answer in answers:
        assert answer.is_success
        assert "internal_note" not in answer.text
        assert "supplier 7" not in answer.text


def test_items_are_documented(client: Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]

    assert set(paths["/items"]) == {"get", "post"}
    assert set(paths["/items/{item_id}"]) == {"get", "put", "patch", "delete"}
    assert {"200", "404", "422"} <= set(paths["/items/{item_id}"]["put"]["responses"])
    assert [p["name"] for p in paths["/items"]["get"]["parameters"]] == ["q", "limit", "offset"]
    assert paths["/items"]["post"]["tags"] == ["items"]


def test_the_internal_note_is_only_sent_to_the_service(client: Client) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]

    assert "internal_note" in schemas["ItemCreate"]["properties"]
    assert "internal_note" not in schemas["ItemPublic"]["properties"]
