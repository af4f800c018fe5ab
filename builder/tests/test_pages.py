"""The pages."""

from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from httpx2 import Client


class Page(HTMLParser):
    """What a test looks for in a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember links."""
        attributes = dict(attrs)
        self.links += [attributes[name] or "" for name in ("href", "src") if name in attributes]


def test_shows_the_message(start: Callable[..., Client]) -> None:
    answer = start(message="Grüße & Küsse").get("/")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Grüße &amp; Küsse" in answer.text
    assert "Grüße & Küsse" not in answer.text


def test_every_link_leads_somewhere(client: Client) -> None:
    links = [link for link in Page(client.get("/").text).links if link.startswith("/")]

    assert "/static/style.css" in links
    for link in links:
        assert client.get(link).status_code == 200


def test_static_files(client: Client) -> None:
    answer = client.get("/static/style.css")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/css")


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
