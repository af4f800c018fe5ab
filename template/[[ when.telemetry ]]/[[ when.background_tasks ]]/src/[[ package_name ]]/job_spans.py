"""What is known of jobs: a span for each, how long they take, and how many are to be done."""

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

jobs_unfinished = Gauge("jobs_unfinished", "Jobs that wait or run.", multiprocess_mode="livesum")
job_durations = Histogram(
    "job_duration_seconds", "Duration of jobs.", ["name", "outcome"], buckets=BUCKETS
)
meter = metrics.get_meter(__package__)
exported_unfinished = meter.create_up_down_counter(
    "jobs.unfinished", description="Jobs that wait or run."
)
exported_durations = meter.create_histogram(
    "job.duration",
    unit="s",
    description="Duration of jobs.",
    explicit_bucket_boundaries_advisory=BUCKETS,
)


def followed(job: Callable[P, object]) -> Callable[P, None]:
    """Count a job as to be done from now on, and make it a part of the trace that it begins in."""
    name = getattr(job, "__qualname__", type(job).__qualname__)
    trace = context.get_current()
    jobs_unfinished.inc()
    exported_unfinished.add(1)

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
            jobs_unfinished.dec()
            exported_unfinished.add(-1)
            job_durations.labels(name, outcome).observe(seconds)
            exported_durations.record(seconds, {"name": name, "outcome": outcome})

    return run
