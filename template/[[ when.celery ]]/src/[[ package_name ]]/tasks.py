"""The jobs that workers run."""

from pathlib import Path
from typing import Any

from .celery_app import Job, celery
from .uploads import Uploads


def shared_uploads() -> Uploads:
    """Give the uploads, whose jobs are those below."""
    return Uploads(Path(celery.settings.data_directory), start_processing)


class UploadJob(Job):
    """The job of an upload, which ends as done or failed whatever happens."""

    def on_failure(self, exc: Exception, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        """Note that the job is given up."""
        super().on_failure(exc, task_id, args, kwargs, einfo)
        shared_uploads().fail(*args)


@celery.task(base=UploadJob)
def process_upload(filename: str, key: str) -> None:
    """Do the job of an upload."""
    shared_uploads().process(filename, key)


def start_processing(filename: str, key: str) -> None:
    """Send the job of an upload to a worker; it has the same id however often it is sent."""
    process_upload.apply_async((filename, key), task_id=key)


@celery.task(base=Job)
def resume_uploads() -> None:
    """Send the jobs of uploads again that have been waiting for long: they may be lost."""
    # What a job holds for so long was given to another worker.
    longest: float = 2 * celery.conf.task_time_limit
    shared_uploads().resume(longest)


celery.conf.beat_schedule = {
    "resume-uploads": {
        "task": resume_uploads.name,
        "schedule": 300.0,
        # One is enough, however long no worker was there.
        "options": {"expires": 300},
    },
    # Your own:
}
