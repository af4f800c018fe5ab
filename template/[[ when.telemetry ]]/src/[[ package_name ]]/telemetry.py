#{% filter imports %}
"""Traces and metrics for a collector of OpenTelemetry: when they begin to be sent, and end."""

from collections.abc import Callable
from threading import Event, Thread
from uuid import uuid4

from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.util.re import parse_env_headers

from . import sql_spans
from .settings import Settings

# Seconds that a collector has to take something in.
EXPORT_TIMEOUT = 5
# Seconds that it is given for the last of all, when the service stops.
LAST_EXPORT = 5


def is_configured() -> bool:
    """Tell whether traces go anywhere, by this service or by what your own code has set up."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


class QueryRemover(SpanProcessor):
    """Keeps the query of a request from the collector, for it may hold secrets."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Overwrite it where whoever made the span has noted it."""
        if "url.query" in (span.attributes or {}):
            span.set_attribute("url.query", "REDACTED")


def start(settings: Settings) -> Callable[..., None]:
    """Begin to send traces and metrics if it is set where to, and give what ends that.

    Each process has to: threads do the sending, and a fork leaves them behind.
    """
    address = settings.otel_exporter_otlp_endpoint
    if address is None or is_configured():
        return lambda: None
    # They take long to import, and without an address nobody needs them.
    from opentelemetry.exporter.otlp.proto.http import (  # noqa: PLC0415
        metric_exporter,
        trace_exporter,
    )

    endpoint = str(address).rstrip("/")
    headers = parse_env_headers(settings.otel_exporter_otlp_headers, liberal=True)
    names = {"service.name": settings.otel_service_name, "service.instance.id": str(uuid4())}
    resource = Resource.create(names)
    spans = trace_exporter.OTLPSpanExporter(
        f"{endpoint}/v1/traces", headers=headers, timeout=EXPORT_TIMEOUT
    )
    traces = TracerProvider(resource=resource, shutdown_on_exit=False)
    traces.add_span_processor(QueryRemover())
    traces.add_span_processor(BatchSpanProcessor(spans))
    figures = metric_exporter.OTLPMetricExporter(
        f"{endpoint}/v1/metrics", headers=headers, timeout=EXPORT_TIMEOUT
    )
    meters = MeterProvider(
        [PeriodicExportingMetricReader(figures)], resource=resource, shutdown_on_exit=False
    )
    trace.set_tracer_provider(traces)
    metrics.set_meter_provider(meters)
    #{% if when.database %}
    sql_spans.start()
    #{% endif %}

    ending = Event()

    def end() -> None:
        ending.wait()
        traces.shutdown()
        meters.shutdown()

    # Made now: Python starts no thread while it exits, and this one is not waited for any longer.
    last = Thread(target=end, name="telemetry", daemon=True)
    last.start()

    def stop() -> None:
        ending.set()
        last.join(LAST_EXPORT)

    return stop
#{% endfilter %}
