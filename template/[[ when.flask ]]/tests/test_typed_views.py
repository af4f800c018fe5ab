"""Typed views, tried on routes of the tests' own."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from enum import Enum
from functools import wraps
from io import BytesIO
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar
from uuid import UUID

import pytest
from clients import client_of
from flask import Blueprint, Flask, Response, redirect, stream_with_context
from flask.views import MethodView
from httpx2 import Client
from pydantic import BaseModel, Field, computed_field
from werkzeug.wrappers import Response as BaseResponse

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE import bodies, docs, errors
from PACKAGE.openapi import UploadedFile, operation
#{% endfilter %}

T = TypeVar("T")


class Size(Enum):
    small = "S"
    large = "L"


class Shirt(BaseModel):
    name: str = Field(alias="shirtName", min_length=1)
    size: Size = Size.small


class StoredShirt(Shirt):
    secret: str = "unsold"


class Square(BaseModel):
    kind: Literal["square"] = "square"
    width: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def area(self) -> int:
        return self.width**2


class Circle(BaseModel):
    kind: Literal["circle"] = "circle"
    radius: int


class Page(BaseModel, Generic[T]):
    entries: list[T]


class Point(NamedTuple):
    x: int
    y: int


class Search(BaseModel):
    tag: list[str] | None = None
    size: Size | None = Field(None, description="How large it is")
    since: date | None = None
    old: str | None = Field(None, deprecated=True)
    page_number: int = Field(1, alias="page")


class Headers(BaseModel):
    x_tenant: str
    if_match: list[str] = []


class Cookies(BaseModel):
    theme: str = "light"


class Order(BaseModel):
    name: str
    note: str = "none"
    sizes: list[Size] = []


class Picture(BaseModel):
    title: str
    file: UploadedFile


def serve(*views: tuple[str, Callable[..., Any]], **options: Any) -> Client:
    """Serve typed views, each at its path."""
    app = Flask(__name__, static_folder=None)
    bodies.init_app(app)
    errors.init_app(app)
    for number, (path, view) in enumerate(views):
        app.add_url_rule(path, str(number), view, **options)
    docs.init_app(app, title="Shirts", description="", version="1")
    return client_of(app)


def document(client: Client) -> Any:
    """Get the document, in which every reference must lead somewhere."""
    answer = client.get("/openapi.json")
    assert answer.status_code == 200
    document = answer.json()
    names = answer.text.split('"#/components/schemas/')[1:]
    assert {name.partition('"')[0] for name in names} == set(document["components"]["schemas"])
    return document


def described(view: Callable[..., Any], path: str = "/view", method: str = "get") -> Any:
    """Get the description of a view."""
    client = serve((path, view), methods=[method])
    ((_, methods),) = document(client)["paths"].items()
    return methods[method]


def answer_schema(view: Callable[..., Any]) -> Any:
    return described(view)["responses"]["200"]["content"]["application/json"]["schema"]


def list_of_models() -> list[Shirt]:
    return [StoredShirt(shirtName="Polo", size=Size.large)]


def model_that_may_be_missing() -> Shirt | None:
    return None


def one_of_two_models() -> Annotated[Square | Circle, Field(discriminator="kind")]:
    return Circle(radius=2)


def plain_dictionary() -> dict[str, int]:
    return {"ä": 1}


def text() -> str:
    return "text"


def sequence() -> Sequence[int]:
    return (1, 2)


def sequence_of_models() -> Sequence[Shirt]:
    return (Shirt(shirtName="Polo"), StoredShirt(shirtName="Slim"))


def empty_sequence() -> Sequence[Shirt]:
    return ()


def sequence_or_more() -> Sequence[Shirt] | tuple[Sequence[Shirt], Literal[202]]:
    return sequence_of_models()


def anything() -> Any:
    return "a", "b"


def named_tuple() -> Point:
    return Point(1, 2)


def generic_page() -> Page[Shirt]:
    return Page(entries=[Shirt(shirtName="Polo")])


def nothing() -> None:
    pass


async def asynchronous() -> int:
    return 7


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (list_of_models, [{"shirtName": "Polo", "size": "L"}]),
        (model_that_may_be_missing, None),
        (one_of_two_models, {"kind": "circle", "radius": 2}),
        (plain_dictionary, {"ä": 1}),
        (text, "text"),
        (sequence, [1, 2]),
        (sequence_of_models, [{"shirtName": name, "size": "S"} for name in ("Polo", "Slim")]),
        (empty_sequence, []),
        (sequence_or_more, [{"shirtName": name, "size": "S"} for name in ("Polo", "Slim")]),
        (anything, ["a", "b"]),
        (named_tuple, [1, 2]),
        (generic_page, {"entries": [{"shirtName": "Polo", "size": "S"}]}),
        (nothing, None),
        (asynchronous, 7),
    ],
)
def test_what_a_view_returns_is_written_as_json(view: Callable[..., Any], expected: Any) -> None:
    client = serve(("/view", operation()(view)))

    answer = client.get("/view")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == expected
    assert document(client)["paths"]["/view"]["get"]["responses"]["200"]


def test_types_of_answers_are_described() -> None:
    shirt = {"$ref": "#/components/schemas/Shirt"}

    assert answer_schema(operation()(list_of_models)) == {
        "type": "array",
        "items": shirt,
        "title": "Response List Of Models",
    }
    assert answer_schema(operation()(model_that_may_be_missing))["anyOf"] == [
        shirt,
        {"type": "null"},
    ]
    assert answer_schema(operation()(generic_page)) == {"$ref": "#/components/schemas/Page_Shirt_"}
    assert answer_schema(operation()(nothing)) == {}


def with_status() -> tuple[Shirt, int]:
    return Shirt(shirtName="Polo"), 202


def with_headers() -> tuple[Shirt, dict[str, str]]:
    return Shirt(shirtName="Polo"), {"X-Own": "yes"}


def with_both() -> tuple[Shirt, int, dict[str, str]]:
    return Shirt(shirtName="Polo"), 202, {"X-Own": "yes"}


def with_status_at_times() -> Shirt | tuple[Shirt, Literal[202]]:
    return Shirt(shirtName="Polo"), 202


def with_sequence() -> tuple[Sequence[Shirt], int]:
    return (Shirt(shirtName="Polo"),), 202


@pytest.mark.parametrize(
    ("view", "status", "own"),
    [
        (with_status, 202, None),
        (with_headers, 201, "yes"),
        (with_both, 202, "yes"),
        (with_status_at_times, 202, None),
    ],
)
def test_status_and_headers_may_follow_an_answer(
    view: Callable[..., Any], status: int, own: str | None
) -> None:
    client = serve(("/view", operation(status=201)(view)))

    answer = client.get("/view")

    assert answer.status_code == status
    assert answer.json() == {"shirtName": "Polo", "size": "S"}
    assert answer.headers.get("X-Own") == own
    responses = document(client)["paths"]["/view"]["get"]["responses"]
    assert set(responses) == {"201"}
    schema = responses["201"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/Shirt"}


def test_status_may_follow_a_sequence_that_is_a_tuple() -> None:
    answer = serve(("/view", operation()(with_sequence))).get("/view")

    assert answer.status_code == 202
    assert answer.json() == [{"shirtName": "Polo", "size": "S"}]


def streamed() -> Response:
    return Response(stream_with_context(iter(["a", "b"])), mimetype="text/csv")


def redirected() -> BaseResponse:
    return redirect("/there")


def response_with_status() -> tuple[Response, int]:
    return Response("ab", mimetype="text/csv"), 418


@pytest.mark.parametrize(
    ("view", "status", "content"),
    [
        (streamed, 200, "ab"),
        (redirected, 302, "redirected"),
        (response_with_status, 418, "ab"),
    ],
)
def test_responses_are_sent_as_they_are(
    view: Callable[..., Any], status: int, content: str
) -> None:
    client = serve(("/view", operation()(view)))

    answer = client.get("/view")

    assert answer.status_code == status
    assert content in answer.text
    assert not answer.headers["Content-Type"].startswith("application/json")
    assert answer_schema(operation()(view)) == {}


def nothing_with_status() -> tuple[None, int]:
    return None, 304


@pytest.mark.parametrize(("view", "status"), [(nothing, 204), (nothing_with_status, 304)])
def test_without_a_body(view: Callable[..., Any], status: int) -> None:
    client = serve(("/view", operation(status=status)(view)))

    answer = client.get("/view")

    assert answer.status_code == status
    assert not answer.content
    assert "Content-Type" not in answer.headers
    responses = document(client)["paths"]["/view"]["get"]["responses"]
    assert responses == {str(status): {"description": "Successful Response"}}


def test_an_answer_that_is_not_what_it_says_is_a_bug() -> None:
    def wrong() -> list[int]:
        return ["secret"]  # type: ignore[list-item]

    answer = serve(("/view", operation()(wrong))).get("/view")

    assert answer.status_code == 500
    assert answer.json() == {"detail": "Internal Server Error"}


@operation()
def search(query: Search) -> list[Any]:
    """Search."""
    return [query.page_number, query.size, query.since, query.tag]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("", [1, None, None, None]),
        ("?tag=a", [1, None, None, ["a"]]),
        ("?tag=a&tag=b&size=S&size=L&page=2", [2, "L", None, ["a", "b"]]),
        ("?since=2026-11-25&page_number=3&unknown=1", [1, None, "2026-11-25", None]),
    ],
)
def test_query(sent: str, expected: list[Any]) -> None:
    assert serve(("/view", search)).get(f"/view{sent}").json() == expected


def test_query_that_is_wrong() -> None:
    answer = serve(("/view", search)).get("/view?size=XL&page=one")

    assert answer.status_code == 422
    wrong = [field["loc"] for field in answer.json()["detail"]]
    assert wrong == [list(field) for field in (("query", "size"), ("query", "page"))]


def test_query_is_described() -> None:
    search_parameters = described(search)["parameters"]

    assert [parameter["name"] for parameter in search_parameters] == [
        "tag",
        "size",
        "since",
        "old",
        "page",
    ]
    assert search_parameters[1]["description"] == "How large it is"
    assert search_parameters[1]["schema"]["title"] == "Size"
    assert search_parameters[3]["deprecated"] is True
    assert not any(parameter["required"] for parameter in search_parameters)


@operation()
def read_head(headers: Headers, cookies: Cookies) -> list[Any]:
    return [headers.x_tenant, headers.if_match, cookies.theme]


def test_headers_and_cookies() -> None:
    client = serve(("/view", read_head))

    sent = {"X-Tenant": "acme", "If-Match": '"1,2", "3"', "Cookie": "theme=dark"}

    assert client.get("/view", headers=sent).json() == ["acme", ['"1,2"', '"3"'], "dark"]
    assert client.get("/view", headers={"X-Tenant": "acme"}).json() == ["acme", [], "light"]
    assert client.get("/view").json()["detail"][0]["loc"] == ["header", "x-tenant"]
    assert [
        (parameter["in"], parameter["name"], parameter["required"])
        for parameter in described(read_head)["parameters"]
    ] == [
        ("header", "x-tenant", True),
        ("header", "if-match", False),
        ("cookie", "theme", False),
    ]


@operation()
def order(form: Order) -> list[Any]:
    return [form.name, form.note, form.sizes]


def test_form() -> None:
    client = serve(("/view", order), methods=["POST"])

    answer = client.post("/view", data={"name": "Ada", "note": "", "sizes": ["S", "L"]})

    assert answer.json() == ["Ada", "none", ["S", "L"]]
    assert client.post("/view", data={"name": ""}).json()["detail"][0]["loc"] == ["body", "name"]
    assert described(order, method="post")["requestBody"] == {
        "content": {
            "application/x-www-form-urlencoded": {"schema": {"$ref": "#/components/schemas/Order"}}
        },
        "required": True,
    }


@operation()
def show(form: Picture) -> list[Any]:
    return [form.title, form.file.filename, len(form.file.read())]


def test_form_with_a_file() -> None:
    client = serve(("/view", show), methods=["POST"])

    answer = client.post("/view", data={"title": "Sea"}, files={"file": ("a.png", BytesIO(b"123"))})

    assert answer.json() == ["Sea", "a.png", 3]
    assert client.post("/view", data={"title": "Sea"}).json()["detail"][0]["loc"] == [
        "body",
        "file",
    ]
    assert set(described(show, method="post")["requestBody"]["content"]) == {"multipart/form-data"}


@operation()
def add_all(body: list[Shirt]) -> int:
    return len(body)


@operation()
def measure(body: Annotated[Square | Circle, Field(discriminator="kind")]) -> str:
    return body.kind


@operation()
def maybe(body: Shirt | None = None) -> bool:
    return body is not None


def test_bodies_of_any_type() -> None:
    client = serve(("/all", add_all), ("/one", measure), ("/maybe", maybe), methods=["POST"])

    assert client.post("/all", json=[{"shirtName": "Polo"}]).json() == 1
    assert client.post("/all", json=[{}]).json()["detail"][0]["loc"] == ["body", 0, "shirtName"]
    assert client.post("/one", json={"kind": "circle", "radius": 1}).json() == "circle"
    assert client.post("/one", json={"kind": "line"}).status_code == 422
    assert client.post("/maybe").json() is False
    assert client.post("/maybe", json={"shirtName": "Polo"}).json() is True
    paths = document(client)["paths"]
    assert paths["/all"]["post"]["requestBody"]["required"] is True
    assert "required" not in paths["/maybe"]["post"]["requestBody"]


@operation()
def double(body: Square) -> Square:
    return Square(width=body.width * 2)


def test_a_model_for_input_and_output_has_two_schemas() -> None:
    client = serve(("/view", double), methods=["POST"])

    assert client.post("/view", json={"width": 2}).json()["area"] == 16
    schemas = document(client)["components"]["schemas"]
    assert "area" not in schemas["Square-Input"]["properties"]
    assert "area" in schemas["Square-Output"]["properties"]


def test_two_models_of_one_name() -> None:
    def other() -> Any:
        class Shirt(BaseModel):
            colour: str

        @operation()
        def view() -> Shirt:
            return Shirt(colour="red")

        return view

    client = serve(("/shirts", operation()(list_of_models)), ("/others", other()))

    schemas = document(client)["components"]["schemas"]
    assert sum(name.endswith("Shirt") for name in schemas) == 2


@operation()
def parts(number: int, key: UUID, rest: str = "none") -> list[Any]:
    return [number, key, rest]


def test_parts_of_the_path() -> None:
    key = "00000000-0000-0000-0000-000000000001"
    client = serve(
        ("/plain/<number>/<key>", parts),
        ("/made/<int(min=1):number>/<uuid:key>/<path:rest>", parts),
    )

    assert client.get(f"/plain/1/{key}").json() == [1, key, "none"]
    assert client.get(f"/made/1/{key}/a/b").json() == [1, key, "a/b"]
    assert client.get(f"/plain/one/{key}").json()["detail"][0]["loc"] == ["path", "number"]
    paths = document(client)["paths"]
    assert set(paths) == {"/plain/{number}/{key}", "/made/{number}/{key}/{rest}"}
    described = paths["/made/{number}/{key}/{rest}"]["get"]["parameters"]
    assert [parameter["name"] for parameter in described] == ["number", "key", "rest"]
    assert described[1]["schema"] == {"type": "string", "format": "uuid", "title": "Key"}
    assert all(parameter["required"] for parameter in described)


def test_a_part_of_the_path_that_a_hook_takes() -> None:
    app = Flask(__name__, static_folder=None)
    app.url_value_preprocessor(lambda _, values: values and values.pop("language"))
    app.add_url_rule("/<language>/view", view_func=operation()(text))
    docs.init_app(app, title="", description="", version="")
    client = client_of(app)

    assert client.get("/en/view").json() == "text"
    (path,) = document(client)["paths"].values()
    assert [parameter["name"] for parameter in path["get"]["parameters"]] == ["language"]


def test_what_is_said_besides_is_added() -> None:
    header = {"name": "X-Own", "in": "header", "schema": {"type": "string"}}
    gone = {"description": "Gone"}

    @operation(errors=[404, 499], tags=["own"], parameters=[header], responses={"410": gone})
    def view(query: Search) -> None:
        pass

    operation_ = described(view)

    assert operation_["tags"] == ["own"]
    assert [parameter["name"] for parameter in operation_["parameters"]][-2:] == ["page", "X-Own"]
    assert set(operation_["responses"]) == {"200", "404", "410", "422", "499"}
    assert operation_["responses"]["499"]["description"] == "Additional Response"


def test_a_decorator_above() -> None:
    def twice(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def run(*arguments: Any, **named: Any) -> Any:
            view(*arguments, **named)
            return view(*arguments, **named)

        return run

    client = serve(("/view", twice(operation()(text))))

    assert client.get("/view").json() == "text"
    assert set(document(client)["paths"]) == {"/view"}


class Counter(MethodView):
    """A class of views."""

    @operation()
    def get(self, number: int) -> int:
        return number

    @operation(status=201)
    async def post(self, number: int, body: Square) -> Square:
        return Square(width=body.width + number)

    def delete(self, number: int) -> str:
        return str(number)


def test_class_of_views() -> None:
    client = serve(("/counters/<number>", Counter.as_view("counter")))

    assert client.get("/counters/7").json() == 7
    assert client.get("/counters/x").status_code == 422
    assert client.post("/counters/1", json={"width": 1}).json()["area"] == 4
    assert client.delete("/counters/1").text == "1"
    described = document(client)["paths"]["/counters/{number}"]
    names = {method: operation["operationId"] for method, operation in described.items()}
    assert names == {"get": "counter_get", "post": "counter_post"}
    assert described["get"]["summary"] == "Counter Get"


def test_names_and_tags_of_operations() -> None:
    inner = Blueprint("inner", __name__)
    inner.add_url_rule("/text", view_func=operation()(text), methods=["GET", "POST"])
    outer = Blueprint("outer", __name__)
    outer.register_blueprint(inner)
    app = Flask(__name__, static_folder=None)
    app.register_blueprint(outer, url_prefix="/v1", name="v1")
    app.register_blueprint(outer, url_prefix="/v2", name="v2")
    app.add_url_rule("/number", view_func=operation()(asynchronous))
    docs.init_app(app, title="", description="", version="")

    paths = document(client_of(app))["paths"]

    operations = [operation for path in paths.values() for operation in path.values()]
    assert {operation["operationId"] for operation in operations} == {
        "text",
        "text_v1_text_post",
        "text_v2_text_get",
        "text_v2_text_post",
        "asynchronous",
    }
    assert {tag for operation in operations for tag in operation.get("tags", ())} == {"inner"}
    assert "tags" not in paths["/number"]["get"]


def test_below_a_prefix() -> None:
    app = Flask(__name__, static_folder=None)
    docs.init_app(app, title="", description="", version="")
    client = app.test_client()

    assert "servers" not in client.get("/openapi.json").text
    below: Any = client.get("/openapi.json", base_url="http://testserver/below/").json
    assert below["servers"] == [{"url": "/below"}]
    assert '"/below/openapi.json"' in client.get("/docs", base_url="http://testserver/below/").text


def generator() -> Iterator[str]:
    yield "a"


def no_answer(number: int):  # type: ignore[no-untyped-def]
    return number


def no_type(number) -> int:  # type: ignore[no-untyped-def]
    return int(number)


def unknown_name() -> "Unheard":  # type: ignore[name-defined]  # noqa: F821
    pass


def no_json() -> Callable[..., int]:
    return abs


def query_of_no_model(query: dict[str, str]) -> None:
    pass


def any_parts(*parts: int) -> None:
    pass


def part_without_name(number: int, /) -> None:
    pass


def body_and_form(body: Square, form: Order) -> None:
    pass


def long_tuple() -> tuple[int, ...]:
    return (1, 2)


def tuple_of_texts() -> tuple[str, str]:
    return ("a", "b")


@pytest.mark.parametrize(
    ("view", "message"),
    [
        (generator, "generator: a generator is no answer"),
        (no_answer, "no_answer: return has no type hint"),
        (no_type, "no_type: number has no type hint"),
        (unknown_name, "unknown_name: name 'Unheard' is not defined"),
        (no_json, "no_json: return is .*Callable.*, which JSON cannot be"),
        (query_of_no_model, "query_of_no_model: query must be a pydantic model"),
        (any_parts, "any_parts: each parameter must have a name"),
        (part_without_name, "part_without_name: each parameter must have a name"),
        (body_and_form, "body_and_form: a request has a body or a form"),
        (long_tuple, "long_tuple: return is .*tuple"),
        (tuple_of_texts, "tuple_of_texts: return is .*tuple"),
    ],
)
def test_what_cannot_be_is_refused_at_once(view: Callable[..., Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        operation()(view)


def test_an_answer_without_a_body_has_none() -> None:
    with pytest.raises(TypeError, match="text: an answer with the status 204 has no body"):
        operation(status=204)(text)


def test_a_path_that_its_view_does_not_know_stops_the_start() -> None:
    with pytest.raises(TypeError, match="parts: its path /<number> has the parts number"):
        serve(("/<number>", parts))
    with pytest.raises(TypeError, match="text: its path /<number> has the parts number"):
        serve(("/<number>", operation()(text)))
