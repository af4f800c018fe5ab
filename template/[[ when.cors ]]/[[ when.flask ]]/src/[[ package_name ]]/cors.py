"""Which other origins may read the answers."""

import re

from flask import Flask, Response
from flask_cors import CORS

from .settings import Settings


def vary_by_origin(response: Response) -> Response:
    """Tell caches that an answer is for the origin of its request alone."""
    response.headers.add("Vary", "Origin")
    return response


def init_app(app: Flask, settings: Settings) -> None:
    """Install the extension."""
    any_origin = "*" in settings.cors_origins
    # The extension would take an origin with brackets for a pattern.
    origins = [re.compile(rf"{re.escape(origin)}\Z") for origin in settings.cors_origins]
    CORS(
        app,
        origins="*" if any_origin else origins,
        supports_credentials=settings.cors_credentials,
        methods=["DELETE", "GET", "PATCH", "POST", "PUT"],
        allow_headers=["Authorization", "Content-Type", "If-None-Match", "X-Request-ID"],
        expose_headers=["ETag", "Location", "Retry-After", "X-Process-Time", "X-Request-ID"],
        always_send=False,
        send_wildcard=True,
        vary_header=False,
    )
    app.after_request(vary_by_origin)
