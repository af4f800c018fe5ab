#{% set routes = "template/[[ when.flask ]]/[[ when.modular ]]/src/[[ package_name ]]/routes" %}
#{% set json_home = "template/[[ when.flask ]]/[[ when.json_home ]]/[[ when.modular ]]/src/[[ package_name ]]/routes" %}
#{% if when.modular %}
"""The application factory."""

from flask import Flask

#{% else %}
"""The application factory and the routes."""

#{% if when.database %}
from flask import Blueprint, Flask, abort
#{% else %}
from flask import Blueprint, Flask
#{% endif %}

#{% endif %}
#{% if when.database %}
from . import dependencies, errors, middleware, openapi
from .database import Database, connect
#{% else %}
from . import errors, middleware, openapi
#{% endif %}
#{% if when.modular %}
from .routes.health import health_blueprint
#{% if when.json_home %}
from .routes.home import home_blueprint
#{% endif %}
from .routes.items import items_blueprint
#{% else %}
from .dependencies import (
    #{% if when.database %}
    get_database,
    #{% endif %}
    #{% if when.json_home %}
    get_settings,
    #{% endif %}
    get_store,
)
from .health import Health
#{% if when.json_home %}
from .home import Home
#{% endif %}
from .items import ItemCreate, ItemId, ItemPage, ItemPublic, ItemQuery, ItemUpdate
from .openapi import operation
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

#{% if when.database %}
def create_app(settings: Settings | None = None, database: Database | None = None) -> Flask:
    """Build the application; tests give it settings and a database of their own."""
#{% else %}
def create_app(settings: Settings | None = None) -> Flask:
    """Build the application; tests give it settings of their own."""
#{% endif %}
    settings = settings or Settings()
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_size
    app.url_map.merge_slashes = False
    app.extensions["settings"] = settings
    #{% if when.database %}
    app.extensions["database"] = database = database or connect(settings)
    if settings.migrate_on_start:
        database.upgrade()
    dependencies.init_app(app)
    #{% else %}
    app.extensions["store"] = ItemStore()
    #{% endif %}
    errors.init_app(app)
    middleware.init_app(app)
    openapi.init_app(
        app,
        title=[[ project_name | quoted ]],
        description=[[ description | quoted ]],
        version="0.1.0",
    )

    #{% if when.json_home %}
    app.register_blueprint(home_blueprint)
    #{% endif %}
    app.register_blueprint(health_blueprint)
    app.register_blueprint(items_blueprint)
    # Your own blueprints:

    return app
