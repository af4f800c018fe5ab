"""What you add works as in any FastAPI application."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Annotated, Any

import anyio
import pytest
from clients import ChairsDep, cut_off, get_chairs
from fastapi import APIRouter, BackgroundTasks, Body, FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.testclient import TestClient
from pydantic import BaseModel
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from servicewright_builder import admission, custom, middleware
from servicewright_builder.dependencies import SettingsDep
from servicewright_builder.problems import NotFoundError, UnavailableError

InitApp = Callable[..., None]
Serve = Callable[..., TestClient]


@pytest.fixture
def service(app: FastAPI) -> Iterator[FastAPI]:
    """Give the application that `client` asks; the routes that a test adds to it end with it."""
    routes = list(app.routes)
    yield app
    app.routes[:] = routes


@pytest.fixture
def serve(start: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Give a function that starts another one with parts that are added as in custom.py."""

    def serve(init_app: InitApp) -> TestClient:
        monkeypatch.setattr(custom, "init_app", init_app)
        return start()

    return serve


def add_failing(app: FastAPI, error: Exception) -> None:
    @app.get("/own")
    def fail() -> None:
        raise error


@pytest.mark.parametrize(
    ("status", "detail"),
    [
        (409, {"free": [1, 2]}),
        (409, [1, "two"]),
        (409, 7),
        (409, {"until": date(2030, 1, 1)}),
        (401, "Unauthorized"),
        (422, "Unprocessable Entity"),
        (499, "An unusual status"),
    ],
)
def test_an_error_has_the_detail_that_it_was_given(
    service: FastAPI, client: TestClient, status: int, detail: Any
) -> None:
    add_failing(service, HTTPException(status, detail, {"X-Own": "yes"}))

    answer = client.get("/own")

    assert answer.status_code == status
    if isinstance(detail, dict) and "until" in detail:
        detail = {"until": "2030-01-01"}
    assert answer.json() == {"detail": detail}
    assert answer.headers["X-Own"] == "yes"


@pytest.mark.parametrize("status", [204, 304])
def test_an_error_without_a_body(service: FastAPI, client: TestClient, status: int) -> None:
    add_failing(service, HTTPException(status, headers={"X-Own": "yes"}))

    answer = client.get("/own")

    assert (answer.status_code, answer.content) == (status, b"")
    assert "Content-Type" not in answer.headers
    assert answer.headers["X-Own"] == "yes"


def test_an_error_that_has_a_cause(service: FastAPI, client: TestClient) -> None:
    @service.get("/own")
    def fail() -> None:
        try:
            int("one")
        except ValueError as error:
            raise HTTPException(400, "Say it in digits") from error

    answer = client.get("/own")

    assert answer.status_code == 400
    assert answer.json() == {"detail": "Say it in digits"}


def test_routes_of_one_name_are_described_apart(serve: Serve) -> None:
    def init_app(app: FastAPI) -> None:
        router = APIRouter(prefix="/own")

        @router.get("/{number}")
        def read_own(number: int) -> int:
            return number

        @router.api_route("", methods=["GET", "PUT"])
        def switch(request: Request) -> str:
            return request.method

        app.include_router(router)
        app.include_router(router, prefix="/v2")

    client = serve(init_app)

    paths = client.get("/openapi.json").json()["paths"]
    assert paths["/own/{number}"]["get"]["operationId"] == "read_own"
    assert paths["/v2/own/{number}"]["get"]["operationId"] == "read_own_v2_own__number__get"
    first, second = paths["/own"], paths["/v2/own"]
    assert [first[method]["operationId"] for method in ("get", "put")] == [
        "switch",
        "switch_own_put",
    ]
    assert second["get"]["operationId"] == "switch_v2_own_get"
    assert second["put"]["operationId"] == "switch_v2_own_put"
    assert client.get("/v2/own/3").json() == 3


def test_a_method_that_a_route_refuses_itself(service: FastAPI, client: TestClient) -> None:
    add_failing(service, HTTPException(405, headers={"Allow": "POST"}))

    assert client.get("/own").headers["Allow"] == "POST"
    assert client.delete("/own").headers["Allow"] == "GET, HEAD"


def test_an_invalid_request_with_little_to_say(service: FastAPI, client: TestClient) -> None:
    add_failing(service, RequestValidationError([{"msg": "Too late"}]))

    answer = client.get("/own")

    assert answer.status_code == 422
    assert answer.json() == {"detail": [{"loc": [], "msg": "Too late", "type": "value_error"}]}


@pytest.mark.parametrize(("kind", "awaited"), [(Exception, True), (500, False)])
def test_a_handler_of_bugs(serve: Serve, kind: type[Exception] | int, awaited: bool) -> None:
    def handle(_: Request, error: Exception) -> Response:
        return JSONResponse({"own": str(error)}, 500)

    async def handle_awaited(request: Request, error: Exception) -> Response:
        return handle(request, error)

    def init_app(app: FastAPI) -> None:
        add_failing(app, RuntimeError("a bug"))
        app.add_exception_handler(kind, handle_awaited if awaited else handle)

    answer = serve(init_app).get("/own")

    assert answer.status_code == 500
    assert answer.json() == {"own": "a bug"}
    assert "X-Process-Time" in answer.headers


def test_a_handler_of_a_status(serve: Serve) -> None:
    async def handle(_: Request, error: Exception) -> Response:
        return JSONResponse({"own": str(error)}, 404)

    answer = serve(lambda app: app.add_exception_handler(404, handle)).get("/nothing")

    assert answer.json() == {"own": "404: Not Found"}


@pytest.mark.parametrize("plain", [True, False])
def test_an_error_in_middleware(serve: Serve, plain: bool) -> None:
    errors = {
        500: RuntimeError("a bug"),
        418: HTTPException(418, "Tea"),
        404: NotFoundError("None"),
    }

    def error_for(request: Request) -> Exception:
        return errors[int(request.query_params["status"])]

    async def dispatch(request: Request, _: RequestResponseEndpoint) -> Response:
        raise error_for(request)

    class Plain:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                raise error_for(Request(scope))
            await self.app(scope, receive, send)

    def init_app(app: FastAPI) -> None:
        if plain:
            app.add_middleware(Plain)
        else:
            app.add_middleware(BaseHTTPMiddleware, dispatch=dispatch)

    client = serve(init_app)

    for status in errors:
        answer = client.get("/health", params={"status": status})
        assert answer.status_code == status
        assert set(answer.json()) == {"detail"}
        assert "X-Process-Time" in answer.headers


def test_middleware_that_reads_the_body(serve: Serve) -> None:
    async def dispatch(request: Request, call_next: RequestResponseEndpoint) -> Response:
        size = len(await request.body())
        response = await call_next(request)
        response.headers["X-Size"] = str(size)
        return response

    def init_app(app: FastAPI) -> None:
        app.add_middleware(BaseHTTPMiddleware, dispatch=dispatch)

        @app.post("/own")
        def size(body: Annotated[list[int], Body()]) -> int:
            return len(body)

        add_failing(app, RuntimeError("a bug"))

    client = serve(init_app)

    assert client.get("/own").status_code == 500
    answer = client.post("/own", json=[1, 2])
    assert (answer.json(), answer.headers["X-Size"]) == (2, "5")
    assert client.post("/own", json=[1] * 50_000).status_code == 413


@pytest.mark.parametrize("layers", [1, 2])
def test_a_streamed_body_over_the_limit_behind_middleware(serve: Serve, layers: int) -> None:
    async def dispatch(request: Request, call_next: RequestResponseEndpoint) -> Response:
        return await call_next(request)

    def init_app(app: FastAPI) -> None:
        for _ in range(layers):
            app.add_middleware(BaseHTTPMiddleware, dispatch=dispatch)

        @app.post("/own")
        async def size(request: Request) -> int:
            return sum([len(chunk) async for chunk in request.stream()])

    client = serve(init_app)

    assert client.post("/own", content=b"x" * 100_000).json() == 100_000
    assert client.post("/own", content=b"x" * 100_001).status_code == 413


def test_a_body_that_is_refused_is_so_whoever_has_read_it_before(serve: Serve) -> None:
    def init_app(app: FastAPI) -> None:
        @app.post("/own")
        async def read_again(request: Request) -> None:
            with pytest.raises(HTTPException):
                await request.body()
            await request.body()

    headers = {"Content-Type": "application/json"}

    answer = serve(init_app).post("/own", content=rb'"\ud800"', headers=headers)

    assert answer.status_code == 422


def test_a_limit_of_a_route(service: FastAPI, client: TestClient) -> None:
    @service.post("/more", max_body_size=300_000)
    @service.post("/less", max_body_size=10)
    async def size(request: Request) -> int:
        return len(await request.body())

    assert client.post("/more", content=b"x" * 200_000).json() == 200_000
    for path, body in (("/more", b"x" * 300_001), ("/less", b"x" * 11)):
        for content in (body, iter([body])):
            answer = client.post(path, content=content)
            assert answer.status_code == 413
            assert answer.json() == {"detail": "Content Too Large"}
            assert "X-Process-Time" in answer.headers


def test_what_is_declared_too_large_is_refused_before_it_comes(client: TestClient) -> None:
    sent = []

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"content-length", b"100001"), (b"content-type", b"application/json")]
    scope = scope_of("POST", "/test-chairs", headers)
    anyio.run(client.app, scope, receive, send)

    assert sent[0]["status"] in {401, 413}


def test_a_body_that_is_cut_off(service: FastAPI) -> None:
    sized(service)

    assert cut_off(service, "/own", {}, b"the beg") == 400


def scope_of(method: str, path: str, headers: list[tuple[bytes, bytes]]) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"testserver"), *headers],
    }


def sized(app: FastAPI) -> None:
    @app.post("/own")
    async def size(request: Request) -> int:
        return len(await request.body())


async def upload(app: ASGIApp, chunks: AsyncIterator[bytes]) -> int:
    """Send a body in chunks, as they come, and tell the status."""
    sent: list[Message] = []

    async def receive() -> Message:
        chunk = await anext(chunks, b"")
        return {"type": "http.request", "body": chunk, "more_body": bool(chunk)}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope_of("POST", "/own", [(b"transfer-encoding", b"x")]), receive, send)
    return int(sent[0]["status"])


def test_large_bodies_wait_for_their_turn(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, "LARGE_BODIES", 1)
    app = serve(sized).app
    said: list[int | str] = []

    async def first() -> AsyncIterator[bytes]:
        yield b"x"
        await anyio.wait_all_tasks_blocked()
        said.append("the first has come")

    async def second() -> AsyncIterator[bytes]:
        said.append("the second begins")
        yield b"x"

    async def send(chunks: AsyncIterator[bytes]) -> None:
        said.append(await upload(app, chunks))

    async def uploads() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(send, first())
            group.start_soon(send, second())

    anyio.run(uploads)

    assert said.index("the first has come") < said.index("the second begins")
    assert said.count(200) == 2


def test_a_turn_that_does_not_come(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    one_place = admission.Admission(1, timeout=0.01)
    monkeypatch.setattr(middleware, "Admission", lambda *_: one_place)
    app = serve(sized).app

    async def uploads() -> list[int]:
        statuses: list[int] = []
        refused = anyio.Event()

        async def first() -> AsyncIterator[bytes]:
            yield b"x"
            await refused.wait()

        async def second() -> AsyncIterator[bytes]:
            yield b"x"

        async def send() -> None:
            statuses.append(await upload(app, first()))

        async with anyio.create_task_group() as group:
            group.start_soon(send)
            await anyio.wait_all_tasks_blocked()
            statuses.append(await upload(app, second()))
            refused.set()
        return statuses

    assert anyio.run(uploads) == [503, 200]


def test_a_body_that_comes_too_slowly(service: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, "BODY_TIMEOUT", 0.01)
    sized(service)

    async def chunks() -> AsyncIterator[bytes]:
        yield b"x"
        await anyio.sleep_forever()

    assert anyio.run(upload, service, chunks()) == 408


async def crowd(places: admission.Admission, size: int, seconds: float) -> list[str]:
    said = []

    async def one() -> None:
        try:
            async with places.place():
                await anyio.sleep(seconds)
            said.append("served")
        except UnavailableError as error:
            said.append(error.detail)

    async with anyio.create_task_group() as group:
        for _ in range(size):
            group.start_soon(one)
    return said


def test_too_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "LONGEST_QUEUE", 2)

    said = anyio.run(crowd, admission.Admission(1, timeout=10), 4, 0.01)

    assert said == ["Too many requests are waiting", "served", "served", "served"]


def test_waiting_for_too_long() -> None:
    said = anyio.run(crowd, admission.Admission(1, timeout=0.01), 2, 0.1)

    assert said == ["The service is busy", "served"]


def test_head_is_answered_as_get(serve: Serve) -> None:
    def init_app(app: FastAPI) -> None:
        router = APIRouter()

        @router.get("/own")
        def own(response: Response) -> list[int]:
            response.headers["X-Own"] = "yes"
            return [1, 2]

        @router.get("/endless")
        async def endless() -> StreamingResponse:
            async def numbers() -> AsyncIterator[str]:
                while True:
                    yield "1\n"

            return StreamingResponse(numbers())

        @router.head("/head")
        def head(response: Response) -> None:
            response.headers["X-Own"] = "head"

        @router.get("/head")
        def get() -> None:
            """Answer nothing."""

        app.include_router(router)

    client = serve(init_app)

    for path in ("/own", "/health", "/test-chairs", "/docs", "/openapi.json", "/nothing"):
        answer, expected = client.head(path), client.get(path)
        assert (answer.status_code, answer.content) == (expected.status_code, b"")
        assert answer.headers["Content-Length"] == str(len(expected.content))
    assert client.head("/own").headers["X-Own"] == "yes"
    assert client.head("/endless").status_code == 200
    assert client.head("/head").headers["X-Own"] == "head"
    assert client.head("/test-chairs/no-number").status_code == 422
    assert "head" not in client.get("/openapi.json").json()["paths"]["/own"]


@pytest.mark.parametrize("layers", [0, 2])
def test_a_stream_that_fails_is_no_success(serve: Serve, layers: int) -> None:
    async def dispatch(request: Request, call_next: RequestResponseEndpoint) -> Response:
        return await call_next(request)

    def init_app(app: FastAPI) -> None:
        for _ in range(layers):
            app.add_middleware(BaseHTTPMiddleware, dispatch=dispatch)

        @app.get("/own")
        def own() -> StreamingResponse:
            def numbers() -> Iterator[str]:
                yield "1\n"
                raise RuntimeError("a bug")

            return StreamingResponse(numbers())

    # A server cuts the connection when it is given the error.
    with pytest.raises(RuntimeError, match="a bug"):
        serve(init_app).get("/own")


def test_a_bug_after_the_answer(
    service: FastAPI, client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("a bug")

    @service.get("/own")
    def own(tasks: BackgroundTasks) -> int:
        tasks.add_task(fail)
        return 1

    assert client.get("/own").json() == 1
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == ["a bug"]


def test_a_stream_ends_when_its_client_has_gone(service: FastAPI) -> None:
    ended = []

    @service.post("/own")
    async def own() -> StreamingResponse:
        async def wait() -> AsyncIterator[str]:
            yield "1\n"
            try:
                await anyio.sleep_forever()
            finally:
                ended.append(True)

        return StreamingResponse(wait())

    async def ask() -> None:
        messages: list[Message] = [{"type": "http.request"}, {"type": "http.disconnect"}]

        async def receive() -> Message:
            await anyio.sleep(0.01)
            return messages.pop(0)

        async def send(_: Message) -> None:
            """Keep silent, as servers may do."""

        scope = scope_of("POST", "/own", [(b"transfer-encoding", b"chunked")])
        with anyio.fail_after(5):
            await service(scope, receive, send)

    anyio.run(ask)

    assert ended == [True]


class Pair(BaseModel):
    """What some of the routes answer."""

    left: int
    right: int


def test_every_kind_of_route(service: FastAPI, client: TestClient) -> None:
    class Callee:
        def __call__(self) -> int:
            return 4

    @service.get("/plain")
    def plain() -> Pair:
        return {"left": 1, "right": 2}  # type: ignore[return-value]

    @service.get("/wrong")
    def wrong() -> Pair:
        return {"left": 1}  # type: ignore[return-value]

    @service.get("/response")
    def response() -> Response:
        return Response("3", media_type="text/plain")

    @service.get("/awaited")
    async def awaited() -> int:
        return 5

    @service.get("/lines")
    def lines() -> Iterator[Pair]:
        yield Pair(left=6, right=7)

    service.get("/callee")(Callee())

    assert client.get("/plain").json() == {"left": 1, "right": 2}
    assert client.get("/wrong").status_code == 500
    assert client.get("/response").text == "3"
    assert client.get("/awaited").json() == 5
    assert client.get("/lines").text == '{"left":6,"right":7}\n'
    assert client.get("/callee").json() == 4


def test_something_is_open_while_the_service_runs(serve: Serve) -> None:
    events = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, str]]:
        events.append("opened")
        yield {"resource": "a connection"}
        events.append("closed")

    def init_app(app: FastAPI) -> None:
        router = APIRouter(lifespan=lifespan)

        @router.get("/own")
        def own(request: Request) -> str:
            return str(request.state.resource)

        app.include_router(router)

    client = serve(init_app)

    assert client.get("/own").json() == "a connection"
    assert events == ["opened"]
    client.__exit__()
    assert events == ["opened", "closed"]
    client.__enter__()


def test_dependencies_in_a_web_socket(service: FastAPI, client: TestClient) -> None:
    @service.websocket("/own")
    async def own(socket: WebSocket, settings: SettingsDep, chairs: ChairsDep) -> None:
        await socket.accept()
        await socket.send_json([settings.message, len(chairs.all())])
        await socket.close()

    with client.websocket_connect("/own") as socket:
        assert socket.receive_json() == ["Hello, tests!", 0]


def test_dependencies_in_a_mounted_application(service: FastAPI, client: TestClient) -> None:
    mounted = FastAPI()

    @mounted.get("/own")
    def own(settings: SettingsDep, chairs: ChairsDep) -> list[str | int]:
        return [settings.message, len(chairs.all())]

    service.mount("/mounted", mounted)

    assert client.get("/mounted/own").json() == ["Hello, tests!", 0]


def test_below_a_prefix(client: TestClient) -> None:
    behind_a_proxy = TestClient(client.app, root_path="/shop")

    assert behind_a_proxy.get("/shop/openapi.json").json()["servers"] == [{"url": "/shop"}]
    assert "/shop/openapi.json" in behind_a_proxy.get("/shop/docs").text


@pytest.mark.parametrize("_", ["first", "second"])
def test_an_override_ends_with_its_test(client: TestClient, app: FastAPI, _: str) -> None:
    assert client.get("/test-chairs").status_code == 200

    app.dependency_overrides[get_chairs] = lambda: None

    assert client.get("/test-chairs").status_code == 500
