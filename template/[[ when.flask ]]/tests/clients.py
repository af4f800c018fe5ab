"""How tests reach the application."""

from collections.abc import Callable
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
    """Make a client of an application."""
    return Client(transport=WSGITransport(served(app)), base_url="http://testserver")


#{% if when.database %}
def use(app: Flask, database: Database) -> None:
    """Make an application use another database from now on."""
    app.extensions["database"] = database
#{% else %}
def use(app: Flask, store: ItemStore) -> None:
    """Make an application use another store from now on."""
    app.extensions["store"] = store
#{% endif %}
