"""The queue of jobs, and what every job is given."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from celery import Celery, Task
from celery.beat import Scheduler
from celery.exceptions import Ignore, OperationalError, SoftTimeLimitExceeded
#{% if when.telemetry %}
from celery.signals import (
    heartbeat_sent,
    setup_logging,
    task_revoked,
    worker_process_init,
    worker_process_shutdown,
)
#{% else %}
from celery.signals import heartbeat_sent, setup_logging, task_revoked
#{% endif %}
from celery.utils import uuid
from celery.utils.time import maybe_iso8601, maybe_make_aware
from celery.worker.state import revoked
#{% if when.telemetry %}
from opentelemetry import context, propagate
#{% endif %}

from .broker import options_of
#{% if when.database %}
from .database import Database
#{% endif %}
from .job_notes import Note, Notes
#{% if when.telemetry %}
from .job_spans import followed
#{% endif %}
from .logs import request_id
from .problems import UnavailableError
from .settings import Settings
#{% if when.object_storage %}
from .storage import Storage
#{% endif %}
#{% if when.telemetry %}
from .telemetry import start
#{% endif %}

logger = logging.getLogger(__name__)

# Written again and again by a worker that reaches its broker, and by beat.
ALIVE = Path(gettempdir()) / f"{__package__}.alive"
#{% if when.object_storage %}
# The directory in which jobs wait where the broker is one for development.
DEVELOPMENT = "data"
#{% endif %}
# Seconds between the soft time limit of a job and the one that ends its process.
GRACE = 10
# Seconds before a job is tried again, at the most.
LONGEST_PAUSE = 30
# What is of use to the one alone who sends a job, and is not noted.
PASSING = {"producer", "connection", "router", "result_cls", "publisher", "task_type"}


class GivenUpError(Exception):
    """A job was started so often, and came to no end."""


class Jobs(Celery):
    """The queue, with what the service has for its jobs.

    A job is noted before it is sent, and until it has ended. So it is found where the broker lost it.
    """

    settings: Settings
    notes: Notes
    #{% if when.database %}
    database: Database
    #{% endif %}
    context: Callable[..., AbstractContextManager[object]]

    def init_app(
        self,
        settings: Settings,
        #{% if when.database %}
        database: Database,
        #{% endif %}
        context: Callable[..., AbstractContextManager[object]] = nullcontext,
    ) -> None:
        """Use the settings of an application.

        Args:
            settings: What is set.
            #{% if when.database %}
            database: The database of the application.
            #{% endif %}
            context: What a job runs in, such as the context of the application.
        """
        self.settings = settings
        #{% if when.object_storage %}
        self.notes = Notes(Storage(settings, settings.storage_timeout))
        #{% else %}
        self.notes = Notes(Path(settings.data_directory))
        #{% endif %}
        #{% if when.database %}
        self.database = database
        #{% endif %}
        self.context = context
        limit = settings.job_time_limit
        url = settings.celery_broker_url
        if url.startswith("filesystem:"):
            Path([[ "DEVELOPMENT" if when.object_storage else "settings.data_directory" ]], "broker").mkdir(parents=True, exist_ok=True)
        self.conf.update(
            broker_url=url,
            broker_transport_options=options_of(
                url, [[ "DEVELOPMENT" if when.object_storage else "settings.data_directory" ]], limit + GRACE + 2 * LONGEST_PAUSE
            ),
            task_soft_time_limit=limit,
            task_time_limit=limit + GRACE,
            worker_concurrency=settings.worker_concurrency,
        )
        # Now, because two threads that use a job first at the same time fail.
        self.finalize()

    def send_task(self, name: str, *arguments: Any, **options: Any) -> Any:
        """Send a job to a worker, with the id of the request; 503 where the broker is down."""
        # One that is tried again is noted already.
        given = options.get("task_id")
        before = self.notes.read(given) if given else None
        job = options["task_id"] = given or uuid()
        headers: dict[str, str] = {}
        #{% if when.telemetry %}
        propagate.inject(headers)
        #{% endif %}
        if known := request_id.get():
            headers["request_id"] = known
        options["headers"] = headers | (options.get("headers") or {}) | {"noted": job}
        # Times, because it may be sent again.
        if seconds := options.pop("countdown", None):
            options["eta"] = self.now() + timedelta(seconds=seconds)
        if isinstance(seconds := options.get("expires"), int | float):
            options["expires"] = self.now() + timedelta(seconds=seconds)
        starts = before["starts"] if before else 0
        noted = {key: options[key] for key in options.keys() - PASSING if options[key] is not None}
        self.notes.write(job, Note(name=name, arguments=arguments, options=noted, starts=starts))
        try:
            return super().send_task(name, *arguments, **options)
        except BaseException as error:
            if before is None:
                self.notes.remove(job)
            if not isinstance(error, OperationalError):
                raise
            logger.warning("The broker is not available: %s", type(error.__cause__ or error))
            raise UnavailableError("The queue of jobs is not available") from error

    def resume(self, seconds: float) -> None:
        """Send the jobs again that should have begun or ended so long ago: they were lost."""
        now = self.now()
        for job in self.notes.older(seconds):
            note = self.notes.read(job)
            if note is None:
                # It has just ended.
                continue
            due, end = (self._time(note["options"].get(name)) for name in ("eta", "expires"))
            if end and end < now:
                self.notes.remove(job)
            elif not due or due < now - timedelta(seconds=seconds):
                logger.warning("The job %s was lost, and is sent again", job)
                # From now on it is waited for again.
                self.notes.write(job, note)
                super().send_task(note["name"], *note["arguments"], **note["options"])

    def _time(self, given: datetime | str | None) -> datetime | None:
        found = maybe_iso8601(given)
        return found and maybe_make_aware(found, self.timezone)


class Job(Task[..., Any]):
    """A job: derive yours from it with ``@celery.task``.

    It may run more than once, because its worker may be killed at any time: do what was done before
    again, or look whether it was. One that fails is tried again after a while.
    """

    autoretry_for = (Exception,)
    # What takes too long does so the next time too.
    dont_autoretry_for = (SoftTimeLimitExceeded,)
    retry_backoff = True
    retry_backoff_max = LONGEST_PAUSE
    retry_jitter = True
    max_retries = 5

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        """Note the start of a job; one that has ended is left, and one that kills its workers given up."""
        request_id.set(self.request.get("request_id") or task_id)
        starts = 0
        # Where nothing can be noted it runs, and is not counted.
        with suppress(UnavailableError):
            note = celery.notes.read(task_id)
            if note is None:
                if self.request.get("noted") == task_id:
                    #{% if when.object_storage %}
                    logger.warning("The job %s has ended, or STORAGE_URL is another one", task_id)
                    #{% else %}
                    logger.warning("The job %s has ended, or DATA_DIRECTORY is not shared", task_id)
                    #{% endif %}
                    raise Ignore
                # It was sent by what notes no jobs.
                options = {"task_id": task_id, "headers": {"noted": task_id}}
                note = Note(name=self.name, arguments=(args, kwargs), options=options, starts=0)
            note["starts"] += 1
            celery.notes.write(task_id, note)
            starts = note["starts"]
        if starts > (self.max_retries or 0) + 1:
            raise GivenUpError(f"{self.name} was started {starts - 1} times")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the job in the context of the application."""
        #{% if when.telemetry %}
        token = context.attach(propagate.extract(self.request.headers or {}))
        try:
            with celery.context():
                followed(self.run)(*args, **kwargs)
        finally:
            context.detach(token)
        #{% else %}
        with celery.context():
            return self.run(*args, **kwargs)
        #{% endif %}

    def on_success(self, retval: Any, task_id: str, args: Any, kwargs: Any) -> None:
        """Forget a job that is done."""
        celery.notes.remove(task_id)

    def on_failure(self, exc: Exception, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        """Forget a job that is given up."""
        celery.notes.remove(task_id)


@setup_logging.connect
def keep_logging(**_: object) -> None:
    """Leave it to the service what is written, and how."""


@heartbeat_sent.connect
def show_life(**_: object) -> None:
    """Let whoever watches see that this worker is alive."""
    ALIVE.touch()


#{% if when.file_storage %}
@task_revoked.connect
def forget(request: Any, **_: object) -> None:
    """Forget a job that nobody wants any more, but none that was only ended."""
    if request.id in revoked:
        celery.notes.remove(request.id)


#{% endif %}
#{% if when.telemetry %}
@worker_process_init.connect
def start_telling(**_: object) -> None:
    """Send traces and metrics from a process of a worker until it ends."""
    stop = start(celery.settings)
    worker_process_shutdown.connect(lambda **_: stop(), weak=False)


#{% endif %}
class WatchedScheduler(Scheduler):
    """Beat, which shows that it is alive. It keeps no file: schedules count from its start."""

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        """Send what is due."""
        ALIVE.touch()
        return super().tick(*args, **kwargs)


celery = Jobs(__package__, task_cls=Job, include=[f"{__package__}.tasks"])
celery.conf.update(
    # Services that share a broker have queues of their own.
    task_default_queue=__package__,
    # What becomes of a job is noted where it matters, not by Celery.
    task_ignore_result=True,
    # A job that was cut off runs again: it counts as done when it has ended, and not before.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    # Seconds in which running jobs can end; then they are given back.
    worker_soft_shutdown_timeout=25,
    worker_redirect_stdouts=False,
    #{% if when.telemetry %}
    # Seconds in which a process must have started: what tells a collector takes long to import.
    worker_proc_alive_timeout=60,
    #{% endif %}
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_connection_timeout=2,
    task_publish_retry_policy={"max_retries": 1, "interval_start": 0.1},
    beat_scheduler=WatchedScheduler,
    beat_max_loop_interval=30,
)
#{% if when.object_storage %}


@celery.task(base=Job)
def forget(job: str) -> None:
    """Forget a job that is not to run any more."""
    celery.notes.remove(job)


@task_revoked.connect
def have_forgotten(request: Any, *, expired: bool = False, **_: object) -> None:
    """Have a job forgotten that nobody wants any more, but none that was only ended.

    ``Jobs.resume`` forgets those that have expired.
    """
    if request.id in revoked and not expired:
        # By a process that runs jobs: what talks to the storage can start no others, as this one does.
        Celery.send_task(celery, forget.name, (request.id,))
#{% endif %}
