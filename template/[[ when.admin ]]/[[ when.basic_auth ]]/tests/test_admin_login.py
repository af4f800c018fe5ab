"""Who may use the admin site."""

from collections.abc import Callable

from httpx2 import Client


def test_failed_logins_count_for_all_of_the_service(start: Callable[..., Client]) -> None:
    client = start(failed_logins_limit=1)

    assert client.get("/admin/", auth=("ada", "wrong")).status_code == 401
    answer = client.get("/whoami")

    assert answer.status_code == 429
    assert client.get("/admin/").json() == {"detail": "Too many failed logins"}
