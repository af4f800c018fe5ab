"""How tests reach the application."""

from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Client

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


#{% if when.database %}
def use(app: FastAPI, database: Database) -> None:
    """Make an application use another database from now on."""
    app.state.database = database
#{% else %}
def use(app: FastAPI, store: ItemStore) -> None:
    """Make an application use another store from now on."""
    app.state.store = store
#{% endif %}
