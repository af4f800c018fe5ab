#{% filter imports | fitted %}
#{% if when.modular %}
"""The application factory."""
#{% else %}
"""The application factory and the routes."""
#{% endif %}

from pathlib import Path

from flask import (
    Flask,
)

from . import (
    admin_site,
    authentication,
    background,
    bodies,
    cors,
    custom,
    dependencies,
    docs,
    errors,
    middleware,
    proxies,
    request_telemetry,
)
from .celery_app import celery
from .database import Database, connect
from .dependencies import (
    get_settings,
)
from .routes.account import account_blueprint
from .routes.health import health_blueprint
from .routes.home import home_blueprint
#{% for resource in kept %}
#{% filter about(resource) %}
from .routes.widgets import widgets_blueprint
#{% endfilter %}
#{% endfor %}
from .routes.login import login_blueprint
from .routes.metrics import metrics_blueprint
from .routes.pages import pages_blueprint
from .routes.uploads import uploads_blueprint
from .security import Logins
from .sessions import Sessions
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
    app.session_interface = Sessions()
    app.url_map.merge_slashes = False
    app.extensions["settings"] = settings
    #{% if when.auth %}
    authentication.init_app(app, settings)
    #{% elif when.admin_password %}
    app.extensions["logins"] = Logins(settings)
    #{% endif %}
    #{% if when.database %}
    app.extensions["database"] = database = database or connect(settings)
    if settings.migrate_on_start and dependencies.is_starting():
        database.upgrade()
    dependencies.init_app(app)
    #{% else %}
    #{% if when.jwt %}
    app.extensions["user_store"] = first_users(settings)
    #{% endif %}
    #{% for resource in kept %}
    #{% filter about(resource) %}
    app.extensions["widget_store"] = WidgetStore([[ resource.given('app.extensions["{}_store"]') ]])
    #{% endfilter %}
    #{% endfor %}
    #{% endif %}
    #{% if when.in_process %}
    app.extensions["uploads"] = Uploads([[ "settings" if when.object_storage else "Path(settings.data_directory)" ]])
    #{% elif when.celery %}
    celery.init_app([[ "settings, database" if when.database else "settings" ]], app.app_context)
    app.extensions["celery"] = celery
    app.extensions["uploads"] = shared_uploads([[ "settings.storage_timeout" if when.object_storage else "" ]])
    #{% endif %}
    #{% if when.background_tasks %}
    background.init_app(app)
    #{% endif %}
    errors.init_app(app)
    bodies.init_app(app)
    middleware.init_app(app)
    #{% if when.cors %}
    cors.init_app(app, settings)
    #{% endif %}

    app.register_blueprint(health_blueprint)
    #{% if when.telemetry %}
    app.register_blueprint(metrics_blueprint)
    #{% endif %}
    #{% if when.json_home %}
    app.register_blueprint(home_blueprint)
    #{% else %}
    app.register_blueprint(pages_blueprint)
    #{% endif %}
    #{% for resource in kept %}
    #{% filter about(resource) %}
    app.register_blueprint(widgets_blueprint)
    #{% endfilter %}
    #{% endfor %}
    #{% if when.auth %}
    app.register_blueprint(account_blueprint)
    #{% endif %}
    #{% if when.login_page %}
    app.register_blueprint(login_blueprint)
    #{% endif %}
    #{% if when.background_tasks %}
    app.register_blueprint(uploads_blueprint)
    #{% endif %}
    #{% if when.admin %}
    admin_site.init_app(app)
    #{% endif %}
    custom.init_app(app)
    middleware.wrap(app)
    #{% if when.telemetry %}
    request_telemetry.wrap(app, settings)
    #{% endif %}
    #{% if when.docker %}
    proxies.init_app(app, settings)
    #{% endif %}
    if settings.docs:
        docs.init_app(
            app,
            title=[[ project_name | python_string ]],
            description=[[ description | python_string ]],
            version="0.1.0",
        )
    return app
#{% endfilter %}
