#{% filter imports %}
"""The pages that show the OpenAPI document; FastAPI's own load whatever is newest."""

from string import Template
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from .browsers import REDOC, SWAGGER_UI, documentation_page
from .security import Logins


def show(request: Request, scripts: Template) -> HTMLResponse:
    """Write a page."""
    url = f"{request.scope.get('root_path', '')}{request.app.openapi_url}"
    page, headers = documentation_page(scripts, url)
    return HTMLResponse(page, headers=headers)


#{% if when.oidc %}
def name_issuer(app: FastAPI) -> None:
    """Let the document name the issuer of the settings."""
    logins: Logins = app.state.logins
    write = app.openapi

    def openapi() -> dict[str, Any]:
        document = write()
        document["components"]["securitySchemes"]["OpenIdConnect"] = logins.scheme
        return document

    app.openapi = openapi  # type: ignore[method-assign]


#{% endif %}
def init_app(app: FastAPI) -> None:
    """Serve the pages."""
    #{% if when.oidc %}
    name_issuer(app)
    #{% endif %}

    @app.get("/docs", include_in_schema=False)
    async def show_swagger_ui(request: Request) -> HTMLResponse:
        """Show the document with Swagger UI."""
        return show(request, SWAGGER_UI)

    @app.get("/redoc", include_in_schema=False)
    async def show_redoc(request: Request) -> HTMLResponse:
        """Show the document with ReDoc."""
        return show(request, REDOC)
#{% endfilter %}
