"""What proxies tell is believed when they are trusted."""

from collections.abc import Callable

import pytest
from flask import Flask, request, url_for
from httpx2 import Client

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE import custom
#{% endfilter %}

TOLD = {
    "X-Forwarded-For": "198.51.100.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "shop.example",
    "X-Forwarded-Prefix": "/shop",
}
BELIEVED = "198.51.100.7 https://shop.example/shop/seen"
NOT_BELIEVED = "127.0.0.1 http://testserver/seen"


def seen() -> str:
    return f"{request.remote_addr} {url_for('seen', _external=True)}"


@pytest.fixture
def serve(start: Callable[..., Client], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Client]:
    def init_app(app: Flask) -> None:
        app.add_url_rule("/seen", view_func=seen)

    monkeypatch.setattr(custom, "init_app", init_app)
    return start


@pytest.mark.parametrize(
    ("trusted", "expected"),
    [
        ("127.0.0.1,::1", BELIEVED),
        ("10.0.0.0/8, 127.0.0.0/8", BELIEVED),
        ("*", BELIEVED),
        ("10.0.0.0/8", NOT_BELIEVED),
    ],
)
def test_who_is_believed(serve: Callable[..., Client], trusted: str, expected: str) -> None:
    client = serve(forwarded_allow_ips=trusted)

    assert client.get("/seen", headers=TOLD).text == expected
    assert client.get("/seen").text == NOT_BELIEVED


@pytest.mark.parametrize(
    ("passed", "expected"),
    [
        ("203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("203.0.113.9, 198.51.100.7, 10.0.0.2,10.0.0.1", "198.51.100.7"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("203.0.113.9, unknown", "unknown"),
    ],
)
def test_proxies_behind_each_other(
    serve: Callable[..., Client], passed: str, expected: str
) -> None:
    client = serve(forwarded_allow_ips="127.0.0.1,10.0.0.0/8")

    answer = client.get("/seen", headers={"X-Forwarded-For": passed})

    assert answer.text.split()[0] == expected
