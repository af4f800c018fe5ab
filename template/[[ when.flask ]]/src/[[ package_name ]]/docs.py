#{% filter imports %}
"""The documentation of the API: an OpenAPI document of the typed views, and pages that show it."""

import json
import re
from collections.abc import Iterator
from functools import cache
from http.client import responses
from inspect import getdoc
from string import Template
from typing import Any

from flask import Flask, request, url_for
from pydantic import TypeAdapter
from werkzeug.routing import Rule

from .authentication import PASSWORD_FLOW, requires_login, security_schemes
from .browsers import REDOC, SWAGGER_UI, SWAGGER_UI_REDIRECT, documentation_page
from .openapi import WITHOUT_BODY, Input, Operation, Schema, View
from .problems import InvalidRequest, Problem

SCHEMAS = "#/components/schemas/"
PROBLEM: TypeAdapter[Any] = TypeAdapter(Problem)
INVALID_REQUEST: TypeAdapter[Any] = TypeAdapter(InvalidRequest)
# What stands in a path for a part that varies: <name>, <int:name> or <string(length=2):name>.
PART = re.compile(r"<(?:[^<>]*:)?(\w+)>")


class Document:
    """The OpenAPI document of an application."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.routes = list(typed_routes(app))
        operations = dict.fromkeys(operation_of(view) for _, _, view in self.routes)
        inputs = [each.adapter for operation in operations for each in operation.inputs]
        answers = [PROBLEM, INVALID_REQUEST, *(operation.answer for operation in operations)]
        schemas, types = TypeAdapter.json_schemas(
            [
                *((adapter, "validation", adapter) for adapter in inputs),
                *((adapter, "serialization", adapter) for adapter in answers),
            ],
            ref_template=SCHEMAS + "{model}",
        )
        self.schemas = {adapter: schema for (adapter, _), schema in schemas.items()}
        self.types: Schema = types.get("$defs", {})

    def write(self) -> Schema:
        """Write the document."""
        paths: Schema = {}
        names: set[str] = set()
        for rule, method, view in self.routes:
            path = PART.sub(r"{\1}", rule.rule)
            name = called = self.name(rule, method, view)
            if name in names:
                name = re.sub(r"\W", "_", f"{name}{path}_{method}")
            names.add(name)
            blueprint = rule.endpoint.rpartition(".")[0]
            described = {
                "operationId": name,
                **({"tags": [self.app.blueprints[blueprint].name]} if blueprint else {}),
                **self.describe(operation_of(view), called, PART.findall(rule.rule)),
            }
            #{% if when.auth %}
            if requires_login(self.app, rule.endpoint, view):
                #{% if when.jwt %}
                described["security"] = [{"OAuth2PasswordBearer": []}]
                #{% elif when.oidc %}
                described["security"] = [{"OpenIdConnect": []}]
                #{% else %}
                described["security"] = [{"HTTPBasic": []}]
                #{% endif %}
                described["responses"].setdefault("401", self.describe_error(401))
            #{% endif %}
            paths.setdefault(path, {})[method] = described
        return {
            "openapi": "3.1.0",
            "info": self.app.config["OPENAPI_INFO"],
            "paths": paths,
            "components": {
                "schemas": self.needed_types(paths),
                #{% if when.basic_auth %}
                "securitySchemes": {"HTTPBasic": {"type": "http", "scheme": "basic"}},
                #{% elif when.jwt %}
                "securitySchemes": {"OAuth2PasswordBearer": PASSWORD_FLOW},
                #{% elif when.oidc %}
                "securitySchemes": security_schemes(self.app),
                #{% endif %}
            },
        }

    def name(self, rule: Rule, method: str, view: View) -> str:
        """Name an operation like its function, or like its class of views and its method."""
        function = self.app.view_functions[rule.endpoint]
        in_class = hasattr(function, "view_class")
        return f"{function.__name__}_{method}" if in_class else view.__name__

    def describe(self, operation: Operation, name: str, parts: list[str]) -> Schema:
        """Describe an operation, the path of which has these parts that vary."""
        title = title_of(name)
        described: Schema = {"summary": title, "responses": {}} | operation.described
        if text := getdoc(operation.view):
            described.setdefault("description", text)
        answer: Schema = {"description": "Successful Response"}
        if operation.status not in WITHOUT_BODY:
            schema = self.schema(operation.answer, f"Response {title}")
            answer["content"] = in_json(schema if operation.has_answer else {})
        described["responses"] = {
            str(operation.status): answer,
            **{str(status): self.describe_error(status) for status in operation.errors},
            **described["responses"],
        }
        parameters = [*self.parameters(operation.inputs, parts), *described.get("parameters", ())]
        if parameters:
            described["parameters"] = parameters
        for expected in operation.inputs:
            if expected.location == "body":
                described["requestBody"] = self.describe_body(expected)
        return described

    def describe_error(self, status: int) -> Schema:
        """Describe the answer to a request that fails."""
        description = responses.get(status, "Additional Response")
        adapter = INVALID_REQUEST if status == 422 else PROBLEM
        return {"description": description, "content": in_json(self.schemas[adapter])}

    def describe_body(self, body: Input) -> Schema:
        """Describe the body of a request: JSON or a form."""
        schema = self.schema(body.adapter, title_of(body.name))
        content = in_json(schema)
        if body.name == "form":
            files = any("contentMediaType" in field for field in body.fields.values())
            media_type = "multipart/form-data" if files else "application/x-www-form-urlencoded"
            content = {media_type: {"schema": schema}}
        return {"content": content} | ({"required": True} if body.required else {})

    def parameters(self, inputs: list[Input], parts: list[str]) -> Iterator[Schema]:
        """Describe the parts of the path and the fields of other models than the body's."""
        path = {each.name: self.schema(each.adapter, title_of(each.name)) for each in inputs}
        for part in parts:
            # A part that no parameter takes is one of a hook, such as a language.
            yield parameter("path", part, path.get(part, {"type": "string"}), required=True)
        for each in inputs:
            if each.location in {"query", "header", "cookie"}:
                model = self.types[self.schemas[each.adapter]["$ref"].removeprefix(SCHEMAS)]
                required = model.get("required", ())
                for name, schema in model.get("properties", {}).items():
                    described = titled(schema, title_of(name))
                    sent = each.sent(name)
                    yield parameter(each.location, sent, described, required=name in required)

    def schema(self, adapter: TypeAdapter[Any], title: str) -> Schema:
        """Give the schema of a type."""
        return titled(self.schemas[adapter], title)

    def needed_types(self, paths: Schema) -> Schema:
        """Give the types that the paths refer to, and those that these refer to."""
        needed: Schema = {}
        missing = names_in(paths)
        while missing:
            needed |= {name: self.types[name] for name in missing}
            missing = names_in(needed) - needed.keys()
        return needed


def typed_routes(app: Flask) -> Iterator[tuple[Rule, str, View]]:
    """Give the rules and methods of an application that have a typed view, and the view."""
    for rule in app.url_map.iter_rules():
        function = app.view_functions.get(rule.endpoint)
        class_of_views = getattr(function, "view_class", None)
        for method in sorted(name.lower() for name in rule.methods or ()):
            view = getattr(class_of_views, method, None) if class_of_views else function
            if view and hasattr(view, "operation") and method not in {"head", "options"}:
                check_path(app, rule, operation_of(view))
                yield rule, method, view


def operation_of(view: View) -> Operation:
    """Give what a typed view says."""
    operation: Operation = vars(view)["operation"]
    return operation


def check_path(app: Flask, rule: Rule, operation: Operation) -> None:
    """Refuse a rule whose parts are not the parameters of its view."""
    path = [each for each in operation.inputs if each.location == "path"]
    needed = {each.name for each in path if each.required}
    # A hook may take parts away or add some.
    if app.url_value_preprocessors or needed <= rule.arguments <= {each.name for each in path}:
        return
    parts = ", ".join(sorted(rule.arguments)) or "none"
    names = ", ".join(each.name for each in path) or "none"
    view = f"{operation.view.__module__}.{operation.view.__qualname__}"
    raise TypeError(f"{view}: its path {rule.rule} has the parts {parts}, its parameters: {names}")


def parameter(location: str, name: str, schema: Schema, *, required: bool) -> Schema:
    """Describe a parameter."""
    said = {key: schema[key] for key in ("description", "deprecated") if key in schema}
    return {"name": name, "in": location, "required": required, "schema": schema} | said


def titled(schema: Schema, title: str) -> Schema:
    """Give a schema a title, unless it has one or is that of a type with a name."""
    return schema if "$ref" in schema else {"title": title} | schema


def in_json(schema: Schema) -> Schema:
    """Describe content in JSON."""
    return {"application/json": {"schema": schema}}


def names_in(part: Schema) -> set[str]:
    """Find the names of the types that a part of the document refers to."""
    text = json.dumps(part, ensure_ascii=False)
    return set(re.findall(rf'"{SCHEMAS}([^"]+)"', text))


def title_of(name: str) -> str:
    """Make a title of a name."""
    return name.replace("_", " ").title()


def init_app(app: Flask, *, title: str, description: str, version: str) -> None:
    """Serve the document and its pages; a view that does not fit its path stops the start."""
    app.config["OPENAPI_INFO"] = {"title": title, "description": description, "version": version}
    for _ in typed_routes(app):
        pass
    write = cache(lambda: Document(app).write())

    def show_document() -> Schema:
        below = {"servers": [{"url": request.script_root}]} if request.script_root else {}
        return write() | below

    def show(scripts: Template) -> tuple[str, dict[str, str]]:
        return documentation_page(scripts, url_for("openapi"))

    app.add_url_rule("/openapi.json", "openapi", show_document)
    app.add_url_rule("/docs", "docs", lambda: show(SWAGGER_UI))
    #{% if when.oidc %}
    path = "/docs/oauth2-redirect"
    app.add_url_rule(path, "docs_redirect", lambda: show(SWAGGER_UI_REDIRECT))
    #{% endif %}
    app.add_url_rule("/redoc", "redoc", lambda: show(REDOC))
#{% endfilter %}
