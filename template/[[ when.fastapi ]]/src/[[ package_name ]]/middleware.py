#{% filter imports %}
"""What happens around every request."""

import logging
import time
from collections.abc import Collection
from contextlib import AsyncExitStack
from inspect import iscoroutinefunction

from anyio import CancelScope, current_time, fail_after
from anyio.lowlevel import checkpoint
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitResponder
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.routing import Match, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .admission import Admission
from .bodies import TextMiddleware
from .browsers import HEADERS, is_from_another_site, storing
from .errors import answer
from .logs import identify, log_request, request_id
from .problems import PHRASES, Problem, UnavailableError
from .settings import Settings

logger = logging.getLogger(__name__)

# Bodies of more bytes than this are large: so many of them are read at the same time, and the
# others wait. Each may take so many seconds, and one more for each so many bytes of it.
LARGE_BODY = 64 * 1024
LARGE_BODIES = 3
BODY_TIMEOUT = 30
SLOWEST_BODY = 64 * 1024

BROWSER_HEADERS = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]


class ServiceMiddleware:
    """Does what all requests have in common, from the id of the request to the line in the log."""

    def __init__(self, app: ASGIApp, trusted: Collection[str] = ()) -> None:
        self.app = app
        self.trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have a request answered, unless it comes from another site, and write of it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = Headers(scope=scope)
        known = identify(",".join(headers.getlist("X-Request-ID")))
        status: int | None = None
        complete = False
        # What ended an answer before it was whole.
        broken_off: list[Exception] = []
        scope["broken_off"] = broken_off

        async def send_with_headers(message: Message) -> None:
            nonlocal status, complete
            if message["type"] == "http.response.start":
                status = message["status"]
                #{% if when.login_page %}
                if "visitor" in scope.get("state", ()):
                    visitor = scope["state"]["visitor"]
                    MutableHeaders(scope=message).setdefault("Cache-Control", storing(visitor))
                #{% endif %}
                add_headers(message, known, time.perf_counter() - started)
            elif message["type"] == "http.response.body" and not message.get("more_body"):
                if broken_off:
                    raise broken_off[0]
                complete = True
            elif message["type"] == "websocket.accept":
                status = 101
                MutableHeaders(scope=message)["X-Request-ID"] = known
            await send(message)

        app = self.app
        if scope["type"] == "http":
            # Has Starlette look itself whether the client of a streamed answer has gone. From ASGI
            # 2.4 on ``send`` ought to raise an error then, but that of some servers keeps silent.
            scope["asgi"] = {"version": "3.0", "spec_version": "2.3"}
            if is_from_another_site(scope["method"], headers, self.trusted):
                app = answer(403, Problem(detail="This request comes from another site"))
        try:
            await app(scope, receive, send_with_headers)
        except Exception as error:
            # The server cuts off an answer that has begun.
            if scope["type"] != "http" or (status and not complete):
                raise
            logger.exception("%s %s failed", scope["method"], scope["path"])
            if not status:
                response = await answer_bug(Request(scope, receive), error)
                await response(scope, receive, send_with_headers)
        finally:
            path = scope["path"].removeprefix(scope.get("root_path", ""))
            client, _ = scope.get("client") or ("-", 0)
            # Without a status where the client went before it got an answer.
            log_request(scope.get("method", "GET"), path, status or 499, started, client)
            request_id.set("")


class BodyLimit(RequestBodyLimitResponder):
    """The limit of one request; a route may have a ``max_body_size`` of its own."""

    async def send_with_limit(self, message: Message) -> None:
        """Send what the application answers: Starlette's own refusal would not be JSON."""
        await self.send(message)


class BodyMiddleware:
    """Refuses a body over the limit, and lets few large ones in at the same time."""

    def __init__(self, app: ASGIApp, max_body_size: int) -> None:
        self.app = app
        self.max_body_size = max_body_size
        self.large_bodies = Admission(LARGE_BODIES, BODY_TIMEOUT)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse what is declared too large before it comes, and anything else as it comes."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limited = BodyLimit(self.app, self.max_body_size)
        if is_large(scope):
            async with AsyncExitStack() as places:
                await limited(scope, self.in_turn(receive, places), send)
        else:
            await limited(scope, receive, send)

    def in_turn(self, receive: Receive, places: AsyncExitStack) -> Receive:
        """Let a body wait for its turn, and not come too slowly when it has it."""
        begun: float | None = None
        received = 0
        whole = False

        async def receive_in_turn() -> Message:
            nonlocal begun, received, whole
            if whole:
                return await receive()
            try:
                if begun is None:
                    await places.enter_async_context(self.large_bodies.place())
                    begun = current_time()
                with fail_after(begun + BODY_TIMEOUT + received / SLOWEST_BODY - current_time()):
                    message = await receive()
            except UnavailableError as error:
                raise HTTPException(error.status, error.detail, error.headers) from error
            except TimeoutError:
                raise HTTPException(408, "The body came too slowly") from None
            received += len(message.get("body", b""))
            whole = not message.get("more_body")
            return message

        return receive_in_turn


class HeadMiddleware:
    """Answers HEAD as GET, without the body."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask the route for GET, unless it has an answer to HEAD of its own."""
        if scope["type"] != "http" or scope["method"] != "HEAD" or answers_head(scope):
            await self.app(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body"})
            elif message.get("more_body"):
                # A stream may have no end.
                rest.cancel()
                await checkpoint()

        with CancelScope() as rest:
            await self.app({**scope, "method": "GET"}, receive, send_head)


class PlainErrorsMiddleware:
    """Shows errors to whom they concern, whatever Starlette's ``BaseHTTPMiddleware`` makes of them.

    Routes would be given those of a body in groups, and a stream that fails would end like a whole
    one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take the errors of a body out of groups, and note the one that ends an answer."""
        unfinished = False

        async def receive_plainly() -> Message:
            try:
                return await receive()
            except ExceptionGroup as group:
                error: Exception = group
                while isinstance(error, ExceptionGroup):
                    error = error.exceptions[0]
                raise error from None

        async def send_noting(message: Message) -> None:
            nonlocal unfinished
            unfinished = message["type"] == "http.response.start" or message.get("more_body", False)
            await send(message)

        try:
            await self.app(scope, receive_plainly, send_noting)
        except Exception as error:
            if unfinished:
                scope["broken_off"].append(error)
            raise


def add_headers(start: Message, known: str, seconds: float) -> None:
    """Add what all answers have: what the answer has itself stays, but for the id."""
    given = [header for header in start.get("headers", ()) if header[0] != b"x-request-id"]
    names = {name for name, _ in given}
    start["headers"] = [
        *given,
        *(header for header in BROWSER_HEADERS if header[0] not in names),
        (b"x-process-time", f"{seconds:.6f}".encode()),
        (b"x-request-id", known.encode()),
    ]


def is_large(scope: Scope) -> bool:
    """Tell whether the body of a request needs much memory, or may."""
    headers = Headers(scope=scope)
    length = headers.get("Content-Length", "0")
    chunked = "Transfer-Encoding" in headers
    return chunked or not length.isdecimal() or int(length) > LARGE_BODY


def answers_head(scope: Scope) -> bool:
    """Tell whether a route was made for HEAD; what is mounted answers anything."""
    return any(
        route.matches(scope)[0] is Match.FULL
        for route in scope["app"].routes
        if not isinstance(route, Mount)
    )


async def answer_bug(request: Request, error: Exception) -> Response:
    """Ask your own handler for Exception or 500, if there is one."""
    handlers = request.app.exception_handlers
    handler = handlers.get(500) or handlers.get(Exception)
    if handler is None:
        return answer(500, Problem(detail=PHRASES[500]))
    if iscoroutinefunction(handler):
        response: Response = await handler(request, error)
    else:
        response = await run_in_threadpool(handler, request, error)
    return response


def init_app(app: FastAPI, settings: Settings) -> None:
    """Install the middleware; what is added last comes first."""
    if app.user_middleware:
        # Inside and outside of your own.
        app.user_middleware.append(Middleware(PlainErrorsMiddleware))
        handlers = {k: h for k, h in app.exception_handlers.items() if k not in {500, Exception}}
        app.add_middleware(ExceptionMiddleware, handlers=handlers)
    app.user_middleware.append(Middleware(TextMiddleware))
    app.add_middleware(HeadMiddleware)
    app.add_middleware(BodyMiddleware, max_body_size=settings.max_body_size)
    #{% if when.cors %}
    app.add_middleware(ServiceMiddleware, trusted=settings.cors_origins)
    #{% else %}
    app.add_middleware(ServiceMiddleware)
    #{% endif %}
#{% endfilter %}
