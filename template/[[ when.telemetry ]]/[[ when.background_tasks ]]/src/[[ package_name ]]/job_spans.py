#{% filter imports %}
#{% if when.celery %}
"""What is known of jobs: a span for each, and how long they take."""
#{% else %}
"""What is known of jobs: a span for each, how long they take, and how many are to be done."""
#{% endif %}

import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from opentelemetry import context, metrics
from prometheus_client import Gauge, Histogram

from .tracing import tracer

P = ParamSpec("P")
# Seconds.
BUCKETS = (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 600)

#{% if when.in_process %}
jobs_unfinished = Gauge("jobs_unfinished", "Jobs that wait or run.", multiprocess_mode="livesum")
job_durations = Histogram(
    "job_duration_seconds", "Duration of jobs.", ["name", "outcome"], buckets=BUCKETS
)
#{% endif %}
meter = metrics.get_meter(__package__)
#{% if when.in_process %}
exported_unfinished = meter.create_up_down_counter(
    "jobs.unfinished", description="Jobs that wait or run."
)
#{% endif %}
exported_durations = meter.create_histogram(
    "job.duration",
    unit="s",
    description="Duration of jobs.",
    explicit_bucket_boundaries_advisory=BUCKETS,
)


def followed(job: Callable[P, object]) -> Callable[P, None]:
    #{% if when.celery %}
    """Make a job a part of the trace that it is sent in, and measure it."""
    #{% else %}
    """Count a job as to be done from now on, and make it a part of the trace that it begins in."""
    #{% endif %}
    name = getattr(job, "__qualname__", type(job).__qualname__)
    trace = context.get_current()
    #{% if when.in_process %}
    jobs_unfinished.inc()
    exported_unfinished.add(1)
    #{% endif %}

    @wraps(job)
    def run(*arguments: P.args, **options: P.kwargs) -> None:
        started = time.perf_counter()
        outcome = "failed"
        try:
            with tracer.start_as_current_span(f"job {name}", context=trace):
                job(*arguments, **options)
            outcome = "done"
        finally:
            seconds = time.perf_counter() - started
            #{% if when.in_process %}
            jobs_unfinished.dec()
            exported_unfinished.add(-1)
            job_durations.labels(name, outcome).observe(seconds)
            #{% endif %}
            exported_durations.record(seconds, {"name": name, "outcome": outcome})

    return run
#{% endfilter %}
