#{% filter imports %}
"""Every error as JSON."""

from collections.abc import Iterable
from typing import Any, NoReturn

from flask import Flask, Response
from pydantic import TypeAdapter
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import Aborter, HTTPException, default_exceptions
from werkzeug.sansio.response import Response as AnyResponse

from .database import explain
from .openapi import InvalidRequestError
from .problems import PHRASES, ServiceError

BODY: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


class AnyStatusAborter(Aborter):
    """Lets ``abort`` take any status, not only those that Werkzeug has an error for."""

    def __call__(self, code: Any, *arguments: Any, **named: Any) -> NoReturn:
        """Raise an error."""
        if isinstance(code, int) and code not in self.mapping:
            error = HTTPException(*arguments, **named)
            error.code = code
            raise error
        super().__call__(code, *arguments, **named)


def answer(status: int, detail: object, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """Say in the body of an answer what is wrong."""
    response = Response(BODY.dump_json({"detail": detail}), status, mimetype="application/json")
    for name, value in headers:
        if name.lower() != "content-type":
            response.headers.add(name, value)
    return response


def on_http_exception(error: HTTPException) -> AnyResponse:
    """Answer an error that a view or the framework raised with its status; a bug is a 500."""
    if error.response is not None:
        return error.response
    status = error.code or 500
    detail: object = error.description
    # Werkzeug's own words are sentences about browsers.
    if detail is None or detail == getattr(default_exceptions.get(status), "description", None):
        detail = PHRASES.get(status, error.name)
    return answer(status, detail, error.get_headers())


def on_invalid_request(error: InvalidRequestError) -> Response:
    """Answer what is wrong with a request, without repeating what was sent."""
    return answer(422, error.fields)


def on_service_error(error: ServiceError) -> Response:
    """Answer an error of the service's own with its status."""
    return answer(error.status, error.detail, error.headers.items())


#{% if when.database %}
def on_database_error(error: SQLAlchemyError) -> Response:
    """Answer a conflict, or that the database is down or busy; anything else is a bug."""
    explained = explain(error)
    if explained is None:
        raise error
    return on_service_error(explained)


#{% endif %}
def init_app(app: Flask) -> None:
    """Install the handlers."""
    app.aborter = AnyStatusAborter()
    app.register_error_handler(HTTPException, on_http_exception)
    app.register_error_handler(InvalidRequestError, on_invalid_request)
    #{% if when.database %}
    app.register_error_handler(SQLAlchemyError, on_database_error)
    #{% endif %}
    app.register_error_handler(ServiceError, on_service_error)
#{% endfilter %}
