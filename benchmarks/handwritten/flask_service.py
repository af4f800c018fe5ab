"""A service as one would write it by hand in Flask: the same routes, and the same around them."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import secrets
import sqlite3
import time
import uuid
from collections.abc import Callable
from decimal import Decimal
from functools import wraps
from pathlib import Path
from threading import Thread
from typing import Any

from flask import Flask, Response, abort, g, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_cors import CORS
from pydantic import BaseModel, Field, ValidationError
from sqlalchemy import JSON, Connection, Numeric, create_engine, event, func, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from werkzeug.exceptions import HTTPException

SAFE = {"GET", "HEAD", "OPTIONS"}

logger = logging.getLogger("access")
engine = create_engine(os.environ["DATABASE_URL"])
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

    def public(self) -> dict[str, Any]:
        return {"id": self.id, "name": self.name, "price": str(self.price), "tags": self.tags}


Base.metadata.create_all(engine)


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


app = Flask(__name__, static_folder=str(data), static_url_path="/static", template_folder=str(data))
app.config["MAX_CONTENT_LENGTH"] = 10 * 1024 * 1024
CORS(app, origins=json.loads(os.environ["CORS_ORIGINS"]))


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": g.get("request_id") if g else None,
        }
        return json.dumps(fields)


handler = logging.StreamHandler()
handler.setFormatter(JsonFormatter())
logging.basicConfig(level=logging.INFO, handlers=[handler])


@app.before_request
def begin() -> None:
    g.started = time.perf_counter()
    g.request_id = request.headers.get("X-Request-ID") or uuid.uuid4().hex
    if request.method not in SAFE and request.headers.get("Sec-Fetch-Site") == "cross-site":
        abort(403)


@app.after_request
def end(response: Response) -> Response:
    seconds = time.perf_counter() - g.started
    response.headers["X-Request-ID"] = g.request_id
    response.headers["X-Process-Time"] = f"{seconds:.6f}"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Content-Security-Policy"] = "default-src 'self'; img-src 'self' data:"
    status = response.status_code
    logger.info("%s %s %d in %.3f s", request.method, request.path, status, seconds)
    return response


@app.errorhandler(HTTPException)
def on_http_exception(error: HTTPException) -> ResponseReturnValue:
    return {"detail": error.description}, error.code or 500


@app.errorhandler(ValidationError)
def on_invalid_request(error: ValidationError) -> ResponseReturnValue:
    return {"detail": error.errors(include_url=False, include_context=False)}, 422


# When each address failed to log in.
failures: dict[str, list[float]] = {}


def protected(view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    @wraps(view)
    def checked(**values: Any) -> ResponseReturnValue:
        address = request.remote_addr or ""
        minute_ago = time.monotonic() - 60
        failed = [when for when in failures.get(address, []) if when > minute_ago]
        if len(failed) >= 10:
            return {"detail": "Too many failed logins"}, 429, {"Retry-After": "60"}
        given = request.authorization
        password = (given and given.password) or ""
        if not secrets.compare_digest(password, os.environ["BASIC_AUTH_PASSWORD"]):
            failures[address] = [*failed, time.monotonic()]
            return {"detail": "Not authenticated"}, 401, {"WWW-Authenticate": "Basic"}
        return view(**values)

    return checked


def get_session() -> Session:
    if "session" not in g:
        g.session = Session(engine)
    session: Session = g.session
    return session


@app.teardown_appcontext
def close_session(_: BaseException | None) -> None:
    if "session" in g:
        g.session.close()


def find(item_id: int) -> Item:
    item = get_session().get(Item, item_id)
    if item is None:
        abort(404, f"Item {item_id} not found")
    return item


@app.get("/")
def home() -> str:
    items = get_session().scalars(select(Item).order_by(Item.id).limit(100)).all()
    return render_template("home.html", items=items)


@app.post("/")
@protected
def add_item() -> ResponseReturnValue:
    name, price = request.form["name"], Decimal(request.form["price"])
    get_session().add(Item(name=name, price=price, tags=[], internal_note=""))
    get_session().commit()
    return redirect("/", 303)


@app.get("/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/ready")
def ready() -> dict[str, str]:
    get_session().execute(text("SELECT 1"))
    return {"status": "ready"}


@app.get("/items")
def list_items() -> dict[str, Any]:
    limit = request.args.get("limit", 20, int)
    offset = request.args.get("offset", 0, int)
    if not 1 <= limit <= 100 or offset < 0:
        abort(422)
    items = select(Item)
    if q := request.args.get("q"):
        items = items.where(Item.name.icontains(q, autoescape=True))
    total = get_session().scalar(select(func.count()).select_from(items.subquery()))
    page = get_session().scalars(items.order_by(Item.id).limit(limit).offset(offset))
    return {
        "items": [item.public() for item in page],
        "total": total,
        "limit": limit,
        "offset": offset,
    }


@app.post("/items")
@protected
def create_item() -> ResponseReturnValue:
    item = Item(**ItemIn.model_validate(request.get_json()).model_dump())
    get_session().add(item)
    get_session().commit()
    return item.public(), 201, {"Location": f"/items/{item.id}"}


@app.get("/items/<int:item_id>")
def read_item(item_id: int) -> dict[str, Any]:
    return find(item_id).public()


@app.put("/items/<int:item_id>")
@protected
def replace_item(item_id: int) -> dict[str, Any]:
    item = find(item_id)
    for name, value in ItemIn.model_validate(request.get_json()).model_dump().items():
        setattr(item, name, value)
    get_session().commit()
    return item.public()


@app.patch("/items/<int:item_id>")
@protected
def update_item(item_id: int) -> dict[str, Any]:
    item = find(item_id)
    changes = ItemChanges.model_validate(request.get_json())
    for name, value in changes.model_dump(exclude_unset=True).items():
        setattr(item, name, value)
    get_session().commit()
    return item.public()


@app.delete("/items/<int:item_id>")
@protected
def delete_item(item_id: int) -> ResponseReturnValue:
    get_session().delete(find(item_id))
    get_session().commit()
    return "", 204


@app.get("/whoami")
@protected
def whoami() -> ResponseReturnValue:
    return {"username": request.authorization and request.authorization.username}


def process(filename: str) -> None:
    digest = hashlib.sha256((data / filename).read_bytes()).hexdigest()
    (data / f"{filename}.sha256").write_text(digest)


@app.post("/uploads/<filename>")
@protected
def upload(filename: str) -> ResponseReturnValue:
    (data / filename).write_bytes(request.get_data())
    Thread(target=process, args=(filename,)).start()
    return {"filename": filename, "status": "processing"}, 202


@app.get("/uploads/<filename>")
def read_upload(filename: str) -> dict[str, Any]:
    result = data / f"{filename}.sha256"
    if not result.exists():
        return {"filename": filename, "status": "processing"}
    return {"filename": filename, "status": "done", "sha256": result.read_text()}
