"""Deliberate faults in services with workers, and in services that tell of their work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contract.faults import FASTAPI, FLASK, Fault
from contract.services import ALL_FEATURES

if TYPE_CHECKING:
    from collections.abc import Iterator

WITH_WORKERS = ALL_FEATURES | {"background_tasks": "celery"}
STORED = WITH_WORKERS | {"storage": "object"}
TELLING = ALL_FEATURES | {"telemetry": True}
TELLING_WORKERS = WITH_WORKERS | {"telemetry": True}
BEFORE_SENDING = """
            with unfinished.open("wb") as file:
                yield file
"""
SENDING = "            self._start(filename, state.key)\n"


def _jobs() -> Iterator[Fault]:
    """Slips in how jobs are run."""
    tests = ("test_jobs.py",)
    for name, old, new in (
        ("a job counts as done when it begins", "task_acks_late=True", "task_acks_late=False"),
        (
            "the job of a worker that was killed is lost",
            "task_reject_on_worker_lost=True",
            "task_reject_on_worker_lost=False",
        ),
        (
            "a worker takes jobs that others could do",
            "worker_prefetch_multiplier=1",
            "worker_prefetch_multiplier=4",
        ),
        ("services share a queue", "    task_default_queue=__package__,\n", ""),
        ("no job is ended", "            task_time_limit=limit + GRACE,\n", ""),
        ("no job is told that its time is over", "            task_soft_time_limit=limit,\n", ""),
        ("a job is tried without end", "max_retries = 5", "max_retries = None"),
        ("a job is not tried again", "autoretry_for = (Exception,)", "autoretry_for = ()"),
        ("a job is tried again at once", "retry_backoff = True", "retry_backoff = False"),
        ("jobs are tried again together", "retry_jitter = True", "retry_jitter = False"),
        (
            "a job that takes too long is tried again",
            "dont_autoretry_for = (SoftTimeLimitExceeded,)",
            "dont_autoretry_for = ()",
        ),
        (
            "a job that kills its workers has no end",
            "if starts > (self.max_retries or 0) + 1:",
            "if starts < 0:",
        ),
        (
            "the starts of a job that is tried again are forgotten",
            'before["starts"] if before else 0',
            "0",
        ),
        (
            "what was done stays noted",
            'job that is done."""\n        celery.notes.remove(task_id)\n',
            'job that is done."""\n',
        ),
        (
            "what was given up stays noted",
            'job that is given up."""\n        celery.notes.remove(task_id)\n',
            'job that is given up."""\n',
        ),
        (
            "jobs are not noted",
            "        self.notes.write(job, Note(name=name, arguments=arguments, ",
            "        str(Note(name=name, arguments=arguments, ",
        ),
        (
            "what cannot be sent stays noted",
            "            if before is None:\n                self.notes.remove(job)\n",
            "",
        ),
        (
            "a retry that cannot be sent is lost",
            "            if before is None:\n                self.notes.remove(job)\n",
            "            self.notes.remove(job)\n",
        ),
        (
            "a lost job is not sent again",
            'super().send_task(note["name"], *note["arguments"], **note["options"])',
            "str(note)",
        ),
        (
            "a lost job is sent again and again",
            "                self.notes.write(job, note)\n",
            "",
        ),
        (
            "a job is sent again before it is due",
            "elif not due or due < now - timedelta(seconds=seconds):",
            "else:",
        ),
        (
            "a job is sent again when nobody needs it any more",
            "if end and end < now:",
            "if end is None and due == now:",
        ),
        ("a pause begins anew", 'options["eta"] = self.now()', 'options["countdown"] = self.now()'),
        (
            "a job that comes twice is done twice",
            "                    raise Ignore\n",
            "",
        ),
        (
            "a job of another program is left",
            'if self.request.get("noted") == task_id:',
            "if task_id:",
        ),
        (
            "a full disk fails jobs",
            "with suppress(UnavailableError):",
            "with suppress(ZeroDivisionError):",
        ),
        ("a job that was revoked is sent again", "@task_revoked.connect\n", ""),
        (
            "a job that was only ended is forgotten",
            "if request.id in revoked:",
            "if request.id:",
        ),
        (
            "a job does not know its request",
            'headers["request_id"] = known',
            'headers["request"] = known',
        ),
        (
            "a broker that is down is a bug",
            "if not isinstance(error, OperationalError):",
            "if error:",
        ),
        ("jobs are made where threads use them", "        self.finalize()\n", ""),
        ("Celery writes the log", "@setup_logging.connect\n", ""),
        ("nobody sees that a worker is alive", "@heartbeat_sent.connect\n", ""),
        (
            "nobody sees that beat is alive",
            'is due."""\n        ALIVE.touch()\n',
            'is due."""\n',
        ),
        ("beat keeps a file", "    beat_scheduler=WatchedScheduler,\n", ""),
    ):
        yield Fault(name, "celery_app.py", old, new, tests, answers=WITH_WORKERS)
    for name, old, new in (
        ("a job is sent again as another one", ", task_id=key", ""),
        ("an upload that is given up goes on", "shared_uploads().fail(*args)", "shared_uploads()"),
        ("what is scheduled piles up", '        "options": {"expires": INTERVAL},\n', ""),
        ("lost jobs are not looked for", "    celery.resume(longest)\n", ""),
        (
            "what was cut off is not removed",
            "    shared_uploads().remove_leftovers(longest)\n",
            "",
        ),
    ):
        yield Fault(name, "tasks.py", old, new, tests, answers=WITH_WORKERS)
    yield Fault(
        "a job knows nothing of the application",
        "app.py",
        "(settings, database, app.app_context)",
        "(settings, database)",
        ("test_job_context.py",),
        FLASK,
        WITH_WORKERS,
    )


def _uploads() -> Iterator[Fault]:
    """Slips in uploads that workers look at."""
    tests = ("test_jobs.py", "test_uploads.py")
    for name, old, new in (
        (
            "a job starts before its file is whole",
            BEFORE_SENDING,
            f"\n{SENDING}{BEFORE_SENDING[1:]}",
        ),
        (
            "a broker that hangs holds up everybody",
            f"{SENDING}            with self._changing():\n",
            f"            with self._changing():\n    {SENDING}",
        ),
        (
            "a job leaves it to the service to put its file in place",
            "            self._put_in_place(state)\n            if not",
            "            if not",
        ),
        (
            "workers do a job again",
            'now.key == state.key and now.status == "processing"',
            "now.key == state.key",
        ),
        (
            "a job is done of an upload that was replaced",
            'now.key == state.key and now.status == "processing"',
            'now.status == "processing"',
        ),
        (
            "of what is refused a part is kept",
            "                unfinished.unlink(missing_ok=True)\n",
            "                pass\n",
        ),
        (
            "workers leave what was cut off",
            "                    path.unlink()\n",
            "                    path.stat()\n",
        ),
        ("workers remove what is coming in", "path.stat().st_mtime < before", "path.exists()"),
    ):
        yield Fault(name, "uploads.py", old, new, tests, answers=WITH_WORKERS)


def _notes() -> Iterator[Fault]:
    """Slips in what is noted of jobs."""
    for name, old, new in (
        ("notes are anywhere", "quote(job, safe='')", "job"),
        ("half a note is read", "draft = self._directory / f", "draft = self._path(job) or f"),
        (
            "no room for notes is a bug",
            "except OSError as error:",
            "except ZeroDivisionError as error:",
        ),
        (
            "drafts are kept",
            "                    path.unlink(missing_ok=True)\n",
            "                    pass\n",
        ),
        (
            "half a draft is kept",
            "                draft.unlink(missing_ok=True)\n",
            "                pass\n",
        ),
        ("jobs are lost at once", "path.stat().st_mtime < before", "path.exists()"),
    ):
        yield Fault(name, "job_notes.py", old, new, ("test_jobs.py",), answers=WITH_WORKERS)


def _stored() -> Iterator[Fault]:
    """Slips in uploads, and notes of jobs, that are in a storage."""
    for name, old, new in (
        ("an earlier file stays", "owner == replaced or ", ""),
        (
            "what still comes is removed",
            'not in {key, "current"} and age > LONGEST_UPLOAD',
            'not in {key, "current"}',
        ),
        (
            "a queue that takes no job leaves a file",
            '            self._storage.remove(f"{folder}/{key}/file")\n',
            "",
        ),
        (
            "an upload counts before its job is sent",
            "            self._start(filename, key)\n",
            """
            self._storage.write(f"{folder}/current", key.encode())
            self._start(filename, key)
"""[1:],
        ),
        ("an upload has no job", "            self._start(filename, key)\n", "            pass\n"),
        (
            "workers do a job again",
            "        if not self._waits(folder):\n            return\n",
            "",
        ),
        (
            "a file that cannot be read has gone",
            "            if self._waits(folder):\n                raise\n",
            "",
        ),
        ("a file that has gone is a bug", "except FileNotFoundError:", "except ZeroDivisionError:"),
        (
            "a job that is given up has no end",
            '            self._storage.write(f"{folder}/failed", b"")\n',
            "            pass\n",
        ),
        (
            "what was done has failed",
            'if outcome := self._storage.read(f"{folder}/outcome"):',
            """outcome = self._storage.read(f"{folder}/outcome")
        if outcome and self._storage.read(f"{folder}/failed") is None:""",
        ),
    ):
        tests = ("test_stored_uploads.py", "test_uploads.py")
        yield Fault(f"stored, {name}", "uploads.py", old, new, tests, answers=STORED)
    for name, file, old, new in (
        ("notes are anywhere", "job_notes.py", "quote(job, safe='')", "job"),
        ("jobs are lost at once", "job_notes.py", " if age > longest", ""),
        ("what was called off is sent again", "celery_app.py", "@task_revoked.connect\n", ""),
        (
            "the process that starts others talks to the storage",
            "celery_app.py",
            "    if request.id in revoked and not expired:\n",
            "    celery.notes.remove(request.id)\n    if request.id in revoked and not expired:\n",
        ),
        (
            "a job that was only ended is forgotten",
            "celery_app.py",
            "if request.id in revoked and not expired:",
            "if not expired:",
        ),
    ):
        yield Fault(f"stored, {name}", file, old, new, ("test_jobs.py",), answers=STORED)


def _brokers() -> Iterator[Fault]:
    """Slips with brokers."""
    for name, file, old, new, test in (
        (
            "production takes the broker of development",
            "/gunicorn.conf.py",
            "require_server(settings.celery_broker_url)\n",
            "",
            "test_gunicorn.py",
        ),
        (
            "files are a server",
            "broker.py",
            'SERVERS = {"redis", ',
            'SERVERS = {"filesystem", "redis", ',
            "test_broker.py",
        ),
        (
            "the password of the broker is shown",
            "broker.py",
            ", Field(repr=False)]",
            "]",
            "test_broker.py",
        ),
        (
            "any address is one of a broker",
            "broker.py",
            "AfterValidator(check_url), ",
            "",
            "test_broker.py",
        ),
        (
            "what RabbitMQ has not taken counts as sent",
            "broker.py",
            '"confirm_publish": True',
            '"confirm_publish": False',
            "test_broker.py",
        ),
        (
            "a Redis that hangs is waited for",
            "broker.py",
            '                "socket_timeout": 5,\n',
            "",
            "test_broker.py",
        ),
        (
            "a RabbitMQ that hangs is waited for",
            "broker.py",
            ', "read_timeout": 5',
            "",
            "test_broker.py",
        ),
        (
            "a job is given to two workers",
            "broker.py",
            '"visibility_timeout": longest',
            '"visibility_timeout": longest // 2',
            "test_broker.py",
        ),
        (
            "jobs of lost workers wait twice as long",
            "broker.py",
            '"unacked_restore_throttle": 1',
            '"unacked_restore_throttle": 10',
            "test_broker.py",
        ),
    ):
        yield Fault(name, file, old, new, (test,), answers=WITH_WORKERS)


def _telemetry() -> Iterator[Fault]:
    """Slips in what is told of the service's work."""
    tests = ("test_telemetry.py",)
    for name, file, old, new in (
        (
            "what is measured is called otherwise",
            "metrics.py",
            '"http_server_request_duration_seconds"',
            '"request_duration_seconds"',
        ),
        (
            "each process tells of itself alone",
            "metrics.py",
            "MultiProcessCollector(registry)  # type: ignore[no-untyped-call]",
            "registry.register(request_durations)",
        ),
        (
            "a collector is not told how long requests take",
            "metrics.py",
            "    exported_durations.record(seconds, attributes)\n",
            "",
        ),
        ("records do not say of which trace they are", "tracing.py", "record.trace_id = ", "_ = "),
        (
            "a collector that is down fills the log",
            "tracing.py",
            "record.created + SILENCE",
            "record.created",
        ),
        ("another service is in a trace of its own", "tracing.py", "        inject(headers)\n", ""),
        (
            "passwords are told",
            "tracing.py",
            "{parts.netloc.rpartition('@')[2]}",
            "{parts.netloc}",
        ),
        ("queries are told", "telemetry.py", '"url.query", "REDACTED"', '"url.path", ""'),
        (
            "a collector does not learn who tells",
            "telemetry.py",
            "settings.otel_service_name",
            '""',
        ),
        (
            "nobody logs in to a collector",
            "telemetry.py",
            "parse_env_headers(settings.otel_exporter_otlp_headers, liberal=True)",
            "parse_env_headers('')",
        ),
        (
            "statements are not told",
            "sql_spans.py",
            '"after_cursor_execute", on_success',
            '"after_cursor_execute", note_start',
        ),
        (
            "a statement that fails is none",
            "sql_spans.py",
            "        span.set_status(StatusCode.ERROR)\n",
            "",
        ),
        ("jobs are unfinished for ever", "job_spans.py", "            jobs_unfinished.dec()\n", ""),
        (
            "a job is in a trace of its own",
            "job_spans.py",
            "context=trace",
            "context=context.Context()",
        ),
    ):
        yield Fault(name, file, old, new, tests, answers=TELLING)
    for name, file, old, new, frameworks in (
        (
            "requests are told apart by their paths",
            "request_telemetry.py",
            r'PART.sub(r"{\1}", request.url_rule.rule)',
            "request.path",
            FLASK,
        ),
        (
            "requests are told apart by their paths",
            "metrics.py",
            'attributes.get(attribute, "")',
            'attributes.get(attribute, f"/{seconds}")',
            FASTAPI,
        ),
        (
            "what watches the service is counted",
            "metrics.py",
            '"/health", ',
            "",
            (*FASTAPI, *FLASK),
        ),
        (
            "metrics are a part of the API",
            "routes/metrics.py",
            ", include_in_schema=False",
            "",
            FASTAPI,
        ),
    ):
        yield Fault(name, file, old, new, tests, frameworks, TELLING)
    shared = ("test_shared_metrics.py",)
    for name, old, new in (
        ("files of metrics stay", "shutil.rmtree(", "str("),
        ("processes that are gone are counted", "multiprocess.mark_process_dead(", "str("),
    ):
        yield Fault(name, "shared_metrics.py", old, new, shared, answers=TELLING)
    for name, file, old, new in (
        (
            "a job is sent without its trace",
            "celery_app.py",
            "        propagate.inject(headers)\n",
            "",
        ),
        (
            "a job does not look for its trace",
            "celery_app.py",
            "propagate.extract(self.request.headers or {})",
            "context.get_current()",
        ),
        ("workers tell nothing", "celery_app.py", "@worker_process_init.connect\n", ""),
        (
            "a worker keeps the last for itself",
            "celery_app.py",
            "lambda **_: stop()",
            "lambda **_: stop",
        ),
        (
            "nobody learns how many jobs wait",
            "metrics.py",
            "REGISTRY.register(waiting_jobs)",
            "waiting_jobs.describe()",
        ),
        (
            "a broker that is down keeps all metrics back",
            "queue_metrics.py",
            "except Exception as error:",
            "except ZeroDivisionError as error:",
        ),
    ):
        yield Fault(name, file, old, new, tests, answers=TELLING_WORKERS)


WORKER_FAULTS = (*_jobs(), *_uploads(), *_notes(), *_stored(), *_brokers(), *_telemetry())
