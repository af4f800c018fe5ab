#{% filter imports | fitted %}
#{% if when.modular %}
"""The application factory."""
#{% else %}
"""The application factory and the routes."""
#{% endif %}

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import (
    FastAPI,
)
from fastapi.routing import APIRoute

from . import (
    admin_site,
    cors,
    custom,
    docs,
    errors,
    middleware,
    proxies,
    request_telemetry,
    templating,
)
from .admission import Admission
from .celery_app import celery
from .database import Database, connect
from .dependencies import (
    LONGEST_WAIT,
    connections_of,
)
from .routes.account import account_router
from .routes.health import health_router
from .routes.home import home_router
#{% for resource in kept %}
#{% filter about(resource) %}
from .routes.widgets import widgets_router
#{% endfilter %}
#{% endfor %}
from .routes.login import login_router
from .routes.metrics import metrics_router
from .routes.pages import pages_router
from .routes.uploads import uploads_router
from .routing import OneThreadRoute
from .security import Logins
from .settings import Settings
#{% for resource in kept %}
#{% filter about(resource) %}
from .store import WidgetStore
#{% endfilter %}
#{% endfor %}
from .tasks import shared_uploads
from .uploads import Uploads
from .users import first_users


#{% if when.single_module %}
#{% for name in ["home", "login", "pages", "health", "metrics", "resources", "account", "uploads"] if name in routes %}
#{% for resource in (kept if name == "resources" else [none]) %}
#{% filter replace("from ..", "from .") %}
#{% include routes[name] %}
#{% endfilter %}


#{% endfor %}
#{% endfor %}
#{% endif %}
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


#{% if when.database %}
@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """Bring the database up to date at the start and let go of it at the end."""
    database: Database = app.state.database
    if app.state.settings.migrate_on_start:
        database.upgrade()
    yield {"service": app.state}
    database.engine.dispose()


def create_app(settings: Settings | None = None, database: Database | None = None) -> FastAPI:
    """Build the application; tests give it settings and a database of their own."""
#{% else %}
@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """Share the state with the applications that are mounted in this one."""
    yield {"service": app.state}


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the application; tests give it settings of their own."""
#{% endif %}
    settings = settings or Settings()
    app = FastAPI(
        title=[[ project_name | python_string ]],
        description=[[ description | python_string ]],
        version="0.1.0",
        openapi_url="/openapi.json" if settings.docs else None,
        generate_unique_id_function=operation_ids(),
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        #{% if when.telemetry %}
        telemetry=request_telemetry.options(),
        #{% endif %}
    )
    app.state.settings = settings
    #{% if when.asks %}
    app.state.logins = Logins(settings)
    #{% endif %}
    #{% if when.database %}
    app.state.database = database = database or connect(settings)
    app.state.sessions = Admission(connections_of(database), LONGEST_WAIT)
    #{% else %}
    #{% if when.jwt %}
    app.state.user_store = first_users(settings)
    #{% endif %}
    #{% for resource in kept %}
    #{% filter about(resource) %}
    app.state.widget_store = WidgetStore([[ resource.given("app.state.{}_store") ]])
    #{% endfilter %}
    #{% endfor %}
    #{% endif %}
    #{% if when.in_process %}
    app.state.uploads = Uploads([[ "settings" if when.object_storage else "Path(settings.data_directory)" ]])
    #{% elif when.celery %}
    celery.init_app([[ "settings, database" if when.database else "settings" ]])
    app.state.uploads = shared_uploads([[ "settings.storage_timeout" if when.object_storage else "" ]])
    #{% endif %}
    app.router.route_class = OneThreadRoute
    errors.init_app(app)
    #{% if when.pages %}
    templating.init_app(app)
    #{% endif %}

    # What is asked most comes first: FastAPI looks through them in this order.
    #{% for resource in kept %}
    #{% filter about(resource) %}
    app.include_router(widgets_router)
    #{% endfilter %}
    #{% endfor %}
    app.include_router(health_router)
    #{% if when.telemetry %}
    app.include_router(metrics_router)
    #{% endif %}
    #{% if when.json_home %}
    app.include_router(home_router)
    #{% else %}
    app.include_router(pages_router)
    #{% endif %}
    #{% if when.auth %}
    app.include_router(account_router)
    #{% endif %}
    #{% if when.login_page %}
    app.include_router(login_router)
    #{% endif %}
    #{% if when.background_tasks %}
    app.include_router(uploads_router)
    #{% endif %}
    if settings.docs:
        docs.init_app(app)
    #{% if when.admin %}
    admin_site.init_app(app)
    #{% endif %}
    custom.init_app(app)
    # Last, and so around what is your own.
    middleware.init_app(app, settings)
    #{% if when.cors %}
    cors.init_app(app, settings)
    #{% endif %}
    #{% if when.docker %}
    proxies.init_app(app, settings)
    #{% endif %}
    return app
#{% endfilter %}
