"""What proxies tell is believed when they are trusted."""

import logging
from collections.abc import Callable

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from servicewright_builder import proxies
from servicewright_builder.settings import Settings

TOLD = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7, 10.0.0.2", "X-Forwarded-Proto": "https"}


@pytest.mark.parametrize(
    ("trusted", "expected"),
    [
        ("10.0.0.0/8", "198.51.100.7 https"),
        ("10.0.0.1,10.0.0.2", "198.51.100.7 https"),
        ("*", "203.0.113.9 https"),
        ("127.0.0.1,::1", "10.0.0.1 http"),
    ],
)
def test_who_is_believed(trusted: str, expected: str) -> None:
    app = FastAPI()
    proxies.init_app(app, Settings(forwarded_allow_ips=trusted))

    @app.get("/seen")
    async def seen(request: Request) -> str:
        return f"{request.client and request.client.host} {request.url.scheme}"

    client = TestClient(app, client=("10.0.0.1", 50000))

    assert client.get("/seen", headers=TOLD).json() == expected


def test_the_log_names_the_client(
    start: Callable[..., TestClient], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    client = start(forwarded_allow_ips="*")

    client.get("/", headers=TOLD)

    (record,) = (record for record in caplog.records if hasattr(record, "client"))
    assert record.client == "203.0.113.9"
