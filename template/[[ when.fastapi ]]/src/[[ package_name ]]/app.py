#{% set routes = "template/[[ when.fastapi ]]/[[ when.modular ]]/src/[[ package_name ]]/routes" %}
#{% set json_home = "template/[[ when.fastapi ]]/[[ when.json_home ]]/[[ when.modular ]]/src/[[ package_name ]]/routes" %}
#{% if when.modular %}
"""The application factory."""
#{% else %}
"""The application factory and the routes."""
#{% endif %}

#{% if when.database %}
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
#{% if when.modular %}

#{% endif %}
#{% endif %}
#{% if when.single_module %}
from typing import Annotated

#{% endif %}
#{% if when.modular %}
from fastapi import FastAPI
from fastapi.routing import APIRoute
#{% else %}
from fastapi import (
    APIRouter,
    FastAPI,
    #{% if when.database %}
    HTTPException,
    #{% endif %}
    Query,
    Response,
)
from fastapi.routing import APIRoute
#{% endif %}

from . import errors, middleware
#{% if when.database %}
from .database import Database, connect
#{% endif %}
#{% if when.modular %}
from .routes.health import health_router
#{% if when.json_home %}
from .routes.home import home_router
#{% endif %}
from .routes.items import items_router
#{% else %}
from .dependencies import (
    #{% if when.database %}
    DatabaseDep,
    #{% endif %}
    #{% if when.json_home %}
    SettingsDep,
    #{% endif %}
    StoreDep,
)
from .health import Health
#{% if when.json_home %}
from .home import Home
#{% endif %}
from .items import ItemCreate, ItemId, ItemPage, ItemPublic, ItemQuery, ItemUpdate
from .problems import InvalidRequest, Problem
#{% endif %}
from .settings import Settings
#{% if when.in_memory %}
from .store import ItemStore
#{% endif %}

#{% if when.single_module %}
#{% if when.json_home %}
#{% include json_home ~ "/home.py" %}


#{% endif %}
#{% include routes ~ "/health.py" %}


#{% include routes ~ "/items.py" %}

#{% endif %}

def operation_id(route: APIRoute) -> str:
    """Name an operation of the API like its function."""
    return route.name


#{% if when.database %}
@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Bring the database up to date at the start and let go of it at the end."""
    database: Database = app.state.database
    if app.state.settings.migrate_on_start:
        database.upgrade()
    yield
    database.engine.dispose()


def create_app(settings: Settings | None = None, database: Database | None = None) -> FastAPI:
    """Build the application; tests give it settings and a database of their own."""
#{% else %}
def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the application; tests give it settings of their own."""
#{% endif %}
    settings = settings or Settings()
    app = FastAPI(
        title=[[ project_name | quoted ]],
        description=[[ description | quoted ]],
        version="0.1.0",
        generate_unique_id_function=operation_id,
        redirect_slashes=False,
        #{% if when.database %}
        lifespan=lifespan,
        #{% endif %}
    )
    app.state.settings = settings
    #{% if when.database %}
    app.state.database = database or connect(settings)
    #{% else %}
    app.state.store = ItemStore()
    #{% endif %}
    errors.init_app(app)
    middleware.init_app(app, settings)

    #{% if when.json_home %}
    app.include_router(home_router)
    #{% endif %}
    app.include_router(health_router)
    app.include_router(items_router)
    # Your own routers:

    return app
