"""Every error as JSON."""

from flask import Flask, Response
from pydantic import BaseModel
from werkzeug.exceptions import HTTPException

from .openapi import InvalidRequestError
from .problems import PHRASES, InvalidRequest, NotFoundError, Problem


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


def on_not_found(error: NotFoundError) -> Response:
    """Answer that what the request names does not exist."""
    return answer(404, Problem(detail=str(error)))


def init_app(app: Flask) -> None:
    """Install the handlers."""
    app.register_error_handler(HTTPException, on_http_exception)
    app.register_error_handler(InvalidRequestError, on_invalid_request)
    app.register_error_handler(NotFoundError, on_not_found)
