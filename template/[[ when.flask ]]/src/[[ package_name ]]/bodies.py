"""The bodies of requests and answers."""

from collections.abc import Iterable
from io import BytesIO
from typing import IO, Any
from wsgiref.types import InputStream, StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Request, Response
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser


class Chunks:
    """A body in chunks."""

    def __init__(self, body: InputStream) -> None:
        self.body = body

    def read(self, size: int = -1) -> bytes:
        """Read on; the servers have errors of their own for chunks that are none."""
        try:
            return self.body.read(size)
        except Exception as error:
            raise OSError("The body is not in chunks") from error


class ChunksMiddleware:
    """Has a body in chunks that are none refused as one that is cut off."""

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Put a reader between the server and the application."""
        if "HTTP_TRANSFER_ENCODING" in environ:
            environ["wsgi.input"] = Chunks(environ["wsgi.input"])
        return self.app(environ, start_response)


class FormParser(FormDataParser):
    """Counts the fields of all kinds of forms; Werkzeug counts those of multipart forms only."""

    def parse(
        self,
        stream: IO[bytes],
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> Any:
        """Read a form."""
        if mimetype == "application/x-www-form-urlencoded":
            body = stream.read()
            if self.max_form_parts is not None and body.count(b"&") >= self.max_form_parts:
                raise RequestEntityTooLarge
            stream = BytesIO(body)
        return super().parse(stream, mimetype, content_length, options)


class FormRequest(Request):
    """A request whose form has a limited number of fields, ``MAX_FORM_PARTS``."""

    form_data_parser_class = FormParser


def without_body(response: Response) -> Response:
    """Let an answer that has no body claim no type of it."""
    if response.status_code in {204, 304}:
        response.headers.pop("Content-Type", None)
    return response


def init_app(app: Flask) -> None:
    """Install the middleware, the hook and the kind of requests."""
    app.request_class = FormRequest
    app.after_request(without_body)
    app.wsgi_app = ChunksMiddleware(app.wsgi_app)  # type: ignore[method-assign]
