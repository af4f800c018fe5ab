"""Whether the service is up."""

from fastapi import APIRouter

from ..health import Health

health_router = APIRouter(tags=["health"])


@health_router.get("/health")
async def health() -> Health:
    """Tell that the process answers, whatever else is down."""
    return Health(status="ok")


@health_router.get("/ready")
async def ready() -> Health:
    """Tell whether requests can be served."""
    return Health(status="ready")
