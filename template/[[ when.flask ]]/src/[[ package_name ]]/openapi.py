"""Typed views: requests are checked and the API is documented from the type hints of the views.

    @chairs_blueprint.put("/<chair_id>")
    @operation(errors=[404])
    def replace_chair(chair_id: int, body: ChairCreate) -> ChairPublic: ...

The parameters ``query``, ``headers``, ``cookies`` and ``form`` are pydantic models of these parts
of the request (a field ``x_tenant`` of the headers is sent as ``X-Tenant``), ``body`` is of any
type that JSON can have, and all others are parts of the path.

A view returns its answer, which is checked and written as JSON, alone or in a tuple with a status,
with headers or with both, as everywhere in Flask. A response is sent as it is.
"""

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial, reduce, wraps
from inspect import Parameter, isasyncgenfunction, iscoroutine, isgeneratorfunction, signature
from operator import or_
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints
from urllib.request import parse_http_list

from flask import Response, make_response, request
from pydantic import (
    BaseModel,
    InstanceOf,
    PydanticUserError,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaMode
from werkzeug.datastructures import CombinedMultiDict, FileStorage, Headers, MultiDict
from werkzeug.wrappers import Response as BaseResponse

from .problems import InvalidField
from .texts import has_half_a_character

View = Callable[..., Any]
Schema = dict[str, Any]
# The parameters that are models, and what errors and the document call their part of a request.
MODELS = {"query": "query", "headers": "header", "cookies": "cookie", "form": "body"}
WITHOUT_BODY = (204, 304)

# A file in a form.
UploadedFile = Annotated[
    InstanceOf[FileStorage],
    WithJsonSchema({"type": "string", "contentMediaType": "application/octet-stream"}),
]


class InvalidRequestError(Exception):
    """A request is not what the type hints of its view ask for."""

    def __init__(self, fields: list[InvalidField]) -> None:
        super().__init__(fields)
        self.fields = fields


class Input:
    """A parameter of a view, and the part of the request that it is given."""

    def __init__(self, name: str, hint: Any, default: Any) -> None:
        if name in MODELS and not (isinstance(hint, type) and issubclass(hint, BaseModel)):
            raise TypeError(f"{name} must be a pydantic model, not {hint}")
        self.name = name
        self.default = default
        self.required = default is Parameter.empty
        self.location = MODELS.get(name, "body" if name == "body" else "path")
        self.adapter, schema = adapt(name, hint, "validation")
        self.fields = schema.get("properties", {})
        types = schema.get("$defs", {})
        self.lists = {field for field, of in self.fields.items() if may_be_list(of, types)}

    def read(self, path: Mapping[str, Any]) -> Any:
        """Read this part of the request and check it."""
        if self.location == "path":
            return self.check(path.get(self.name, self.default), self.name)
        if self.name in MODELS:
            return self.check(self.read_fields())
        if self.required or request.get_data():
            return self.check(read_body())
        return self.default

    def read_fields(self) -> dict[str, Any]:
        """Read the fields of a model: all values of a list, the last value of anything else."""
        sent: MultiDict[str, Any]
        match self.name:
            case "query":
                sent = request.args
            case "cookies":
                sent = request.cookies
            case "form":
                sent = CombinedMultiDict([request.form, request.files])
            case _:
                sent = MultiDict({name: self.read_header(name) for name in self.fields})
        given = {name: all_ if name in self.lists else all_[-1] for name, all_ in sent.lists()}
        # A browser sends the fields of a form that were left empty, too.
        return {name: value for name, value in given.items() if value or self.name != "form"}

    def read_header(self, name: str) -> list[str]:
        """Read a header; a server joins the values of one that comes more than once."""
        values = request.headers.getlist(self.sent(name))
        return parse_http_list(",".join(values)) if name in self.lists else values

    def check(self, value: Any, *within: str) -> Any:
        """Check what was read, and tell where in the request it is wrong."""
        try:
            return self.adapter.validate_python(value, from_attributes=True)
        except ValidationError as error:
            raise InvalidRequestError(
                [
                    InvalidField(
                        loc=[self.location, *within, *map(self.sent, wrong["loc"])],
                        msg=wrong["msg"],
                        type=wrong["type"],
                    )
                    for wrong in error.errors(include_url=False, include_input=False)
                ]
            ) from None

    def sent(self, name: Any) -> Any:
        """Give the name by which a field is sent."""
        in_header = self.name == "headers" and isinstance(name, str)
        return name.replace("_", "-") if in_header else name


class Operation:
    """A view that knows what its type hints say."""

    def __init__(self, view: View, status: int, errors: Iterable[int], described: Schema) -> None:
        if isgeneratorfunction(view) or isasyncgenfunction(view):
            raise TypeError("a generator is no answer; return a Response of one")
        hints = get_type_hints(view, include_extras=True)
        parameters = [p for p in signature(view).parameters.values() if p.name != "self"]
        for name in (*(p.name for p in parameters), "return"):
            if name not in hints:
                raise TypeError(f"{name} has no type hint")
        if any(p.kind not in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) for p in parameters):
            raise TypeError("each parameter must have a name by which it is given")
        if {"body", "form"} <= {p.name for p in parameters}:
            raise TypeError("a request has a body or a form, not both")
        self.inputs = [Input(p.name, hints[p.name], p.default) for p in parameters]
        answers = list(answers_in(hints["return"]))
        self.has_answer = any(answer not in (None, NoneType) for answer in answers)
        if self.has_answer and status in WITHOUT_BODY:
            raise TypeError(f"an answer with the status {status} has no body; return None")
        answer = reduce(or_, answers) if self.has_answer else Any
        self.answer, _ = adapt("return", answer, "serialization")
        self.may_be_in_tuple = may_be_in_tuple(hints["return"])
        self.view = view
        self.status = status
        self.errors = sorted({*errors, 422} if self.inputs else errors)
        self.described = described

    def respond(self, *instance: Any, **path: Any) -> BaseResponse:
        """Check the request, run the view and write its answer."""
        given: dict[str, Any] = {}
        wrong: list[InvalidField] = []
        for expected in self.inputs:
            try:
                given[expected.name] = expected.read(path)
            except InvalidRequestError as error:
                wrong += error.fields
        if wrong:
            raise InvalidRequestError(wrong)
        returned = self.view(*instance, **given)
        if iscoroutine(returned):
            returned = asyncio.run(returned)
        answer, *rest = returned if self.is_in_tuple(returned) else (returned,)
        if isinstance(answer, BaseResponse):
            return make_response(answer, *rest)
        answer = self.answer.validate_python(answer, from_attributes=True)
        text = self.answer.dump_json(answer, by_alias=True)
        return make_response(Response(text, self.status, mimetype="application/json"), *rest)

    def is_in_tuple(self, returned: Any) -> bool:
        """Tell whether a status or headers follow an answer; a sequence may be a tuple, too."""
        return (
            type(returned) is tuple
            and len(returned) in (2, 3)
            and (self.may_be_in_tuple or isinstance(returned[0], BaseResponse))
            and all(is_status_or_headers(type(part)) for part in returned[1:])
        )


def operation(status: int = 200, errors: Iterable[int] = (), **described: Any) -> partial[View]:
    """Make a function, or a method of a class of views, a typed view.

    Args:
        status: The status of its answer, where the view gives none.
        errors: The statuses of the errors that it may answer besides 422.
        described: What its description in the document says besides, such as its tags.
    """
    return partial(typed, status=status, errors=errors, described=described)


def typed(view: View, **said: Any) -> View:
    """Do what the operation of a view says wherever the view is called."""
    try:
        operation = Operation(view, **said)
    except (NameError, TypeError) as error:
        raise TypeError(f"{view.__module__}.{view.__qualname__}: {error}") from error

    @wraps(view)
    def respond(*instance: Any, **path: Any) -> BaseResponse:
        return operation.respond(*instance, **path)

    # An attribute, because decorators above this one hand it on.
    vars(respond)["operation"] = operation
    return respond


def adapt(name: str, hint: Any, mode: JsonSchemaMode) -> tuple[TypeAdapter[Any], Schema]:
    """Make what checks and writes values of a type, and give the type's schema."""
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(hint)
        return adapter, adapter.json_schema(mode=mode)
    except PydanticUserError as error:
        raise TypeError(f"{name} is {hint}, which JSON cannot be: {error.message}") from error


def answers_in(hint: Any) -> Iterator[Any]:
    """Give the answers in what a view returns: a tuple holds more, and a response is none."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        for part in inner:
            yield from answers_in(part)
    elif tuple in (hint, origin):
        if len(inner) not in (2, 3) or not all(map(is_status_or_headers, inner[1:])):
            raise TypeError(f"return is {hint}; in a tuple, a status or headers follow the answer")
        yield from answers_in(inner[0])
    elif not (isinstance(hint, type) and issubclass(hint, BaseResponse)):
        yield hint


def may_be_in_tuple(hint: Any) -> bool:
    """Tell whether a view may return its answer in a tuple: one that says nothing may."""
    if get_origin(hint) in (Union, UnionType):
        return any(map(may_be_in_tuple, get_args(hint)))
    return hint in (Any, object) or get_origin(hint) is tuple


def is_status_or_headers(hint: Any) -> bool:
    """Tell whether this is what may stand in a tuple behind an answer."""
    kind = get_origin(hint) or hint
    if kind is Literal:
        kind = type(get_args(hint)[0])
    return isinstance(kind, type) and issubclass(kind, (int, Mapping, Headers, list))


def may_be_list(schema: Schema, types: Schema) -> bool:
    """Tell whether a value may be a list."""
    if "$ref" in schema:
        schema = types[schema["$ref"].rpartition("/")[2]]
    parts = schema.get("anyOf", ())
    return schema.get("type") == "array" or any(may_be_list(part, types) for part in parts)


def read_body() -> Any:
    """Read the JSON body; one that does not say it is JSON is taken as bytes, which no model is."""
    body = request.get_data()
    if not body:
        raise invalid_body("missing", "The body is missing")
    if not request.is_json:
        return body
    if has_half_a_character(body):
        raise invalid_body("string_unicode", "A text has half a character")
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
