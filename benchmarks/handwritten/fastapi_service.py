"""A service as one would write it by hand in FastAPI: the same routes, and the same around them."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import secrets
import sqlite3
import time
import uuid
from contextvars import ContextVar
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from fastapi import BackgroundTasks, Depends, FastAPI, Form, HTTPException, Query, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import JSON, Connection, Numeric, create_engine, event, func, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_SIZE = 10 * 1024 * 1024
SAFE = {"GET", "HEAD", "OPTIONS"}

logger = logging.getLogger("access")
request_id: ContextVar[str] = ContextVar("request_id", default="")
# As many connections as FastAPI has threads.
engine = create_engine(os.environ["DATABASE_URL"], pool_size=40, max_overflow=0)
sessions = sessionmaker(engine, expire_on_commit=False)
data = Path(os.environ["DATA_DIRECTORY"])


@event.listens_for(engine, "connect")
def prepare(connection: sqlite3.Connection, _: object) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")


@event.listens_for(engine, "before_cursor_execute")
def begin_to_write(_: Connection, cursor: sqlite3.Cursor, statement: str, *__: object) -> None:
    # A transaction that reads first could not wait for the lock any more when it writes.
    if not statement.startswith(("SELECT", "PRAGMA")) and not cursor.connection.in_transaction:
        cursor.execute("BEGIN IMMEDIATE")


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    price: Mapped[Decimal] = mapped_column(Numeric(10, 2))
    tags: Mapped[list[str]] = mapped_column(JSON)
    internal_note: Mapped[str]


Base.metadata.create_all(engine)


class Health(BaseModel):
    status: str


class ItemIn(BaseModel):
    name: str = Field(min_length=1, max_length=100)
    price: Decimal = Field(gt=0, max_digits=10, decimal_places=2)
    tags: list[str] = Field(default=[], max_length=10)
    internal_note: str = Field(default="", max_length=500)


class ItemChanges(BaseModel):
    name: str = Field(default="", min_length=1, max_length=100)
    price: Decimal = Field(default=Decimal(0), gt=0, max_digits=10, decimal_places=2)
    tags: list[str] = Field(default=[], max_length=10)
    internal_note: str = Field(default="", max_length=500)


class ItemOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    price: Decimal
    tags: list[str]


class ItemPage(BaseModel):
    items: list[ItemOut]
    total: int
    limit: int
    offset: int


class Upload(BaseModel):
    filename: str
    status: str
    sha256: str | None = None


class AroundMiddleware:
    """Gives requests an id, tells how long they took, logs them, and refuses large bodies."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = Headers(scope=scope)
        known = headers.get("X-Request-ID") or uuid.uuid4().hex
        request_id.set(known)
        status = 499
        received = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                answered = MutableHeaders(scope=message)
                answered["X-Request-ID"] = known
                answered["X-Process-Time"] = f"{time.perf_counter() - started:.6f}"
                answered["X-Content-Type-Options"] = "nosniff"
                answered["X-Frame-Options"] = "DENY"
                answered["Referrer-Policy"] = "same-origin"
                answered["Content-Security-Policy"] = "default-src 'self'; img-src 'self' data:"
            await send(message)

        async def receive_limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BODY_SIZE:
                raise HTTPException(413)
            return message

        app = self.app
        if int(headers.get("Content-Length", "0")) > MAX_BODY_SIZE:
            app = JSONResponse({"detail": "Content Too Large"}, 413)
        if scope["method"] not in SAFE and headers.get("Sec-Fetch-Site") == "cross-site":
            app = JSONResponse({"detail": "Forbidden"}, 403)
        try:
            await app(scope, receive_limited, send_with_headers)
        finally:
            seconds = time.perf_counter() - started
            logger.info("%s %s %d in %.3f s", scope["method"], scope["path"], status, seconds)


Credentials = Annotated[HTTPBasicCredentials, Depends(HTTPBasic())]


# When each address failed to log in.
failures: dict[str, list[float]] = {}


async def check(credentials: Credentials, request: Request) -> str:
    address = request.client.host if request.client else ""
    minute_ago = time.monotonic() - 60
    failed = [when for when in failures.get(address, []) if when > minute_ago]
    if len(failed) >= 10:
        raise HTTPException(429, headers={"Retry-After": "60"})
    right = secrets.compare_digest(credentials.password, os.environ["BASIC_AUTH_PASSWORD"])
    if not right:
        failures[address] = [*failed, time.monotonic()]
        raise HTTPException(401, headers={"WWW-Authenticate": "Basic"})
    return credentials.username


Username = Annotated[str, Depends(check)]
protected = [Depends(check)]


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": request_id.get(),
        }
        return json.dumps(fields)


handler = logging.StreamHandler()
handler.setFormatter(JsonFormatter())
logging.basicConfig(level=logging.INFO, handlers=[handler])

app = FastAPI(title="Service")
app.mount("/static", StaticFiles(directory=data))
app.add_middleware(CORSMiddleware, allow_origins=json.loads(os.environ["CORS_ORIGINS"]))
app.add_middleware(AroundMiddleware)
templates = Jinja2Templates(directory=data)


@app.exception_handler(Exception)
async def on_bug(_: Request, __: Exception) -> Response:
    return JSONResponse({"detail": "Internal Server Error"}, 500)


def find(session: Session, item_id: int) -> Item:
    item = session.get(Item, item_id)
    if item is None:
        raise HTTPException(404, f"Item {item_id} not found")
    return item


@app.get("/", response_class=HTMLResponse)
def home(request: Request) -> Response:
    with sessions.begin() as session:
        items = session.scalars(select(Item).order_by(Item.id).limit(100)).all()
        return templates.TemplateResponse(request, "home.html", {"items": items})


@app.post("/", dependencies=protected)
def add_item(name: Annotated[str, Form()], price: Annotated[Decimal, Form()]) -> Response:
    with sessions.begin() as session:
        session.add(Item(name=name, price=price, tags=[], internal_note=""))
    return RedirectResponse("/", 303)


@app.get("/health")
async def health() -> Health:
    return Health(status="ok")


@app.get("/ready")
def ready() -> Health:
    with sessions.begin() as session:
        session.execute(text("SELECT 1"))
    return Health(status="ready")


@app.get("/items")
def list_items(
    q: Annotated[str | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> ItemPage:
    items = select(Item)
    if q:
        items = items.where(Item.name.icontains(q, autoescape=True))
    with sessions.begin() as session:
        total = session.scalar(select(func.count()).select_from(items.subquery()))
        page = session.scalars(items.order_by(Item.id).limit(limit).offset(offset))
        return ItemPage(
            items=[ItemOut.model_validate(item) for item in page],
            total=total or 0,
            limit=limit,
            offset=offset,
        )


@app.post("/items", status_code=201, dependencies=protected)
def create_item(body: ItemIn, response: Response) -> ItemOut:
    with sessions.begin() as session:
        item = Item(**body.model_dump())
        session.add(item)
        session.flush()
        response.headers["Location"] = f"/items/{item.id}"
        return ItemOut.model_validate(item)


@app.get("/items/{item_id}")
def read_item(item_id: int) -> ItemOut:
    with sessions.begin() as session:
        return ItemOut.model_validate(find(session, item_id))


@app.put("/items/{item_id}", dependencies=protected)
def replace_item(item_id: int, body: ItemIn) -> ItemOut:
    with sessions.begin() as session:
        item = find(session, item_id)
        for name, value in body.model_dump().items():
            setattr(item, name, value)
        return ItemOut.model_validate(item)


@app.patch("/items/{item_id}", dependencies=protected)
def update_item(item_id: int, body: ItemChanges) -> ItemOut:
    with sessions.begin() as session:
        item = find(session, item_id)
        for name, value in body.model_dump(exclude_none=True).items():
            setattr(item, name, value)
        return ItemOut.model_validate(item)


@app.delete("/items/{item_id}", status_code=204, dependencies=protected)
def delete_item(item_id: int) -> None:
    with sessions.begin() as session:
        session.delete(find(session, item_id))


@app.get("/whoami")
async def whoami(username: Username) -> dict[str, str]:
    return {"username": username}


def process(filename: str) -> None:
    digest = hashlib.sha256((data / filename).read_bytes()).hexdigest()
    (data / f"{filename}.sha256").write_text(digest)


@app.post("/uploads/{filename}", status_code=202, dependencies=protected)
async def upload(filename: str, request: Request, tasks: BackgroundTasks) -> Upload:
    (data / filename).write_bytes(await request.body())
    tasks.add_task(process, filename)
    return Upload(filename=filename, status="processing")


@app.get("/uploads/{filename}")
def read_upload(filename: str) -> Upload:
    result = data / f"{filename}.sha256"
    if not result.exists():
        return Upload(filename=filename, status="processing")
    return Upload(filename=filename, status="done", sha256=result.read_text())
