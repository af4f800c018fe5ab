"""Every error as JSON."""

from flask import Flask, Response
from pydantic import BaseModel
#{% if when.database %}
from sqlalchemy.exc import SQLAlchemyError
#{% endif %}
from werkzeug.exceptions import HTTPException

#{% if when.database %}
from .database import explain
#{% endif %}
from .openapi import InvalidRequestError
from .problems import PHRASES, InvalidRequest, Problem, ServiceError


def answer(status: int, problem: BaseModel) -> Response:
    """Write a problem as the body of an answer."""
    return Response(problem.model_dump_json(), status, mimetype="application/json")


def on_http_exception(error: HTTPException) -> Response:
    """Answer an error that a view or the framework raised with its status; a bug is a 500."""
    status = error.code or 500
    phrase = PHRASES.get(status, error.name)
    detail = phrase if error.description == type(error).description else error.description
    response = answer(status, Problem(detail=detail or phrase))
    for name, value in error.get_headers():
        if name != "Content-Type":
            response.headers[name] = value
    return response


def on_invalid_request(error: InvalidRequestError) -> Response:
    """Answer what is wrong with a request, without repeating what was sent."""
    return answer(422, InvalidRequest(detail=error.fields))


def on_service_error(error: ServiceError) -> Response:
    """Answer an error of the service's own with its status."""
    response = answer(error.status, Problem(detail=error.detail))
    response.headers.update(error.headers)
    return response


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
    app.register_error_handler(HTTPException, on_http_exception)
    app.register_error_handler(InvalidRequestError, on_invalid_request)
    #{% if when.database %}
    app.register_error_handler(SQLAlchemyError, on_database_error)
    #{% endif %}
    app.register_error_handler(ServiceError, on_service_error)
