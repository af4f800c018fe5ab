"""What jobs have of the application."""

from collections.abc import Callable

import pytest
from flask import current_app
from httpx2 import Client
from workers import until

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.celery_app import Job, celery
#{% endfilter %}

seen: list[str] = []


@celery.task(base=Job)
def look() -> None:
    seen.append(current_app.name)


@pytest.mark.usefixtures("client")
def test_a_job_runs_in_the_context_of_the_application(start: Callable[..., Client]) -> None:
    start()

    look.delay()

    until(lambda: seen)
    assert seen == ["[[ package_name ]].app"]
