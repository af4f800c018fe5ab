"""What FastAPI tells of requests: their spans and durations."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from anyio import to_thread
from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from opentelemetry.context import Context
from opentelemetry.metrics import Histogram, Meter, MeterProvider, NoOpHistogram, NoOpMeter
from opentelemetry.util.types import Attributes

from .metrics import UNWATCHED, observe_request
from .telemetry import start


class RequestDurations(NoOpHistogram):
    """Takes in how long requests were."""

    def record(
        self, amount: float, attributes: Attributes = None, context: Context | None = None
    ) -> None:
        """Count one."""
        observe_request(amount, attributes or {})


class RequestMeter(NoOpMeter):
    """Makes what FastAPI measures with."""

    def create_histogram(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        *,
        explicit_bucket_boundaries_advisory: Sequence[float] | None = None,
    ) -> Histogram:
        """Make the only one that FastAPI has."""
        return RequestDurations(name, unit, description)


class RequestMeters(MeterProvider):
    """Has FastAPI count for Prometheus, too, and where there is no collector."""

    def get_meter(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> Meter:
        """Give a meter."""
        return RequestMeter(name, version, schema_url)


def options() -> TelemetryConfig:
    """Give what ``FastAPI(telemetry=...)`` takes."""
    return {
        "exclude": lambda scope: scope["path"] in UNWATCHED,
        "logs": False,
        "meter_provider": RequestMeters(),
        "operation_spans": False,
    }


@asynccontextmanager
async def exporting(app: FastAPI) -> AsyncIterator[None]:
    """Send traces and metrics while the application runs."""
    stop = start(app.state.settings)
    try:
        yield
    finally:
        await to_thread.run_sync(stop)
