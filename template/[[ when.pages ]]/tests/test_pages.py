"""The pages."""

from collections.abc import Callable
from html.parser import HTMLParser
#{% if when.items_page %}
from typing import Any
#{% endif %}

import pytest
from httpx2 import Client
#{% if when.items_page %}

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.store import ItemStore
#{% endfilter %}
#{% endif %}


class Page(HTMLParser):
    """What a test looks for in a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        #{% if when.items_page %}
        self.inputs: dict[str, dict[str, Any]] = {}
        #{% endif %}
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        #{% if when.items_page %}
        """Remember fields and links."""
        attributes = dict(attrs)
        if tag == "input":
            self.inputs[attributes["id"] or ""] = attributes
        #{% else %}
        """Remember links."""
        attributes = dict(attrs)
        #{% endif %}
        self.links += [attributes[name] or "" for name in ("href", "src") if name in attributes]


#{% if when.items_page %}
def test_shows_the_message_and_the_items(start: Callable[..., Client]) -> None:
    client = start(message="Grüße & Küsse")
    client.post("/items", json={"name": "<b>Chair</b>", "price": "49.90", "tags": ["<b>oak</b>"]})

    answer = client.get("/")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Grüße &amp; Küsse" in answer.text
    assert "Grüße & Küsse" not in answer.text
    assert "&lt;b&gt;Chair&lt;/b&gt;" in answer.text
    assert "<b>" not in answer.text
    assert "49.90" in answer.text
    assert "&lt;b&gt;oak&lt;/b&gt;" in answer.text


def test_without_items(client: Client) -> None:
    assert "There are no items yet" in client.get("/").text


def test_more_items_than_the_page_shows(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    page = ItemStore.page

    def short_page(store: ItemStore, q: None, limit: int, offset: int) -> object:
        assert limit == 100
        return page(store, q, 2, offset)

    monkeypatch.setattr(ItemStore, "page", short_page)
    for number in range(3):
        client.post("/items", json={"name": f"Item {number}", "price": 1})

    assert "The first 2 of 3 items." in client.get("/").text


def test_adds_an_item(client: Client) -> None:
    form = {"name": " Chair ", "price": "49.9", "tags": "oak, , red"}

    answer = client.post("/", data=form)

    assert answer.status_code == 303
    assert answer.headers["Location"] == "/"
    (item,) = client.get("/items").json()["items"]
    assert item == {"id": item["id"], "name": "Chair", "price": "49.90", "tags": ["oak", "red"]}


@pytest.mark.parametrize(
    ("field", "value", "hint"),
    [
        ("name", "", "Give a name"),
        ("price", "cheap", "Give a price"),
        ("price", "0", "Give a price"),
        ("tags", "x" * 31, "Give up to 10 tags"),
    ],
)
def test_says_what_is_wrong_beside_the_field(
    client: Client, field: str, value: str, hint: str
) -> None:
    form = {"name": 'A "chair"', "price": "1", "tags": ""} | {field: value}

    answer = client.post("/", data=form)

    page = Page(answer.text)
    assert answer.status_code == 422
    assert hint in answer.text
    for name in form:
        assert page.inputs[name]["value"] == form[name]
        assert ("aria-invalid" in page.inputs[name]) == (name == field)
    assert client.get("/items").json()["total"] == 0


def test_an_empty_form_is_wrong_everywhere_it_must_be_filled(client: Client) -> None:
    answer = client.post("/")

    assert answer.status_code == 422
    assert answer.text.count("aria-invalid") == 2


def test_the_last_of_several_values_counts(client: Client) -> None:
    client.post("/", data={"name": ["First", "Last"], "price": "1"})

    (item,) = client.get("/items").json()["items"]
    assert item["name"] == "Last"


def test_a_form_that_is_cut_off_adds_nothing(client: Client, cut: Callable[..., int]) -> None:
    form = "application/x-www-form-urlencoded"

    assert cut("/", form, b"name=Chair&price=12") == 400
    assert client.get("/items").json()["total"] == 0


#{% else %}
def test_shows_the_message(start: Callable[..., Client]) -> None:
    answer = start(message="Grüße & Küsse").get("/")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Grüße &amp; Küsse" in answer.text
    assert "Grüße & Küsse" not in answer.text


#{% endif %}
def test_every_link_leads_somewhere(client: Client) -> None:
    links = [link for link in Page(client.get("/").text).links if link.startswith("/")]

    #{% if when.items_page %}
    assert {"/static/style.css", "/static/script.js"} <= set(links)
    #{% else %}
    assert "/static/style.css" in links
    #{% endif %}
    for link in links:
        assert client.get(link).status_code == 200


#{% if when.items_page %}
@pytest.mark.parametrize(
    ("path", "content_type"), [("style.css", "text/css"), ("script.js", "text/javascript")]
)
def test_static_files(client: Client, path: str, content_type: str) -> None:
    answer = client.get(f"/static/{path}")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith(content_type)
#{% else %}
def test_static_files(client: Client) -> None:
    answer = client.get("/static/style.css")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/css")
#{% endif %}


@pytest.mark.parametrize("path", ["none.css", "../app.py", "%2e%2e/app.py"])
def test_no_other_files(client: Client, path: str) -> None:
    answer = client.get(f"/static/{path}")

    assert answer.status_code == 404
    assert answer.json() == {"detail": "Not Found"}


def test_static_files_are_not_changed(client: Client) -> None:
    answer = client.post("/static/style.css")

    assert answer.status_code == 405
    assert answer.json() == {"detail": "Method Not Allowed"}
    assert {"GET", "HEAD"} <= set(answer.headers["Allow"].split(", "))


def test_pages_are_not_part_of_the_api(client: Client) -> None:
    assert "/" not in client.get("/openapi.json").json()["paths"]
