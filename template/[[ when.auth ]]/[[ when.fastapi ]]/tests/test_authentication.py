#{% filter fitted %}
"""What asks for credentials in routes of your own."""

from collections.abc import Callable

import pytest
#{% if when.oidc %}
from bearers import Bearer
#{% endif %}
#{% if when.login_page %}
from fastapi import APIRouter, FastAPI, HTTPException, Response
#{% else %}
from fastapi import APIRouter, FastAPI, HTTPException
#{% endif %}
from fastapi.testclient import TestClient
from httpx2 import Auth

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE import custom, errors
#{% if when.oidc and when.login_page %}
from PACKAGE.authentication import LoginRequired, PageLoginRequired, UsernameDep, VisitorDep, get_account, role_required
#{% elif when.login_page %}
from PACKAGE.authentication import LoginRequired, PageLoginRequired, UsernameDep, VisitorDep, get_account
#{% elif when.oidc %}
from PACKAGE.authentication import LoginRequired, UsernameDep, get_account, role_required
#{% elif when.jwt %}
from PACKAGE.authentication import LoginRequired, UsernameDep, get_account
#{% else %}
from PACKAGE.authentication import LoginRequired, UsernameDep, get_username
#{% endif %}
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


def test_who_is_asked_before_an_error_is_told(
    start: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = APIRouter(prefix="/own")
    paths = ("/own/open", "/own/closed", "/own/nothing")

    @own.post("/open")
    @own.post("/closed", dependencies=[LoginRequired])
    def fail(body: dict[str, str]) -> str:
        raise HTTPException(409, body)

    apps: list[FastAPI] = []

    def init_app(app: FastAPI) -> None:
        app.include_router(own)
        apps.append(app)

    monkeypatch.setattr(custom, "init_app", init_app)
    client = start()
    client.auth = Auth()

    asked = [client.post(path, content=b"{").status_code for path in paths]
    #{% if when.bearer %}
    apps[0].dependency_overrides[get_account] = lambda: "ada"
    #{% else %}
    apps[0].dependency_overrides[get_username] = lambda: "ada"
    #{% endif %}
    known = [client.post(path, json={}).status_code for path in paths]

    assert asked == [422, 401, 404]
    assert known == [409, 409, 404]
#{% if when.oidc %}


def test_a_route_for_those_who_have_a_role(
    start: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    def init_app(app: FastAPI) -> None:
        @app.get("/own", dependencies=[role_required("admin")])
        def show(username: UsernameDep) -> str:
            return username

    monkeypatch.setattr(custom, "init_app", init_app)
    client = start()

    answers = [client.get("/own", auth=auth) for auth in (Bearer("admin"), Bearer(), Auth())]

    assert [answer.status_code for answer in answers] == [200, 403, 401]
    assert answers[0].json() == "ada"
    assert answers[1].json() == {"detail": "The role admin is missing"}
#{% endif %}
#{% if when.login_page %}


def test_a_page_of_ones_own_leads_to_the_login_page(
    start: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    def init_app(app: FastAPI) -> None:
        @app.get("/own", dependencies=[PageLoginRequired])
        def show(visitor: VisitorDep) -> str:
            return f"own of {visitor!r}"

        @app.get("/kept", dependencies=[PageLoginRequired])
        def show_for_a_while(response: Response) -> str:
            response.headers["Cache-Control"] = "private, max-age=60"
            return "own"

    monkeypatch.setattr(custom, "init_app", init_app)
    client = start()

    assert "ada" in client.get("/own").text
    assert client.get("/own").headers["Cache-Control"] == "no-store"
    assert client.get("/kept").headers["Cache-Control"] == "private, max-age=60"
    client.auth = Auth()
    answer = client.get("/own", follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/login")
#{% endif %}
#{% endfilter %}
