"""How tests reach the application."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from chairs import Chair, ChairChanges, ChairPublic, Chairs
from fastapi import APIRouter, Depends, FastAPI
#{% if when.in_memory %}
from fastapi.requests import HTTPConnection
#{% endif %}
from fastapi.testclient import TestClient
from httpx2 import Client
from starlette.types import Message

#{% filter replace("PACKAGE", package_name) | replace("STORES", kept | map(attribute="store") | sort | join(", ")) | fitted %}
#{% if when.auth %}
from PACKAGE.authentication import LoginRequired
#{% endif %}
#{% if when.celery %}
from PACKAGE.celery_app import celery
#{% endif %}
#{% if when.database %}
from PACKAGE.database import Database
from PACKAGE.dependencies import SessionDep
#{% else %}
from PACKAGE.dependencies import state_of
#{% endif %}
from PACKAGE.problems import InvalidRequest, Problem
from PACKAGE.routing import OneThreadRoute
#{% if when.in_memory and when.resources %}
from PACKAGE.store import STORES
#{% endif %}
#{% if when.in_memory and when.jwt %}
from PACKAGE.users import UserStore
#{% endif %}
#{% endfilter %}

Application = FastAPI

# The routes of the tests, which stay when the service's own change.
reading = APIRouter(
    prefix="/test-chairs",
    tags=["test_chairs"],
    route_class=OneThreadRoute,
    responses={404: {"model": Problem}, 422: {"model": InvalidRequest}},
)
changing = APIRouter(
    prefix="/test-chairs",
    tags=["test_chairs"],
    route_class=OneThreadRoute,
    #{% if when.auth %}
    dependencies=[LoginRequired],
    responses={
        401: {"model": Problem},
        404: {"model": Problem},
        422: {"model": InvalidRequest},
    },
    #{% else %}
    responses={404: {"model": Problem}, 422: {"model": InvalidRequest}},
    #{% endif %}
)


#{% if when.database %}
async def get_chairs(session: SessionDep) -> Chairs:
    return Chairs(session)
#{% else %}
async def get_chairs(connection: HTTPConnection) -> Chairs:
    chairs: Chairs = state_of(connection).chairs
    return chairs
#{% endif %}


ChairsDep = Annotated[Chairs, Depends(get_chairs)]


@reading.get("")
def list_chairs(chairs: ChairsDep) -> list[ChairPublic]:
    return [ChairPublic.model_validate(chair) for chair in chairs.all()]


@reading.get("/{chair_id}")
def read_chair(chair_id: int, chairs: ChairsDep) -> ChairPublic:
    return ChairPublic.model_validate(chairs.get(chair_id))


@changing.post("", status_code=201)
def add_chair(body: Chair, chairs: ChairsDep) -> ChairPublic:
    return ChairPublic.model_validate(chairs.add(body))


@changing.patch("/{chair_id}")
def change_chair(chair_id: int, body: ChairChanges, chairs: ChairsDep) -> ChairPublic:
    return ChairPublic.model_validate(chairs.change(chair_id, body))


def add_routes(app: FastAPI) -> FastAPI:
    """Add the routes of the tests to an application."""
    #{% if when.in_memory %}
    app.state.chairs = Chairs()
    #{% endif %}
    app.include_router(reading)
    app.include_router(changing)
    return app


def client_of(app: FastAPI) -> Client:
    """Make a client of an application."""
    return TestClient(app, follow_redirects=False)


def cut_off(app: FastAPI, path: str, headers: dict[str, str], beginning: bytes) -> int:
    """Send the beginning of a body and go away; give the status that nobody reads."""
    came: list[Message] = [{"type": "http.request", "body": beginning, "more_body": True}]
    statuses: list[int] = []

    async def receive() -> Message:
        return came.pop() if came else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        statuses.append(message.get("status", 0))

    given = {**headers, "Host": "testserver", "Content-Length": str(len(beginning) + 1)}
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
    }
    asyncio.run(app(scope, receive, send))
    return statuses[0]


#{% if when.database %}
@contextmanager
def use(app: FastAPI, database: Database) -> Iterator[None]:
    """Make an application use another database in a test."""
    app.state.database = database
    #{% if when.celery %}
    celery.init_app(app.state.settings, database)
    #{% endif %}
    yield
    app.dependency_overrides.clear()
#{% else %}
@contextmanager
def use(app: FastAPI) -> Iterator[None]:
    """Make an application keep nothing of other tests in a test."""
    #{% if when.jwt %}
    app.state.user_store = UserStore()
    #{% endif %}
    #{% for resource in kept %}
    #{% filter about(resource) | fitted %}
    app.state.widget_store = WidgetStore([[ resource.given("app.state.{}_store") ]])
    #{% endfilter %}
    #{% endfor %}
    app.state.chairs = Chairs()
    #{% if when.celery %}
    celery.init_app(app.state.settings)
    #{% endif %}
    yield
    app.dependency_overrides.clear()
#{% endif %}
