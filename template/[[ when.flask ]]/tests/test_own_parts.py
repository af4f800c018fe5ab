#{% filter fitted %}
"""What you add works as in any Flask application: these parts are added as in custom.py."""

from collections.abc import Callable
from io import BufferedReader, RawIOBase
from typing import Any, cast

import pytest
from flask import Flask, Response, abort, redirect, request, session
from httpx2 import Client
from werkzeug.exceptions import Conflict, HTTPException, Unauthorized

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE import custom
#{% endfilter %}

InitApp = Callable[..., None]
Serve = Callable[..., Client]


@pytest.fixture
def serve(start: Callable[..., Client], monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Give a function that starts the application with parts of the test's own."""

    def serve(init_app: InitApp) -> Client:
        monkeypatch.setattr(custom, "init_app", init_app)
        return start()

    return serve


def failing(fail: Callable[..., Any]) -> InitApp:
    """Add a view that fails."""

    def init_app(app: Flask) -> None:
        app.add_url_rule("/own", "own", fail, methods=["GET", "POST"])

    return init_app


class SoldOutError(Conflict):
    """An error with words of its own."""

    description = "It is sold out"


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (lambda: abort(409, description={"free": [1, "ä"]}), 409, {"free": [1, "ä"]}),
        (lambda: abort(409, description=[1, "two"]), 409, [1, "two"]),
        (lambda: abort(409, description=0), 409, 0),
        (lambda: abort(409, ""), 409, ""),
        (lambda: abort(422, "Not so"), 422, "Not so"),
        (lambda: abort(409), 409, "Conflict"),
        (lambda: abort(404), 404, "Not Found"),
        (lambda: abort(401), 401, "Unauthorized"),
        (lambda: abort(499, "An unusual status"), 499, "An unusual status"),
        (lambda: request.form["name"], 400, "Bad Request"),
    ],
)
def test_an_error_has_the_detail_that_it_was_given(
    serve: Serve, error: Callable[..., Any], status: int, detail: Any
) -> None:
    answer = serve(failing(error)).get("/own")

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == {"detail": detail}


def test_an_error_class_of_ones_own(serve: Serve) -> None:
    def fail() -> None:
        raise SoldOutError

    answer = serve(failing(fail)).get("/own")

    assert (answer.status_code, answer.json()) == (409, {"detail": "It is sold out"})


def test_an_error_keeps_its_headers(serve: Serve) -> None:
    class Twice(Unauthorized):
        def get_headers(self, *_: Any) -> list[tuple[str, str]]:
            return [("Link", "</first>"), ("Link", "</second>")]

    def fail() -> None:
        raise Twice

    answer = serve(failing(fail)).get("/own")

    assert answer.status_code == 401
    assert answer.headers.get_list("Link") == ["</first>", "</second>"]


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (lambda: abort(404, response=Response("own", 418)), 418, "own"),
        (lambda: abort(Response("own", 418)), 418, "own"),
        (lambda: abort(redirect("/there", 303)), 303, "/there"),
    ],
)
def test_a_response_of_ones_own_is_sent_as_it_is(
    serve: Serve, error: Callable[..., Any], status: int, text: str
) -> None:
    answer = serve(failing(error)).get("/own")

    assert answer.status_code == status
    assert text in answer.text


@pytest.mark.parametrize(
    "view", [lambda: abort(304), lambda: Response(status=304), lambda: ("text", 204)]
)
def test_without_a_body(serve: Serve, view: Callable[..., Any]) -> None:
    answer = serve(failing(view)).get("/own")

    assert answer.status_code in {204, 304}
    assert answer.content == b""
    assert "Content-Type" not in answer.headers


def test_a_handler_of_ones_own(serve: Serve) -> None:
    def init_app(app: Flask) -> None:
        app.register_error_handler(Exception, lambda error: ({"own": str(error)}, 500))
        failing(lambda: 1 / 0)(app)

    client = serve(init_app)

    assert client.get("/own").json() == {"own": "division by zero"}
    assert client.get("/nothing").json() == {"detail": "Not Found"}


def test_a_handler_of_http_errors_of_ones_own(serve: Serve) -> None:
    def init_app(app: Flask) -> None:
        app.register_error_handler(HTTPException, lambda error: (error.name, error.code))

    assert serve(init_app).get("/nothing").text == "Not Found"


def test_a_form_of_very_many_fields_is_refused(serve: Serve) -> None:
    client = serve(failing(lambda: str(len(request.form))))

    answers = [
        client.post(
            "/own",
            content=b"&".join(b"f%d=" % number for number in range(count)),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        for count in (1000, 1001)
    ]

    assert [answer.status_code for answer in answers] == [200, 413]
    assert answers[0].text == "1000"


def test_chunks_that_are_none_are_refused(serve: Serve) -> None:
    class Broken:
        def read(self, _: int) -> bytes:
            raise RuntimeError("not a chunk")

    def init_app(app: Flask) -> None:
        failing(lambda: request.data)(app)
        inner = app.wsgi_app

        def with_broken_body(environ: dict[str, Any], start_response: Any) -> Any:
            return inner({**environ, "wsgi.input": Broken()}, start_response)

        app.wsgi_app = with_broken_body  # type: ignore[method-assign]

    answer = serve(init_app).post("/own", content=iter([b"a"]))

    assert answer.status_code == 400
    assert answer.json() == {"detail": "Bad Request"}


def test_a_view_has_a_limit_of_its_own_for_chunks(serve: Serve) -> None:
    def count() -> str:
        request.max_content_length = 150_000
        return str(len(BufferedReader(cast("RawIOBase", request.stream)).read()))

    client = serve(failing(count))

    answers = [client.post("/own", content=iter([b"x" * size])) for size in (150_000, 150_001)]

    assert [answer.status_code for answer in answers] == [200, 413]
    assert answers[0].text == "150000"


def test_middleware_around_the_views(serve: Serve) -> None:
    def init_app(app: Flask) -> None:
        def stop(environ: dict[str, Any], start_response: Any) -> Any:
            return Response("stopped", 503)(environ, start_response)

        app.wsgi_app = stop  # type: ignore[method-assign]

    answer = serve(init_app).get("/health")

    assert (answer.status_code, answer.text) == (503, "stopped")
    assert "X-Process-Time" in answer.headers
    assert "X-Request-ID" in answer.headers


def count_visits() -> str:
    session["visits"] = session.get("visits", 0) + 1
    return str(session["visits"])


def test_the_session_of_a_browser(
    start: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(custom, "init_app", failing(count_visits))
    client = start(secret_key="x" * 32)

    answers = [client.get("/own") for _ in range(2)]

    assert [answer.text for answer in answers] == ["1", "2"]
    assert "SameSite=Lax" in answers[0].headers["Set-Cookie"]
    assert "HttpOnly" in answers[0].headers["Set-Cookie"]


def test_the_session_of_a_browser_needs_a_key(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    assert serve(failing(count_visits)).get("/own").status_code == 500
    assert "set SECRET_KEY" in caplog.text


def test_a_key_that_is_short_is_refused(start: Callable[..., Client]) -> None:
    with pytest.raises(ValueError, match="at least 32 characters"):
        start(secret_key="short")
#{% endfilter %}
