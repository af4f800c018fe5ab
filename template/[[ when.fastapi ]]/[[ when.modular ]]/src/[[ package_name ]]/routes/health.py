#{% filter imports %}
"""Whether the service is up."""

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter

from ..dependencies import DatabaseDep
from ..health import Health
from ..problems import Problem, UnavailableError

health_router = APIRouter(tags=["health"])


@health_router.get("/health")
async def health() -> Health:
    """Tell that the process answers, whatever else is down."""
    return Health(status="ok")


#{% if when.database %}
@health_router.get("/ready", responses={503: {"model": Problem}})
async def ready(database: DatabaseDep) -> Health:
    """Tell whether requests can be served."""
    # In a thread that none of the other requests can hold.
    if not await to_thread.run_sync(database.answers, limiter=CapacityLimiter(1)):
        raise UnavailableError("The database does not answer")
    return Health(status="ready")
#{% else %}
@health_router.get("/ready")
async def ready() -> Health:
    """Tell whether requests can be served."""
    return Health(status="ready")
#{% endif %}
#{% endfilter %}
