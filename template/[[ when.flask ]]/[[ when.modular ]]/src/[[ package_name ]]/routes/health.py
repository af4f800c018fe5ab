#{% filter imports %}
"""Whether the service is up."""

from flask import Blueprint

from ..dependencies import get_database
from ..health import Health
from ..openapi import operation
from ..problems import UnavailableError

health_blueprint = Blueprint("health", __name__)


@health_blueprint.get("/health")
@operation()
def health() -> Health:
    """Tell that the process answers, whatever else is down."""
    return Health(status="ok")


#{% if when.database %}
@health_blueprint.get("/ready")
@operation(errors=[503])
def ready() -> Health:
    """Tell whether requests can be served."""
    if not get_database().answers():
        raise UnavailableError("The database does not answer")
    return Health(status="ready")
#{% else %}
@health_blueprint.get("/ready")
@operation()
def ready() -> Health:
    """Tell whether requests can be served."""
    return Health(status="ready")
#{% endif %}
#{% endfilter %}
