#{% filter imports %}
"""Every error as JSON."""

from fastapi import FastAPI, Response
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.requests import HTTPConnection
from fastapi.responses import JSONResponse
from fastapi.utils import is_body_allowed_for_status_code
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from .authentication import ask_first
from .database import explain
from .problems import PHRASES, InvalidField, InvalidRequest, Problem, ServiceError

# What FastAPI says with 400 of a body that cannot even be decoded: here that is not valid either.
UNDECODED = "There was an error parsing the body"


def answer(status: int, problem: BaseModel, headers: dict[str, str] | None = None) -> Response:
    """Write a problem as the body of an answer."""
    body = problem.model_dump_json()
    return Response(body, status, headers=headers, media_type="application/json")


def allowed_methods(request: HTTPConnection) -> list[str]:
    """List the methods of a path; the error itself names those of the first route only."""
    methods = [
        method
        for method in ("DELETE", "GET", "PATCH", "POST", "PUT")
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in request.app.routes
        )
    ]
    return [*methods, "HEAD"] if "GET" in methods else methods


async def on_http_exception(request: HTTPConnection, error: HTTPException) -> Response:
    """Answer an error that a route or the framework raised with its status."""
    #{% if when.auth %}
    await ask_first(request)
    #{% endif %}
    undecoded = isinstance(error.__cause__, ValueError | RecursionError)
    if undecoded and (error.status_code, error.detail) == (400, UNDECODED):
        field = InvalidField(loc=["body"], msg="The body is not valid JSON", type="json_invalid")
        return answer(422, InvalidRequest(detail=[field]))
    headers = dict(error.headers or {})
    if error.status_code == 405:
        methods = allowed_methods(request)
        # None are found of what is mounted, which names its own.
        if methods and request.scope.get("method") not in methods:
            headers["Allow"] = ", ".join(methods)
    if not is_body_allowed_for_status_code(error.status_code):
        return Response(status_code=error.status_code, headers=headers)
    detail = jsonable_encoder(error.detail)
    return JSONResponse({"detail": detail}, error.status_code, headers)


#{% if when.auth %}
async def on_invalid_request(request: HTTPConnection, error: RequestValidationError) -> Response:
    """Answer what is wrong with a request, without repeating what was sent."""
    await ask_first(request)
#{% else %}
async def on_invalid_request(_: HTTPConnection, error: RequestValidationError) -> Response:
    """Answer what is wrong with a request, without repeating what was sent."""
#{% endif %}
    unnamed = {"loc": [], "msg": "Invalid value", "type": "value_error"}
    fields = [InvalidField.model_validate({**unnamed, **field}) for field in error.errors()]
    return answer(422, InvalidRequest(detail=fields))


async def on_disconnect(_: HTTPConnection, __: ClientDisconnect) -> Response:
    """Refuse a body that ended before its length: the client has gone, and may read no answer."""
    return answer(400, Problem(detail=PHRASES[400]))


async def on_service_error(_: HTTPConnection, error: ServiceError) -> Response:
    """Answer an error of the service's own with its status."""
    return answer(error.status, Problem(detail=error.detail), error.headers)


#{% if when.database %}
async def on_database_error(request: HTTPConnection, error: SQLAlchemyError) -> Response:
    """Answer a conflict, or that the database is down or busy; anything else is a bug."""
    explained = explain(error)
    if explained is None:
        raise error
    return await on_service_error(request, explained)


#{% endif %}
def init_app(app: FastAPI) -> None:
    """Install the handlers."""
    app.exception_handler(HTTPException)(on_http_exception)
    app.exception_handler(RequestValidationError)(on_invalid_request)
    #{% if when.database %}
    app.exception_handler(SQLAlchemyError)(on_database_error)
    #{% endif %}
    app.exception_handler(ClientDisconnect)(on_disconnect)
    app.exception_handler(ServiceError)(on_service_error)
#{% endfilter %}
