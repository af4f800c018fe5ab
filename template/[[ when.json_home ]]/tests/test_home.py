"""The home route."""

from collections.abc import Callable

from httpx2 import Client


def test_greets_with_the_message_of_the_settings(start: Callable[..., Client]) -> None:
    answer = start(message="Grüße").get("/")

    assert answer.status_code == 200
    assert answer.json() == {"message": "Grüße"}
    assert "Grüße".encode() in answer.content
