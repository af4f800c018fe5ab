"""The application factory."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from . import (
    custom,
    docs,
    errors,
    middleware,
    proxies,
    templating,
)
from .routes.health import health_router
from .routes.pages import pages_router
from .routing import OneThreadRoute
from .settings import Settings


def operation_ids() -> Callable[..., str]:
    """Name operations of the API like their functions; with the path where a name is taken."""
    named: dict[str, tuple[str, set[str] | None]] = {}

    def operation_id(route: APIRoute) -> str:
        operation = (route.path_format, route.methods)
        if named.setdefault(route.name, operation) == operation:
            return route.name
        method = min(route.methods or ()).lower()
        return re.sub(r"\W", "_", f"{route.name}{route.path_format}_{method}")

    return operation_id


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """Share the state with the applications that are mounted in this one."""
    yield {"service": app.state}


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the application; tests give it settings of their own."""
    settings = settings or Settings()
    app = FastAPI(
        title="Servicewright builder",
        description="Shows services before they are written.",
        version="0.1.0",
        openapi_url="/openapi.json" if settings.docs else None,
        generate_unique_id_function=operation_ids(),
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.settings = settings
    app.router.route_class = OneThreadRoute
    errors.init_app(app)
    templating.init_app(app)

    # What is asked most comes first: FastAPI looks through them in this order.
    app.include_router(health_router)
    app.include_router(pages_router)
    if settings.docs:
        docs.init_app(app)
    custom.init_app(app)
    # Last, and so around what is your own.
    middleware.init_app(app, settings)
    proxies.init_app(app, settings)
    return app
