"""Metrics of several processes: each writes its own into files, and any of them reads all."""

import os
import shutil
from tempfile import mkdtemp
from typing import Any

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"


def share() -> None:
    """Make a place for the files, before the application is imported; never that of another server."""
    os.environ[DIRECTORY] = mkdtemp(prefix="metrics-")


def on_worker_exit(_: object, worker: Any) -> None:
    """Keep what a process has counted, and forget what it was about to do."""
    # It may be imported when the place is known.
    from prometheus_client import multiprocess  # noqa: PLC0415

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_server_exit(_: object) -> None:
    """Remove the files."""
    shutil.rmtree(os.environ[DIRECTORY], ignore_errors=True)
