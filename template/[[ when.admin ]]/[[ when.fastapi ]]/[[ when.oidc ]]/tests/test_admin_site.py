"""What of the admin site needs the database, and so waits for a place there."""

import pytest
from bearers import NOBODY, Bearer
from fastapi import FastAPI
from httpx2 import Client

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.admission import Admission
#{% endfilter %}


def test_who_logs_in_takes_no_place_of_others(
    app: FastAPI, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.state, "sessions", Admission(0, 0.01))

    assert client.get("/admin/login", auth=NOBODY).status_code == 303
    assert client.get("/admin/login/first", auth=NOBODY).status_code == 200
    assert client.get("/admin/login/callback", auth=NOBODY).status_code == 400
    busy = client.get("/admin/", auth=Bearer("admin"))
    assert (busy.status_code, busy.json()) == (503, {"detail": "The service is busy"})
