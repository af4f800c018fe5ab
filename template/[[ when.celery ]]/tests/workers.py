"""A worker for tests."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest import mock

import pytest
from celery.app import autoretry
from celery.contrib.testing.worker import start_worker

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.celery_app import celery
#{% endfilter %}


@contextmanager
def working() -> Iterator[None]:
    """Run jobs in a thread beside the block; what fails is tried again at once."""
    # A worker leaves variables in the environment.
    with mock.patch.dict(os.environ), pytest.MonkeyPatch.context() as patch:
        patch.setattr(autoretry, "get_exponential_backoff_interval", lambda **_: 0)
        with start_worker(celery, perform_ping_check=False):
            yield
            # At once: by itself it looks every two seconds whether it is to end.
            celery.control.shutdown()


def until(happened: Callable[..., object]) -> None:
    """Wait for something that a worker does."""
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.002)
