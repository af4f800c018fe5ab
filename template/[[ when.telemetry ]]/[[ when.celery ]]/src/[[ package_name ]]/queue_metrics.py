"""How many jobs wait for a worker, as the broker tells."""

import logging
from collections.abc import Iterator
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from .celery_app import celery

logger = logging.getLogger(__name__)


class WaitingJobs(Collector):
    """Asks the broker whenever Prometheus asks; what it does not say is left out."""

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Name the metric."""
        yield GaugeMetricFamily("jobs_unfinished", "Jobs that wait for a worker.")

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Measure."""
        try:
            waiting = self._count()
        except Exception as error:
            logger.warning("The broker does not tell how many jobs wait: %s", type(error))
            return
        for metric in self.describe():
            metric.add_metric([], waiting)
            yield metric

    def _count(self) -> int:
        with celery.connection_for_read() as connection:
            # Who scrapes would wait for two seconds until it is tried again.
            connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
            # As services and workers declare it.
            channel: Any = connection.channel()
            queue = celery.conf.task_default_queue
            found = channel.queue_declare(queue, durable=True, auto_delete=False)
            count: int = found.message_count
            return count
