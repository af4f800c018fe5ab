#{% filter imports %}
"""What is measured: for Prometheus, which asks at /metrics, and for a collector of OpenTelemetry."""

import os
from collections.abc import Mapping

from opentelemetry.metrics import get_meter
from opentelemetry.util.types import AttributeValue
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from .queue_metrics import WaitingJobs

CONTENT_TYPE = CONTENT_TYPE_LATEST
# Asked every few seconds by what watches the service: they would hide what happens to its users.
UNWATCHED = {"/health", "/metrics", "/ready"}
# Seconds.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
# What requests are told apart by; Prometheus takes no dots.
ATTRIBUTES = ("http.request.method", "http.route", "http.response.status_code")

request_durations = Histogram(
    "http_server_request_duration_seconds",
    "Duration of requests.",
    [attribute.replace(".", "_") for attribute in ATTRIBUTES],
    buckets=BUCKETS,
)
exported_durations = get_meter(__package__).create_histogram(
    "http.server.request.duration",
    unit="s",
    description="Duration of requests.",
    explicit_bucket_boundaries_advisory=BUCKETS,
)
#{% if when.celery %}
waiting_jobs = WaitingJobs()
REGISTRY.register(waiting_jobs)
#{% endif %}


def observe_request(seconds: float, attributes: Mapping[str, AttributeValue]) -> None:
    """Count a request that was answered, by its route: paths are without number."""
    labels = (attributes.get(attribute, "") for attribute in ATTRIBUTES)
    request_durations.labels(*labels).observe(seconds)
    exported_durations.record(seconds, attributes)


def exposition() -> bytes:
    """Write all that was measured, by all processes of the server, as Prometheus reads it."""
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    #{% if when.celery %}
    registry.register(waiting_jobs)
    #{% endif %}
    return generate_latest(registry)
#{% endfilter %}
