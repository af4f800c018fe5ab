"""A worker for tests."""

import os
from collections.abc import Iterator
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
