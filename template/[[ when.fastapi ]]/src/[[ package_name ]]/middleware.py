"""What happens around every request."""

import logging
import time
from collections.abc import Collection

from fastapi import FastAPI, HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .browsers import HEADERS, is_from_another_site
from .errors import answer
from .logs import identify, log_request, request_id
from .problems import PHRASES, Problem
from .settings import Settings

logger = logging.getLogger(__name__)


class TimingMiddleware:
    """Tells in each answer how many seconds it took."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add ``X-Process-Time`` to the answer."""
        started = time.perf_counter()

        async def send_with_time(message: Message) -> None:
            if message["type"] == "http.response.start":
                seconds = time.perf_counter() - started
                MutableHeaders(scope=message).append("X-Process-Time", f"{seconds:.6f}")
            await send(message)

        await self.app(scope, receive, send_with_time)


class RequestLogMiddleware:
    """Gives each request an id, for its answer and for the log, and writes of it when it is done."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add ``X-Request-ID`` to the answer and log it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        known = identify(",".join(Headers(scope=scope).getlist("X-Request-ID")))
        # What remains where the client goes before it gets an answer.
        status = 499

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] in {"http.response.start", "websocket.accept"}:
                status = message.get("status", 101)
                MutableHeaders(scope=message)["X-Request-ID"] = known
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        finally:
            path = scope["path"].removeprefix(scope.get("root_path", ""))
            client, _ = scope.get("client") or ("-", 0)
            log_request(scope.get("method", "GET"), path, status, started, client)
            request_id.set("")


class BrowserMiddleware:
    """Tells browsers what they may do with an answer, and refuses what other sites have them do."""

    def __init__(self, app: ASGIApp, trusted: Collection[str] = ()) -> None:
        self.app = app
        self.trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Look where a request comes from, and add headers to the answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        app = self.app
        if is_from_another_site(scope["method"], Headers(scope=scope), self.trusted):
            app = answer(403, Problem(detail="This request comes from another site"))
        await app(scope, receive, send_with_headers)


class UnhandledErrorMiddleware:
    """Answers a bug with a 500 in JSON, inside the other middleware, so that headers are kept."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Log what was raised and answer; had an answer begun, the server cuts the connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            await self.app(scope, receive, send)
        except Exception:
            logger.exception("%s %s failed", scope["method"], scope["path"])
            await answer(500, Problem(detail=PHRASES[500]))(scope, receive, send)


class BodyLimitMiddleware:
    """Refuses a body that is larger than the limit."""

    def __init__(self, app: ASGIApp, max_body_size: int) -> None:
        self.app = app
        self.max_body_size = max_body_size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the bytes that the application receives."""
        received = 0

        async def receive_within_limit() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.max_body_size:
                raise HTTPException(413)
            return message

        await self.app(scope, receive_within_limit, send)


def init_app(app: FastAPI, settings: Settings) -> None:
    """Install the middleware; what is added last comes first."""
    app.add_middleware(BodyLimitMiddleware, max_body_size=settings.max_body_size)
    app.add_middleware(UnhandledErrorMiddleware)
    #{% if when.cors %}
    app.add_middleware(BrowserMiddleware, trusted=settings.cors_origins)
    #{% else %}
    app.add_middleware(BrowserMiddleware)
    #{% endif %}
    app.add_middleware(TimingMiddleware)
    app.add_middleware(RequestLogMiddleware)
