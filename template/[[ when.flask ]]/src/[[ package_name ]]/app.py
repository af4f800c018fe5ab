#{% set here = "[[ when.flask ]]/" %}
#{% set routes = "[[ when.modular ]]/src/[[ package_name ]]/routes/" %}
#{% if when.modular %}
"""The application factory."""
#{% else %}
"""The application factory and the routes."""
#{% endif %}

#{% if when.background_tasks %}
from pathlib import Path
#{% if when.single_module %}
from shutil import copyfileobj
#{% endif %}

#{% endif %}
#{% if when.modular %}
from flask import Flask
#{% else %}
from flask import (
    Blueprint,
    Flask,
    #{% if when.pages %}
    Response,
    #{% endif %}
    #{% if when.database %}
    abort,
    #{% endif %}
    #{% if when.background_tasks %}
    current_app,
    #{% endif %}
    #{% if when.pages %}
    make_response,
    redirect,
    render_template,
    #{% endif %}
    #{% if when.background_tasks or when.pages %}
    request,
    #{% endif %}
    url_for,
)
#{% if when.pages %}
from werkzeug.wrappers import Response as BaseResponse
#{% endif %}
#{% endif %}

from . import (
    #{% if when.background_tasks %}
    background,
    #{% endif %}
    bodies,
    #{% if when.cors %}
    cors,
    #{% endif %}
    custom,
    #{% if when.database %}
    dependencies,
    #{% endif %}
    docs,
    errors,
    middleware,
    #{% if when.docker %}
    proxies,
    #{% endif %}
)
#{% if when.basic_auth and when.single_module %}
from .authentication import get_username, login_required
#{% endif %}
#{% if when.background_tasks and when.single_module %}
from .background import run_after_response
#{% endif %}
#{% if when.database %}
from .database import Database, connect
#{% endif %}
#{% if when.modular %}
#{% if when.basic_auth %}
from .routes.account import account_blueprint
#{% endif %}
from .routes.health import health_blueprint
#{% if when.json_home %}
from .routes.home import home_blueprint
#{% endif %}
from .routes.items import items_blueprint
#{% if when.pages %}
from .routes.pages import pages_blueprint
#{% endif %}
#{% if when.background_tasks %}
from .routes.uploads import uploads_blueprint
#{% endif %}
#{% if when.basic_auth %}
from .security import Logins
#{% endif %}
#{% else %}
from .dependencies import (
    #{% if when.database %}
    get_database,
    #{% endif %}
    get_settings,
    get_store,
)
from .health import Health
#{% if when.json_home %}
from .home import Home
#{% endif %}
from .items import ItemCreate, ItemId, ItemPage, ItemPublic, ItemQuery, ItemUpdate
from .openapi import operation
#{% if when.pages %}
from .pages import read_item_form
#{% endif %}
#{% if when.basic_auth %}
from .security import Account, Logins
#{% endif %}
#{% endif %}
from .settings import Settings
#{% if when.in_memory %}
from .store import ItemStore
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
#{% if when.database %}
def create_app(settings: Settings | None = None, database: Database | None = None) -> Flask:
    """Build the application; tests give it settings and a database of their own."""
#{% else %}
def create_app(settings: Settings | None = None) -> Flask:
    """Build the application; tests give it settings of their own."""
#{% endif %}
    settings = settings or Settings()
    #{% if when.pages %}
    app = Flask(__name__)
    #{% else %}
    app = Flask(__name__, static_folder=None)
    #{% endif %}
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_size
    app.config["SECRET_KEY"] = settings.secret_key
    app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
    app.url_map.merge_slashes = False
    app.extensions["settings"] = settings
    #{% if when.basic_auth %}
    app.extensions["logins"] = Logins(settings)
    #{% endif %}
    #{% if when.database %}
    app.extensions["database"] = database = database or connect(settings)
    if settings.migrate_on_start and not dependencies.lists_routes():
        database.upgrade()
    dependencies.init_app(app)
    #{% else %}
    app.extensions["store"] = ItemStore()
    #{% endif %}
    #{% if when.background_tasks %}
    app.extensions["uploads"] = Uploads(Path(settings.data_directory))
    background.init_app(app)
    #{% endif %}
    errors.init_app(app)
    bodies.init_app(app)
    middleware.init_app(app)
    #{% if when.docker %}
    proxies.init_app(app, settings)
    #{% endif %}
    #{% if when.cors %}
    cors.init_app(app, settings)
    #{% endif %}

    app.register_blueprint(health_blueprint)
    #{% if when.json_home %}
    app.register_blueprint(home_blueprint)
    #{% else %}
    app.register_blueprint(pages_blueprint)
    #{% endif %}
    app.register_blueprint(items_blueprint)
    #{% if when.basic_auth %}
    app.register_blueprint(account_blueprint)
    #{% endif %}
    #{% if when.background_tasks %}
    app.register_blueprint(uploads_blueprint)
    #{% endif %}
    custom.init_app(app)
    if settings.docs:
        docs.init_app(
            app,
            title=[[ project_name | python_string ]],
            description=[[ description | python_string ]],
            version="0.1.0",
        )
    return app
