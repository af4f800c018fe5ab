#{% set here = "[[ when.fastapi ]]/" %}
#{% set routes = "[[ when.modular ]]/src/[[ package_name ]]/routes/" %}
#{% if when.modular %}
"""The application factory."""
#{% else %}
"""The application factory and the routes."""
#{% endif %}

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
#{% if when.background_tasks %}
from pathlib import Path
#{% endif %}
#{% if when.single_module %}
from typing import Annotated, Any
from urllib.parse import quote
#{% else %}
from typing import Any
#{% endif %}

#{% if when.modular %}
from fastapi import FastAPI
from fastapi.routing import APIRoute
#{% else %}
#{% if when.database %}
from anyio import CapacityLimiter, to_thread
#{% endif %}
from fastapi import (
    APIRouter,
    #{% if when.background_tasks %}
    BackgroundTasks,
    #{% endif %}
    #{% if when.background_tasks or when.pages %}
    Depends,
    #{% endif %}
    FastAPI,
    #{% if when.database %}
    HTTPException,
    #{% endif %}
    Query,
    Request,
    Response,
)
#{% if when.background_tasks %}
from fastapi.concurrency import contextmanager_in_threadpool, run_in_threadpool
#{% endif %}
#{% if when.pages %}
from fastapi.responses import RedirectResponse
#{% endif %}
from fastapi.routing import APIRoute
#{% endif %}

from . import (
    #{% if when.cors %}
    cors,
    #{% endif %}
    custom,
    docs,
    errors,
    middleware,
    #{% if when.docker %}
    proxies,
    #{% endif %}
    #{% if when.pages %}
    templating,
    #{% endif %}
)
#{% if when.database %}
from .admission import Admission
#{% endif %}
#{% if when.basic_auth and when.single_module %}
from .authentication import LoginRequired, UsernameDep
#{% endif %}
#{% if when.database %}
from .database import Database, connect
#{% endif %}
#{% if when.modular %}
#{% if when.database %}
from .dependencies import LONGEST_WAIT, connections_of
#{% endif %}
#{% if when.basic_auth %}
from .routes.account import account_router
#{% endif %}
from .routes.health import health_router
#{% if when.json_home %}
from .routes.home import home_router
#{% endif %}
from .routes.items import items_router
#{% if when.pages %}
from .routes.pages import pages_router
#{% endif %}
#{% if when.background_tasks %}
from .routes.uploads import uploads_router
#{% endif %}
from .routing import OneThreadRoute
#{% if when.basic_auth %}
from .security import Logins
#{% endif %}
#{% else %}
from .dependencies import (
    #{% if when.database %}
    DatabaseDep,
    #{% endif %}
    SettingsDep,
    StoreDep,
    #{% if when.database %}
    connections_of,
    #{% endif %}
)
from .health import Health
#{% if when.json_home %}
from .home import Home
#{% endif %}
from .items import ItemCreate, ItemId, ItemPage, ItemPublic, ItemQuery, ItemUpdate
#{% if when.pages %}
from .pages import read_item_form
#{% endif %}
from .problems import InvalidRequest, Problem
from .routing import OneThreadRoute
#{% if when.basic_auth %}
from .security import Account, Logins
#{% endif %}
#{% endif %}
from .settings import Settings
#{% if when.in_memory or (when.pages and when.single_module) %}
from .store import ItemStore
#{% endif %}
#{% if when.single_module and when.pages %}
from .templating import templates
#{% endif %}
#{% if when.background_tasks and when.single_module %}
from .uploads import Filename, Upload, UploadAccepted, Uploads
#{% elif when.background_tasks %}
from .uploads import Uploads
#{% endif %}

#{% if when.single_module %}
#{% if when.json_home %}
#{% include "template/" ~ here ~ "[[ when.json_home ]]/" ~ routes ~ "home.py" %}


#{% else %}
#{% include "template/[[ when.pages ]]/" ~ here ~ routes ~ "pages.py" %}


#{% endif %}
#{% include "template/" ~ here ~ routes ~ "health.py" %}


#{% include "template/" ~ here ~ routes ~ "items.py" %}


#{% if when.basic_auth %}
#{% include "template/[[ when.basic_auth ]]/" ~ here ~ routes ~ "account.py" %}


#{% endif %}
#{% if when.background_tasks %}
#{% include "template/[[ when.background_tasks ]]/" ~ here ~ routes ~ "uploads.py" %}


#{% endif %}
#{% else %}

#{% endif %}
def operation_id(route: APIRoute) -> str:
    """Name an operation of the API like its function."""
    return route.name


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    #{% if when.database %}
    """Bring the database up to date at the start and let go of it at the end."""
    database: Database = app.state.database
    if app.state.settings.migrate_on_start:
        database.upgrade()
    yield {"service": app.state}
    database.engine.dispose()
    #{% else %}
    """Share the state with the applications that are mounted in this one."""
    yield {"service": app.state}
    #{% endif %}


#{% if when.database %}
def create_app(settings: Settings | None = None, database: Database | None = None) -> FastAPI:
    """Build the application; tests give it settings and a database of their own."""
#{% else %}
def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the application; tests give it settings of their own."""
#{% endif %}
    settings = settings or Settings()
    app = FastAPI(
        title=[[ project_name | python_string ]],
        description=[[ description | python_string ]],
        version="0.1.0",
        openapi_url="/openapi.json" if settings.docs else None,
        generate_unique_id_function=operation_id,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.settings = settings
    #{% if when.basic_auth %}
    app.state.logins = Logins(settings)
    #{% endif %}
    #{% if when.database %}
    app.state.database = database = database or connect(settings)
    app.state.sessions = Admission(connections_of(database), LONGEST_WAIT)
    #{% else %}
    app.state.store = ItemStore()
    #{% endif %}
    #{% if when.background_tasks %}
    app.state.uploads = Uploads(Path(settings.data_directory))
    #{% endif %}
    app.router.route_class = OneThreadRoute
    errors.init_app(app)
    if settings.docs:
        docs.init_app(app)
    #{% if when.pages %}
    templating.init_app(app)
    #{% endif %}

    app.include_router(health_router)
    #{% if when.json_home %}
    app.include_router(home_router)
    #{% else %}
    app.include_router(pages_router)
    #{% endif %}
    app.include_router(items_router)
    #{% if when.basic_auth %}
    app.include_router(account_router)
    #{% endif %}
    #{% if when.background_tasks %}
    app.include_router(uploads_router)
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
