"""How tests reach the application."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from httpx2 import Client, WSGITransport

#{% filter replace("PACKAGE", package_name) %}
#{% if when.database %}
from PACKAGE.database import Database
#{% else %}
from PACKAGE.store import ItemStore
#{% endif %}
#{% endfilter %}

Application = Flask


def served(app: Flask) -> Callable[..., Any]:
    """Make an application get bodies as servers give them: those in chunks have no length."""

    def call(environ: dict[str, Any], start_response: Any) -> Any:
        environ["wsgi.input_terminated"] = True
        if "HTTP_TRANSFER_ENCODING" in environ:
            environ.pop("CONTENT_LENGTH", None)
        return app(environ, start_response)

    return call


def client_of(app: Flask) -> Client:
    """Make a client of an application, which answers errors whatever FLASK_DEBUG says."""
    app.debug = False
    return Client(transport=WSGITransport(served(app)), base_url="http://testserver")


def cut_off(app: Flask, path: str, headers: dict[str, str], beginning: bytes) -> int:
    """Send the beginning of a body and go away; give the status that nobody reads."""
    answer = app.test_client().post(
        path,
        headers=headers,
        data=beginning,
        environ_overrides={
            "CONTENT_LENGTH": str(len(beginning) + 1),
            "wsgi.input_terminated": True,
        },
    )
    return answer.status_code


#{% if when.database %}
@contextmanager
def use(app: Flask, database: Database) -> Iterator[None]:
    """Make an application use another database in a test."""
    app.extensions["database"] = database
    yield
#{% else %}
@contextmanager
def use(app: Flask, store: ItemStore) -> Iterator[None]:
    """Make an application use another store in a test."""
    app.extensions["store"] = store
    yield
#{% endif %}
