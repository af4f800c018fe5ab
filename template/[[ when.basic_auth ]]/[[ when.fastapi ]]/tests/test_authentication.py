"""What asks for credentials in routes of your own."""

from collections.abc import Callable

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE import custom, errors
from PACKAGE.authentication import LoginRequired, UsernameDep
#{% endfilter %}


def test_a_group_and_a_mounted_application(
    start: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    group = APIRouter(prefix="/group", dependencies=[LoginRequired])
    mounted = FastAPI()

    @group.get("")
    @mounted.get("/own")
    def own(username: UsernameDep) -> str:
        return username

    def init_app(app: FastAPI) -> None:
        app.include_router(group)
        app.mount("/mounted", mounted)
        errors.init_app(mounted)

    monkeypatch.setattr(custom, "init_app", init_app)
    client = start()

    for path in ("/group", "/mounted/own"):
        assert client.get(path).json() == "ada"
        assert client.get(path, auth=None).status_code == 401
