"""How tests reach the application."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from chairs import Chair, ChairChanges, ChairPublic, Chairs
#{% if when.database %}
from flask import Blueprint, Flask
#{% else %}
from flask import Blueprint, Flask, current_app
#{% endif %}
from httpx2 import Client, WSGITransport

#{% filter replace("PACKAGE", package_name) | replace("STORES", kept | map(attribute="store") | sort | join(", ")) | fitted %}
#{% if when.auth %}
from PACKAGE.authentication import login_required
#{% endif %}
#{% if when.celery %}
from PACKAGE.celery_app import celery
#{% endif %}
#{% if when.database %}
from PACKAGE.database import Database
from PACKAGE.dependencies import get_session
#{% endif %}
from PACKAGE.openapi import operation
#{% if when.in_memory and when.resources %}
from PACKAGE.store import STORES
#{% endif %}
#{% if when.in_memory and when.jwt %}
from PACKAGE.users import UserStore
#{% endif %}
#{% endfilter %}

Application = Flask

# The routes of the tests, which stay when the service's own change.
chairs_blueprint = Blueprint("test_chairs", __name__, url_prefix="/test-chairs")


def get_chairs() -> Chairs:
    #{% if when.database %}
    return Chairs(get_session())
    #{% else %}
    chairs: Chairs = current_app.extensions["chairs"]
    return chairs
    #{% endif %}


@chairs_blueprint.get("")
@operation(errors=[404])
def list_chairs() -> list[ChairPublic]:
    return [ChairPublic.model_validate(chair) for chair in get_chairs().all()]


@chairs_blueprint.get("/<chair_id>")
@operation(errors=[404])
def read_chair(chair_id: int) -> ChairPublic:
    return ChairPublic.model_validate(get_chairs().get(chair_id))


@chairs_blueprint.post("")
#{% if when.auth %}
@login_required
#{% endif %}
@operation(status=201, errors=[404])
def add_chair(body: Chair) -> ChairPublic:
    return ChairPublic.model_validate(get_chairs().add(body))


@chairs_blueprint.patch("/<chair_id>")
#{% if when.auth %}
@login_required
#{% endif %}
@operation(errors=[404])
def change_chair(chair_id: int, body: ChairChanges) -> ChairPublic:
    return ChairPublic.model_validate(get_chairs().change(chair_id, body))


def add_routes(app: Flask) -> Flask:
    """Add the routes of the tests to an application."""
    #{% if when.in_memory %}
    app.extensions["chairs"] = Chairs()
    #{% endif %}
    app.register_blueprint(chairs_blueprint)
    return app


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
    #{% if when.celery %}
    celery.init_app(app.extensions["settings"], database, app.app_context)
    #{% endif %}
    yield
#{% else %}
@contextmanager
def use(app: Flask) -> Iterator[None]:
    """Make an application keep nothing of other tests in a test."""
    #{% if when.jwt %}
    app.extensions["user_store"] = UserStore()
    #{% endif %}
    #{% for resource in kept %}
    #{% filter about(resource) | fitted %}
    app.extensions["widget_store"] = WidgetStore([[ resource.given('app.extensions["{}_store"]') ]])
    #{% endfilter %}
    #{% endfor %}
    app.extensions["chairs"] = Chairs()
    #{% if when.celery %}
    celery.init_app(app.extensions["settings"], app.app_context)
    #{% endif %}
    yield
#{% endif %}
