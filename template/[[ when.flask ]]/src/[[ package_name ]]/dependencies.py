#{% filter imports %}
"""What views are given."""

import click
from flask import Flask, Response, current_app, g, has_request_context
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from .database import Database
from .settings import Settings
from .store import ItemStore


def get_settings() -> Settings:
    """Give the settings of the application."""
    settings: Settings = current_app.extensions["settings"]
    return settings


#{% if when.database %}
def get_database() -> Database:
    """Give the database of the application."""
    database: Database = current_app.extensions["database"]
    return database


def get_session() -> Session:
    """Give the request a session, committed before its answer and rolled back on an error.

    What streams, or runs after the answer, opens one of its own: ``get_database().session()``.
    """
    if not has_request_context():
        # Nobody would commit it.
        raise RuntimeError(
            "Outside of a request, use `with get_database().session() as session:` instead."
        )
    session: Session = g.get("session") or g.setdefault("session", get_database().sessions())
    return session


def commit_session(response: Response) -> Response:
    """Commit before the answer is sent: nobody sees success for a failed commit."""
    if "session" in g and response.status_code < 400:
        try:
            g.session.commit()
        except SQLAlchemyError as error:
            # Flask's handlers know only what views raise.
            return current_app.make_response(current_app.handle_user_exception(error))
    return response


def close_session(_: BaseException | None) -> None:
    """Let go of the session; what was not committed is rolled back."""
    if "session" in g:
        g.pop("session").close()


#{% if when.resources %}
def get_store() -> ItemStore:
    """Give the store of the items."""
    return ItemStore(get_session())


#{% endif %}
def lists_routes() -> bool:
    """Tell whether the application is made for the command ``flask routes`` only."""
    context = click.get_current_context(silent=True)
    return context is not None and context.info_name == "routes"


def init_app(app: Flask) -> None:
    """Install the hooks."""
    app.after_request(commit_session)
    app.teardown_appcontext(close_session)
#{% elif when.resources %}
def get_store() -> ItemStore:
    """Give the store of the items."""
    store: ItemStore = current_app.extensions["store"]
    return store
#{% endif %}
#{% endfilter %}
