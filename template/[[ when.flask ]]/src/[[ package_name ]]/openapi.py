"""Typed views: requests are checked and the API is documented from the type hints of the views.

    @items_blueprint.put("/<item_id>")
    @operation(errors=[404])
    def replace_item(item_id: ItemId, body: ItemCreate) -> ItemPublic: ...

The parameters ``query`` and ``body`` are pydantic models of the query string and of the JSON body,
all others are parts of the path. A view returns the model of its answer, or a tuple of the model
and headers, or None for an answer without a body.
"""

import inspect
import json
from collections.abc import Callable, Container, Iterable, Iterator
from functools import cache, partial, update_wrapper
from http import HTTPStatus
from typing import Any, get_args, get_type_hints

from flask import Flask, Response, request
from pydantic import BaseModel, ValidationError, create_model
from pydantic.json_schema import JsonSchemaMode, models_json_schema

#{% if when.basic_auth %}
from .authentication import requires_login
#{% endif %}
from .problems import InvalidField, InvalidRequest, Problem

Model = type[BaseModel]
SCHEMAS = "#/components/schemas/{model}"


class InvalidRequestError(Exception):
    """A request is not what the type hints of its view ask for."""

    def __init__(self, fields: list[InvalidField]) -> None:
        super().__init__(fields)
        self.fields = fields


class Operation:
    """A view that knows what its type hints say."""

    def __init__(
        self, view: Callable[..., Any], status: int, errors: Iterable[int], **described: Any
    ) -> None:
        hints = get_type_hints(view, include_extras=True)
        returned = hints.pop("return")
        self.answer: Model | None = None if returned is type(None) else first_model(returned)
        self.inputs: dict[str, Model] = {
            name: hints.pop(name) for name in ("query", "body") if name in hints
        }
        if hints:
            path = {name: (hint, ...) for name, hint in hints.items()}
            self.inputs["path"] = create_model("Path", **path)  # type: ignore[call-overload]
        self.lists = {
            parameter["name"]
            for parameter in parameters("query", self.inputs.get("query"))
            if parameter["schema"].get("type") == "array"
        }
        self.errors = sorted({*errors, 422} if self.inputs else errors)
        self.status = status
        self.described = described
        self.view = view
        update_wrapper(self, view)

    def __call__(self, **path: str) -> Response:
        """Check the request, run the view and write its answer."""
        checked: dict[str, BaseModel] = {}
        wrong: list[InvalidField] = []
        for location, model in self.inputs.items():
            try:
                given = self.read(location, path)
                checked[location] = model.model_validate(given, from_attributes=True)
            except ValidationError as error:
                wrong += (
                    InvalidField(loc=[location, *e["loc"]], msg=e["msg"], type=e["type"])
                    for e in error.errors()
                )
            except InvalidRequestError as error:
                wrong += error.fields
        if wrong:
            raise InvalidRequestError(wrong)
        returned = self.view(**dict(checked.pop("path", ())), **checked)
        answer, headers = returned if isinstance(returned, tuple) else (returned, {})
        if answer is None:
            response = Response(status=self.status, headers=headers)
            del response.headers["Content-Type"]
            return response
        return Response(answer.model_dump_json(), self.status, headers, mimetype="application/json")

    def read(self, location: str, path: dict[str, str]) -> Any:
        """Read one part of the request."""
        match location:
            case "query":
                return read_query(self.lists)
            case "body":
                return read_body()
            case _:
                return path

    def models(self) -> Iterator[tuple[Model, JsonSchemaMode]]:
        """Give the models that the description refers to."""
        if "body" in self.inputs:
            yield self.inputs["body"], "validation"
        if self.answer:
            yield self.answer, "serialization"
        for status in self.errors:
            yield problem(status), "serialization"

    def description(self) -> dict[str, Any]:
        """Describe the operation as OpenAPI does."""
        name = self.view.__name__
        described: dict[str, Any] = {
            "summary": name.replace("_", " ").title(),
            "description": self.view.__doc__,
            "operationId": name,
            "responses": {
                str(self.status): {"description": "Successful Response", **content(self.answer)},
                **{
                    str(status): {
                        "description": HTTPStatus(status).phrase,
                        **content(problem(status)),
                    }
                    for status in self.errors
                },
            },
        }
        if accepted := [
            *parameters("path", self.inputs.get("path")),
            *parameters("query", self.inputs.get("query")),
        ]:
            described["parameters"] = accepted
        if "body" in self.inputs:
            described["requestBody"] = {"required": True, **content(self.inputs["body"])}
        return described | self.described


def operation(
    status: int = 200, errors: Iterable[int] = (), **described: Any
) -> partial[Operation]:
    """Make a function a typed view.

    Args:
        status: The status of its answer.
        errors: The statuses of the errors that it may answer besides 422.
        described: What its description in the document says besides, such as its security.
    """
    return partial(Operation, status=status, errors=errors, **described)


def first_model(returned: Any) -> Model:
    """Find the model in the type of what a view returns: it may stand in a tuple with headers."""
    model: Model = (*get_args(returned), returned)[0]
    return model


def read_query(lists: Container[str]) -> dict[str, str | list[str]]:
    """Read the query string: all values of a list, the last value of anything else."""
    return {name: values if name in lists else values[-1] for name, values in request.args.lists()}


def read_body() -> Any:
    """Read the JSON body; one that does not say it is JSON is taken as bytes, which no model is."""
    body = request.get_data()
    if not body:
        raise invalid_body("missing", "The body is missing")
    if not request.is_json:
        return body
    try:
        return json.loads(body)
    except json.JSONDecodeError as error:
        raise invalid_body("json_invalid", "The body is not valid JSON", error.pos) from None
    except (ValueError, RecursionError):
        raise invalid_body("json_invalid", "The body is not valid JSON") from None


def invalid_body(kind: str, message: str, *position: int) -> InvalidRequestError:
    """Say what is wrong with a body as a whole, and where."""
    field = InvalidField(loc=["body", *position], msg=message, type=kind)
    return InvalidRequestError([field])


def problem(status: int) -> Model:
    """Give the model of an error."""
    return InvalidRequest if status == 422 else Problem


def content(model: Model | None) -> dict[str, Any]:
    """Describe a body."""
    if model is None:
        return {}
    schema = {"$ref": SCHEMAS.format(model=model.__name__)}
    return {"content": {"application/json": {"schema": schema}}}


def parameters(location: str, model: Model | None) -> Iterator[dict[str, Any]]:
    """Describe the parameters that a model holds."""
    schema = model.model_json_schema() if model else {"properties": {}}
    for name, field in schema["properties"].items():
        required = name in schema.get("required", ())
        yield {"name": name, "in": location, "required": required, "schema": field}


def document(app: Flask) -> dict[str, Any]:
    """Write the OpenAPI document of the application's typed views."""
    paths: dict[str, dict[str, Any]] = {}
    models: dict[tuple[Model, JsonSchemaMode], None] = {}
    for rule in app.url_map.iter_rules():
        view = inspect.unwrap(
            app.view_functions[rule.endpoint], stop=lambda view: isinstance(view, Operation)
        )
        if isinstance(view, Operation):
            path = rule.rule.replace("<", "{").replace(">", "}")
            tag = rule.endpoint.partition(".")[0]
            described = view.description()
            #{% if when.basic_auth %}
            if requires_login(app, rule.endpoint):
                described["security"] = [{"HTTPBasic": []}]
                described["responses"]["401"] = {
                    "description": HTTPStatus(401).phrase,
                    **content(Problem),
                }
                models[Problem, "serialization"] = None
            #{% endif %}
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                paths.setdefault(path, {})[method.lower()] = {"tags": [tag], **described}
            models |= dict.fromkeys(view.models())
    _, schemas = models_json_schema(list(models), ref_template=SCHEMAS)
    return {
        "openapi": "3.1.0",
        "info": app.config["OPENAPI_INFO"],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            #{% if when.basic_auth %}
            "securitySchemes": {"HTTPBasic": {"type": "http", "scheme": "basic"}},
            #{% endif %}
        },
    }


SWAGGER_UI = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API documentation</title>
<link rel="stylesheet" href="https://cdn.jsdelivr.net/npm/swagger-ui-dist@5/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="https://cdn.jsdelivr.net/npm/swagger-ui-dist@5/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true})</script>
</body>
</html>
"""

REDOC = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API documentation</title>
</head>
<body>
<div id="redoc"></div>
<script src="https://cdn.jsdelivr.net/npm/redoc@2/bundles/redoc.standalone.js"></script>
<script>Redoc.init("/openapi.json", {}, document.getElementById("redoc"))</script>
</body>
</html>
"""


def init_app(app: Flask, *, title: str, description: str, version: str) -> None:
    """Serve the document and its pages."""
    app.config["OPENAPI_INFO"] = {"title": title, "description": description, "version": version}
    app.add_url_rule("/openapi.json", "openapi", cache(lambda: document(app)))
    app.add_url_rule("/docs", "docs", lambda: SWAGGER_UI)
    app.add_url_rule("/redoc", "redoc", lambda: REDOC)
