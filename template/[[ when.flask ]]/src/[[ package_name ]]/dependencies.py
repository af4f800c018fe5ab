#{% filter imports | fitted %}
"""What views are given."""

import click
from flask import Flask, Response, current_app, g, has_request_context
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from werkzeug.serving import is_running_from_reloader

from .database import Database
from .settings import Settings
#{% for resource in kept %}
#{% filter about(resource) %}
from .store import WidgetStore
#{% endfilter %}
#{% endfor %}


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
    if not has_request_context() or "is_answered" in g:
        # Nobody would commit it.
        raise RuntimeError(
            "Outside of a request, and while its answer is sent, use"
            " `with get_database().session() as session:` instead."
        )
    session: Session = g.get("session") or g.setdefault("session", get_database().sessions())
    return session


def commit_session(response: Response) -> Response:
    """Commit before the answer is sent: nobody sees success for a failed commit."""
    try:
        if "session" in g and response.status_code < 400:
            g.session.commit()
    except SQLAlchemyError as error:
        # Flask's handlers know only what views raise.
        return current_app.make_response(current_app.handle_user_exception(error))
    finally:
        g.is_answered = True
        if "session" in g:
            # A stream that goes on with it is told so, and loses nothing without a word.
            g.session.close()
    return response


def close_session(_: BaseException | None) -> None:
    """Let go of the session; what was not committed is rolled back."""
    if "session" in g:
        g.pop("session").close()


#{% for resource in kept %}
#{% filter about(resource) %}
def get_widget_store() -> WidgetStore:
    """Give the store of the [[ resource.labels ]]."""
    return WidgetStore(get_session())


#{% endfilter %}
#{% endfor %}
def is_starting() -> bool:
    """Tell whether the service starts: a command is none, nor is new code in development."""
    context = click.get_current_context(silent=True)
    return (context is None or context.info_name == "run") and not is_running_from_reloader()


def init_app(app: Flask) -> None:
    """Install the hooks."""
    app.after_request(commit_session)
    app.teardown_appcontext(close_session)
#{% else %}
#{% for resource in kept %}
#{% filter about(resource) %}
def get_widget_store() -> WidgetStore:
    """Give the store of the [[ resource.labels ]]."""
    store: WidgetStore = current_app.extensions["widget_store"]
    return store


#{% endfilter %}
#{% endfor %}
#{% endif %}
#{% endfilter %}
