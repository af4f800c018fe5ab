"""How tests reach the application."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Client
from starlette.types import Message

#{% filter replace("PACKAGE", package_name) %}
#{% if when.database %}
from PACKAGE.database import Database
#{% else %}
from PACKAGE.store import ItemStore
#{% endif %}
#{% endfilter %}

Application = FastAPI


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
    yield
    app.dependency_overrides.clear()
#{% else %}
@contextmanager
def use(app: FastAPI, store: ItemStore) -> Iterator[None]:
    """Make an application use another store in a test."""
    app.state.store = store
    yield
    app.dependency_overrides.clear()
#{% endif %}
