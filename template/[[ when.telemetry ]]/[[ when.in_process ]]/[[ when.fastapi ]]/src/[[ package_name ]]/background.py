"""Jobs that run after the response."""

from collections.abc import Callable
from typing import ParamSpec

from fastapi import BackgroundTasks
from fastapi.concurrency import run_in_threadpool

from .job_spans import followed

P = ParamSpec("P")


def run_after_response(
    tasks: BackgroundTasks, job: Callable[P, object], *arguments: P.args, **options: P.kwargs
) -> None:
    """Start a job in a thread when the response has been sent, as a part of its trace."""

    async def run() -> None:
        # Counted from here on: without a response there is no job.
        await run_in_threadpool(followed(job), *arguments, **options)

    tasks.add_task(run)
