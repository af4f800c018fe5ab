#{% filter fitted %}
"""How requests share the database."""

from collections.abc import Callable, Iterator

import anyio
import pytest
from chairs import Chair, StoredChair
from clients import ChairsDep
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, HTTPException
from fastapi.responses import StreamingResponse
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from pydantic import BaseModel
from starlette.types import Message

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.database import Database
from PACKAGE.dependencies import DatabaseDep, SessionDep, connections_of
from PACKAGE.routing import OneThreadRoute
#{% endfilter %}

CHAIR = Chair(name="Chair", price=1)


class Price(BaseModel):
    """What the routes of the tests answer."""

    price: int


@pytest.fixture(params=[APIRoute, OneThreadRoute], ids=["plain", "one thread"])
def router(request: pytest.FixtureRequest, app: FastAPI) -> Iterator[APIRouter]:
    """Give a router as anybody makes it, and one as the service's own are, until the test ends."""
    router = APIRouter(route_class=request.param)
    routes = list(app.routes)
    app.include_router(router)
    yield router
    app.routes[:] = routes


def add_routes(router: APIRouter) -> None:
    @router.post("/stored")
    def stored(chairs: ChairsDep) -> Price:
        return Price.model_validate(chairs.add(CHAIR), from_attributes=True)

    @router.post("/awaited")
    async def awaited(session: SessionDep) -> Price:
        session.add(StoredChair(**CHAIR.model_dump()))
        return Price(price=1)

    @router.post("/refused")
    def refused(chairs: ChairsDep) -> Price:
        chairs.add(CHAIR)
        raise HTTPException(418)

    @router.post("/invalid")
    def invalid(chairs: ChairsDep) -> Price:
        chairs.add(CHAIR)
        return None  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("path", "status", "total"),
    [("/stored", 200, 1), ("/awaited", 200, 1), ("/refused", 418, 0), ("/invalid", 500, 0)],
)
def test_what_was_done_is_stored_if_all_went_well(
    router: APIRouter, client: TestClient, path: str, status: int, total: int
) -> None:
    add_routes(router)

    assert client.post(path).status_code == status
    assert len(client.get("/test-chairs").json()) == total


def test_a_dependency_that_stores_something_at_the_end(
    router: APIRouter, client: TestClient
) -> None:
    def record(session: SessionDep) -> Iterator[None]:
        yield
        session.add(StoredChair(**CHAIR.model_dump()))

    @router.post("/own", dependencies=[Depends(record, scope="function")])
    def own(chairs: ChairsDep) -> int:
        return chairs.add(CHAIR).id

    client.post("/own")

    assert len(client.get("/test-chairs").json()) == 2


@pytest.mark.parametrize("awaited", [True, False])
def test_a_session_is_not_used_after_the_answer(
    router: APIRouter, client: TestClient, caplog: pytest.LogCaptureFixture, awaited: bool
) -> None:
    def write(chairs: ChairsDep) -> None:
        chairs.add(CHAIR)

    def answer(chairs: ChairsDep, tasks: BackgroundTasks) -> None:
        tasks.add_task(write, chairs)

    async def answer_awaited(chairs: ChairsDep, tasks: BackgroundTasks) -> None:
        tasks.add_task(write, chairs)

    router.post("/own")(answer_awaited if awaited else answer)

    assert client.post("/own").status_code == 200
    assert "This Session has been permanently closed" in caplog.text
    assert client.get("/test-chairs").json() == []


def test_a_stream_has_a_session_of_its_own(router: APIRouter, client: TestClient) -> None:
    @router.get("/closed")
    def closed(chairs: ChairsDep) -> StreamingResponse:
        def lines() -> Iterator[str]:
            yield str(chairs.all())

        return StreamingResponse(lines())

    @router.get("/open")
    def opened(database: DatabaseDep) -> StreamingResponse:
        def lines() -> Iterator[str]:
            with database.session() as session:
                yield str(session.query(StoredChair).count())

        return StreamingResponse(lines())

    assert client.get("/open").text == "0"
    with pytest.raises(RuntimeError, match="response already started"):
        client.get("/closed")


def test_no_more_requests_at_once_than_connections(
    start: Callable[..., TestClient], database: Database
) -> None:
    app = start().app
    assert isinstance(app, FastAPI)
    working: list[int] = []
    most: list[int] = []

    @app.get("/own")
    async def own(_: SessionDep) -> None:
        working.append(1)
        most.append(len(working))
        await anyio.sleep(0.01)
        working.pop()

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/own",
        "query_string": b"",
        "headers": [(b"host", b"testserver")],
    }

    async def ask() -> None:
        async def receive() -> Message:
            return {"type": "http.request"}

        async def send(message: Message) -> None:
            assert message.get("status", 200) == 200

        await app(dict(scope), receive, send)

    async def ask_at_once() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(30):
                group.start_soon(ask)

    anyio.run(ask_at_once)

    assert len(most) == 30
    assert max(most) == connections_of(database)
#{% endfilter %}
