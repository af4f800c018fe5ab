"""The bodies of requests and answers."""

from io import BytesIO, RawIOBase
from typing import IO, Any, cast

from flask import Flask, Request, Response
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.utils import cached_property


class Chunks(RawIOBase):
    """A body in chunks, which is refused over its limit: Werkzeug would cut it off there."""

    def __init__(self, body: IO[bytes], limit: int | None) -> None:
        self.body = body
        self.limit = limit
        self.received = 0

    def readable(self) -> bool:
        """Tell that this is to be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read on; the servers have errors of their own for chunks that are none."""
        try:
            chunk = self.body.read(len(buffer))
        except Exception as error:
            raise ClientDisconnected from error
        self.received += len(chunk)
        if self.limit is not None and self.received > self.limit:
            raise RequestEntityTooLarge
        buffer[: len(chunk)] = chunk
        return len(chunk)


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


class LimitedRequest(Request):
    """A request whose body has a limit however it comes, and so have the fields of its form."""

    form_data_parser_class = FormParser

    @cached_property
    def stream(self) -> IO[bytes]:
        """The body, to be read once."""
        if self.content_length is None and self.environ.get("wsgi.input_terminated"):
            return cast("IO[bytes]", Chunks(self.input_stream, self.max_content_length))
        return super().stream


def without_body(response: Response) -> Response:
    """Let an answer that has no body claim no type of it."""
    if response.status_code in {204, 304}:
        response.headers.pop("Content-Type", None)
    return response


def init_app(app: Flask) -> None:
    """Install the hook and the kind of requests."""
    app.request_class = LimitedRequest
    app.after_request(without_body)
