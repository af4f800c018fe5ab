#{% filter imports %}
"""The jobs that workers run."""

from pathlib import Path
from typing import Any

from .celery_app import Job, celery
from .storage import Storage
from .uploads import Uploads

# Seconds between looks for jobs that were lost.
INTERVAL = 300.0
#{% if when.object_storage %}
# Seconds for which a job waits for a storage that is down, each time that it is tried.
PATIENCE = 60


def shared_uploads(timeout: float = PATIENCE) -> Uploads:
    """Give the uploads, whose jobs are those below."""
    return Uploads(Storage(celery.settings, timeout), start_processing)
#{% else %}


def shared_uploads() -> Uploads:
    """Give the uploads, whose jobs are those below."""
    return Uploads(Path(celery.settings.data_directory), start_processing)
#{% endif %}


class UploadJob(Job):
    """The job of an upload, which ends as done or failed whatever happens."""

    def on_failure(self, exc: Exception, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        """Note that the job is given up."""
        shared_uploads().fail(*args)
        super().on_failure(exc, task_id, args, kwargs, einfo)


@celery.task(base=UploadJob)
def process_upload(filename: str, key: str) -> None:
    """Do the job of an upload."""
    shared_uploads().process(filename, key)


def start_processing(filename: str, key: str) -> None:
    """Send the job of an upload to a worker; it has the same id however often it is sent."""
    process_upload.apply_async((filename, key), task_id=key)


@celery.task(base=Job)
def resume_jobs() -> None:
    #{% if when.object_storage %}
    """Send jobs again that were lost."""
    #{% else %}
    """Send jobs again that were lost, and remove what was cut off of uploads."""
    #{% endif %}
    # What was sent before this was sent has been taken by a worker, and what was running has ended.
    longest: float = max(INTERVAL, 2 * celery.conf.task_time_limit)
    celery.resume(longest)
    #{% if when.file_storage %}
    shared_uploads().remove_leftovers(longest)
    #{% endif %}


celery.conf.beat_schedule = {
    "resume-jobs": {
        "task": resume_jobs.name,
        "schedule": INTERVAL,
        # One is enough, however long no worker was there.
        "options": {"expires": INTERVAL},
    },
    # Your own:
}
#{% endfilter %}
