"""What Prometheus collects."""

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Response

from ..metrics import CONTENT_TYPE, exposition
from ..request_telemetry import exporting

metrics_router = APIRouter(lifespan=exporting)


@metrics_router.get("/metrics", include_in_schema=False)
async def read_metrics() -> Response:
    """Tell what was measured."""
    # In a thread that none of the other requests can hold.
    text = await to_thread.run_sync(exposition, limiter=CapacityLimiter(1))
    return Response(text, media_type=CONTENT_TYPE)
