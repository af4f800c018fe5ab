"""The OpenAPI document and the pages that show it; FastAPI's own load whatever is newest."""

import re
import warnings
from string import Template
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from .browsers import REDOC, SWAGGER_UI, documentation_page


def show(request: Request, scripts: Template) -> HTMLResponse:
    """Write a page."""
    url = f"{request.scope.get('root_path', '')}{request.app.openapi_url}"
    page, headers = documentation_page(scripts, url)
    return HTMLResponse(page, headers=headers)


def name_apart(paths: dict[str, dict[str, Any]]) -> None:
    """Name the methods of a route apart: FastAPI gives them one name, and warns of it."""
    methods: dict[str, str] = {}
    for path, operations in paths.items():
        words = re.sub(r"\W", "_", path)
        for method, operation in sorted(operations.items()):
            name = operation["operationId"]
            if name in methods:
                name = f"{name.removesuffix(f'{words}_{methods[name]}')}{words}_{method}"
                operation["operationId"] = name
            methods[name] = method


def init_app(app: FastAPI) -> None:
    """Serve the pages, and let the document be complete."""
    write = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema:
            return app.openapi_schema
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Duplicate Operation ID")
            document = write()
        name_apart(document["paths"])
        return document

    app.openapi = openapi  # type: ignore[method-assign]

    @app.get("/docs", include_in_schema=False)
    async def show_swagger_ui(request: Request) -> HTMLResponse:
        """Show the document with Swagger UI."""
        return show(request, SWAGGER_UI)

    @app.get("/redoc", include_in_schema=False)
    async def show_redoc(request: Request) -> HTMLResponse:
        """Show the document with ReDoc."""
        return show(request, REDOC)
