"""What jobs have of the application."""

import pytest
from flask import Flask, current_app
from workers import until

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.celery_app import Job, celery
#{% endfilter %}

seen: list[object] = []


@celery.task(base=Job)
def look() -> None:
    seen.append(current_app._get_current_object())  # type: ignore[attr-defined]


@pytest.mark.usefixtures("client")
def test_a_job_runs_in_the_context_of_the_application(app: Flask) -> None:
    look.delay()

    until(lambda: seen)
    assert seen == [app]
