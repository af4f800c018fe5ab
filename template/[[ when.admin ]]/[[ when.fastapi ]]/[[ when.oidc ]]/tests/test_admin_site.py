"""What of the admin site needs the database, and so waits for a place there."""

from collections.abc import Callable

import pytest
from bearers import NOBODY, Bearer
from httpx2 import Client

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE import app
#{% endfilter %}


def test_who_logs_in_takes_no_place_of_others(
    start: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "connections_of", lambda _: 0)
    monkeypatch.setattr(app, "LONGEST_WAIT", 0.01)
    client = start()

    assert client.get("/admin/login", auth=NOBODY).status_code == 303
    assert client.get("/admin/login/first", auth=NOBODY).status_code == 200
    assert client.get("/admin/login/callback", auth=NOBODY).status_code == 400
    busy = client.get("/admin/", auth=Bearer("admin"))
    assert (busy.status_code, busy.json()) == (503, {"detail": "The service is busy"})
