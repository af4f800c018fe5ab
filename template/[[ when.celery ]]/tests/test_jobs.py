#{% filter fitted %}
"""Jobs that workers run."""

#{% if when.file_storage %}
import errno
import hashlib
#{% endif %}
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from celery import Celery
from celery.app.task import Context
from celery.app.utils import find_app
from celery.exceptions import SoftTimeLimitExceeded
from celery.signals import heartbeat_sent, task_revoked
from celery.worker.state import revoked
from httpx2 import Client
from kombu.exceptions import SerializerNotInstalled
from workers import until

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE import celery_app
from PACKAGE import uploads as uploads_module
from PACKAGE.celery_app import Job, celery
from PACKAGE.job_notes import Note, Notes
from PACKAGE.logs import request_id
from PACKAGE.problems import UnavailableError
#{% if when.object_storage %}
from PACKAGE.settings import Settings
from PACKAGE.storage import Storage
from PACKAGE.tasks import resume_jobs
from PACKAGE.uploads import Uploads
#{% else %}
from PACKAGE.tasks import resume_jobs
from PACKAGE.uploads import StorageFullError, Uploads
#{% endif %}
#{% endfilter %}

DATA = Path("data")
#{% if when.file_storage %}
Start = tuple[str, str]
#{% endif %}


def ended(client: Client, filename: str = "data.bin") -> dict[str, Any]:
    """Wait for the end of a job."""
    path = f"/uploads/{filename}"
    until(lambda: client.get(path).json()["status"] != "processing")
    upload: dict[str, Any] = client.get(path).json()
    return upload


def kept() -> set[str]:
    """List the files that are kept."""
    #{% if when.object_storage %}
    # Folders go with the last file in them, also while they are looked at.
    found = (Path(folder, name) for folder, _, names in os.walk(DATA) for name in names)
    return {path.relative_to(DATA).as_posix() for path in found}
    #{% else %}
    found = (path for path in DATA.rglob("*") if path.is_file())
    return {path.relative_to(DATA).as_posix() for path in found} - {"lock"}
    #{% endif %}


def jobs() -> list[str]:
    """List the notes of jobs."""
    #{% if when.object_storage %}
    return [Path(name).name for name in kept() if name.startswith("jobs/")]
    #{% else %}
    return [path.name for path in (DATA / "jobs").glob("*")]
    #{% endif %}


def let_time_pass() -> None:
    """Let all that is kept be old."""
    for path in DATA.rglob("*"):
        os.utime(path, (0, 0))


# The jobs of these tests: what they were given and the ids of their requests.
ran: list[tuple[str, str]] = []


@celery.task(base=Job)
def note(word: str) -> None:
    ran.append((word, request_id.get()))


@celery.task(base=Job)
def pass_on(word: str) -> None:
    note.delay(word)


@celery.task(base=Job)
def stumble(word: str, times: int) -> None:
    ran.append((word, request_id.get()))
    if len(ran) <= times:
        raise RuntimeError("stumbled")


@celery.task(base=Job)
def take_too_long() -> None:
    ran.append(("long", ""))
    raise SoftTimeLimitExceeded


@pytest.fixture(autouse=True)
def nothing_ran() -> Iterator[None]:
    """Begin and end without jobs, outside of requests."""
    ran.clear()
    request_id.set("")
    yield
    request_id.set("")


def test_the_worker_has_the_same_queue_as_the_service(
    monkeypatch: pytest.MonkeyPatch,
    #{% if when.database %}
    empty_database_url: str,
    #{% endif %}
) -> None:
    #{% if when.database %}
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    #{% endif %}
    monkeypatch.setenv("JOB_TIME_LIMIT", "100")

    # As the command does, which takes what is called app for it.
    assert find_app("[[ package_name ]].worker") is celery


@pytest.mark.usefixtures("client")
def test_jobs_are_ready_before_threads_use_them() -> None:
    own = celery_app.Jobs("own", set_as_current=False)

    own.init_app([[ "celery.settings, celery.database" if when.database else "celery.settings" ]])

    assert vars(own)["finalized"]


@pytest.mark.usefixtures("client")
def test_the_id_of_the_request_goes_with_its_jobs() -> None:
    request_id.set("abc")

    pass_on.delay("one")

    until(lambda: ran)
    assert ran == [("one", "abc")]


@pytest.mark.usefixtures("client")
def test_a_job_without_a_request_is_known_by_its_own_id() -> None:
    job = note.delay("one")

    until(lambda: ran)
    assert ran == [("one", job.id)]


@pytest.mark.usefixtures("client")
def test_a_job_that_fails_is_tried_again() -> None:
    request_id.set("abc")

    stumble.delay("one", 2)

    until(lambda: len(ran) == 3)
    assert set(ran) == {("one", "abc")}
    until(lambda: not kept())


@pytest.mark.usefixtures("client")
def test_a_job_is_given_up_in_the_end(caplog: pytest.LogCaptureFixture) -> None:
    stumble.delay("one", 100)

    until(lambda: "stumbled" in caplog.text and not kept())
    assert len(ran) == 6


@pytest.mark.usefixtures("client")
def test_a_job_that_takes_too_long_is_not_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    take_too_long.delay()

    until(lambda: "SoftTimeLimitExceeded" in caplog.text and not kept())
    assert len(ran) == 1


@pytest.mark.usefixtures("client")
def test_how_jobs_wait_and_end() -> None:
    # Redis and RabbitMQ give a job to another worker when the connection of its worker ends.
    assert celery.conf.task_acks_late
    assert celery.conf.task_reject_on_worker_lost
    assert celery.conf.worker_prefetch_multiplier == 1
    assert celery.conf.task_default_queue == "[[ package_name ]]"
    assert 0 < celery.conf.task_soft_time_limit < celery.conf.task_time_limit
    assert not celery.conf.task_always_eager
    # Those that failed together are not tried together again.
    assert Job.retry_backoff
    assert Job.retry_jitter
    assert 10 <= Job.retry_backoff_max <= 60


def test_what_kills_its_workers_is_given_up(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    key = UUID(int=7)
    # As often as it may be it was started before, by workers that ended with it.
    celery.notes.write(key.hex, Note(name="", arguments=[], options={}, starts=6))
    with monkeypatch.context() as patch:
        patch.setattr(uploads_module, "uuid4", lambda: key)
        patch.setattr(Uploads, "process", lambda *_: ran.append(("process", "")))

        client.post("/uploads/data.bin", content=b"hello")

        assert ended(client)["status"] == "failed"
    until(lambda: "was started 6 times" in caplog.text and not jobs())
    assert ran == []


#{% if when.file_storage %}
@pytest.fixture
def started() -> list[Start]:
    """Remember the jobs that were started."""
    return []


@pytest.fixture
def uploads(started: list[Start]) -> Uploads:
    """Keep uploads whose jobs wait."""
    return Uploads(DATA, lambda *job: started.append(job))


def receive(uploads: Uploads, content: bytes) -> None:
    with uploads.receiving("data.bin") as file:
        file.write(content)


def test_a_job_starts_when_all_is_there(started: list[Start]) -> None:
    seen: list[object] = []

    def start(filename: str, key: str) -> None:
        started.append((filename, key))
        # A worker may be faster than the service.
        own.process(filename, key)
        seen.append(own.get(filename))
        seen.append((DATA / "files" / "data.bin.upload").read_bytes())

    own = Uploads(DATA, start)
    receive(own, b"hello")

    assert seen == [own.get("data.bin"), b"hello"]
    assert own.get("data.bin").status == "done"
    own.process(*started[0])
    assert kept() == {"files/data.bin.upload", "states/data.bin.json"}


def test_a_broker_that_hangs_holds_up_nothing_else(started: list[Start]) -> None:
    def start(filename: str, key: str) -> None:
        started.append((filename, key))
        if len(started) == 2:
            own.process(*started[0])
            receive(own, b"another one")
            raise UnavailableError("The queue of jobs is not available")

    own = Uploads(DATA, start)
    receive(own, b"hello")
    with pytest.raises(UnavailableError):
        receive(own, b"refused")

    assert (DATA / "files" / "data.bin.upload").read_bytes() == b"another one"
    # It may have come to a worker nevertheless.
    own.process(*started[1])
    assert own.get("data.bin").status == "processing"
    own.process(*started[2])
    assert own.get("data.bin").status == "done"
    assert kept() == {"files/data.bin.upload", "states/data.bin.json"}


def test_a_job_goes_on_where_a_service_was_killed(
    uploads: Uploads, started: list[Start], monkeypatch: pytest.MonkeyPatch
) -> None:
    receive(uploads, b"first")
    with monkeypatch.context() as patch:
        # The job is sent, and nothing comes after it.
        patch.setattr(Uploads, "_put_in_place", lambda *_: None)
        receive(uploads, b"second one")

    uploads.process(*started[0])
    assert uploads.get("data.bin").status == "done"
    uploads.process(*started[1])

    result = uploads.get("data.bin").result
    assert result
    assert result.size == 10


def test_a_job_that_fails_at_once_has_failed() -> None:
    # A worker may be faster than the service.
    def start(filename: str, key: str) -> None:
        own.fail(filename, key)

    own = Uploads(DATA, start)
    receive(own, b"hello")

    assert own.get("data.bin").status == "failed"
    assert kept() == {"files/data.bin.upload", "states/data.bin.json"}


def test_a_job_that_is_run_again_does_nothing_twice(
    uploads: Uploads, started: list[Start], monkeypatch: pytest.MonkeyPatch
) -> None:
    receive(uploads, b"hello")
    digest, read = hashlib.file_digest, []

    def count(*arguments: Any) -> Any:
        read.append(arguments)
        return digest(*arguments)

    monkeypatch.setattr(hashlib, "file_digest", count)

    uploads.process(*started[0])
    uploads.process(*started[0])
    uploads.fail(*started[0])

    assert len(read) == 1
    assert uploads.get("data.bin").status == "done"


def test_a_later_upload_takes_the_place_of_an_earlier_one(
    uploads: Uploads, started: list[Start]
) -> None:
    receive(uploads, b"first")
    receive(uploads, b"second one")

    uploads.process(*started[0])
    assert uploads.get("data.bin").status == "processing"
    uploads.process(*started[1])

    result = uploads.get("data.bin").result
    assert result
    assert result.size == 10


def test_a_job_whose_upload_has_gone_ends(uploads: Uploads) -> None:
    DATA.mkdir()

    uploads.process("data.bin", "key")
    uploads.fail("data.bin", "key")

    assert kept() == set()


def test_a_result_is_about_the_file_that_is_kept(
    uploads: Uploads, started: list[Start], monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = hashlib.file_digest

    def slow(*arguments: Any) -> Any:
        monkeypatch.undo()
        receive(uploads, b"second one")
        return digest(*arguments)

    receive(uploads, b"first")
    monkeypatch.setattr(hashlib, "file_digest", slow)

    uploads.process(*started[0])

    assert uploads.get("data.bin").status == "processing"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_of_a_file_for_which_there_is_no_room_nothing_is_kept(uploads: Uploads, code: int) -> None:
    receive(uploads, b"first")
    before = kept()

    def write() -> None:
        with uploads.receiving("data.bin") as file:
            file.write(b"second")
            raise OSError(code, "no room")

    with pytest.raises(StorageFullError):
        write()

    assert kept() == before


def test_no_room_for_the_state(uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path, _: bytes) -> None:
        path.touch()
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(Path, "write_bytes", fail)

    with pytest.raises(StorageFullError):
        receive(uploads, b"hello")
    assert kept() == set()


#{% endif %}
def test_where_the_broker_is_down_nothing_is_kept(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client.post("/uploads/data.bin", content=b"before")
    before = ended(client)
    # It is the last that is done for a job.
    until(lambda: not jobs())
    files = kept()
    with monkeypatch.context() as patch:
        # Nothing listens at this port.
        patch.setenv("CELERY_BROKER_URL", "redis://127.0.0.1:1/0")
        patch.setattr(celery.amqp, "_producer_pool", None)

        for name in ("data.bin", "new.bin"):
            answer = client.post(f"/uploads/{name}", content=b"hello")

            assert answer.status_code == 503
            assert answer.json() == {"detail": "The queue of jobs is not available"}
            assert answer.headers["Retry-After"] == "1"

    assert "The broker is not available" in caplog.text
    assert client.get("/uploads/data.bin").json() == before
    assert client.get("/uploads/new.bin").status_code == 404
    assert kept() == files
    #{% if when.file_storage %}
    assert (DATA / "files" / "data.bin.upload").read_bytes() == b"before"
    #{% endif %}
    client.post("/uploads/data.bin", content=b"the broker is back")
    assert ended(client)["result"]["size"] == 18


def test_without_a_server_a_job_waits_in_a_file(
    start: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", "filesystem://")
    monkeypatch.setattr(celery.amqp, "_producer_pool", None)
    client = start(celery_broker_url="filesystem://")

    answer = client.post("/uploads/data.bin", content=b"hello")

    assert answer.status_code == 202
    assert len(list((DATA / "broker").glob("*.msg"))) == 1


#{% if when.file_storage %}
def test_what_was_cut_off_is_removed(uploads: Uploads) -> None:
    receive(uploads, b"hello")
    for path in ("files/.cut-off", "states/.cut-off", "files/.new"):
        (DATA / path).touch()
        if not path.endswith("new"):
            os.utime(DATA / path, (0, 0))

    uploads.remove_leftovers(60)

    assert kept() == {"files/.new", "files/data.bin.upload", "states/data.bin.json"}


def test_what_another_worker_removed_is_passed_over(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "glob", lambda *_: [DATA / "files" / ".gone"])

    uploads.remove_leftovers(60)
    assert celery.notes.older(60) == []


#{% endif %}
@pytest.mark.usefixtures("client")
def test_a_job_is_noted_until_it_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(word: str) -> None:
        ran.append((word, jobs()[0]))

    monkeypatch.setattr(note, "run", run)

    job = note.delay("one")

    until(lambda: ran and not jobs())
    assert ran == [("one", f"{job.id}.json")]


@contextmanager
def broker() -> Iterator[Any]:
    """Talk to the broker."""
    with celery.connection_for_write() as connection:
        yield connection.default_channel


def take() -> Any:
    """Take a job from a queue that no worker knows, if there is one."""
    with broker() as channel:
        message = channel.basic_get("lost", no_ack=True)
        return message and message.headers


@pytest.fixture
def lost(client: Client) -> Callable[..., str]:
    """Give a function that sends a job which the broker loses."""
    assert client

    def lose(word: str, **options: Any) -> str:
        job = note.apply_async((word,), queue="lost", **options)
        assert take()
        return str(job.id)

    return lose


def test_a_lost_job_is_sent_again_as_it_was(lost: Callable[..., str]) -> None:
    request_id.set("abc")
    job = lost("one", priority=3, expires=1000, retries=2)
    request_id.set("another")

    celery.resume(60)
    assert take() is None
    let_time_pass()
    celery.resume(60)

    again = take()
    assert (again["id"], again["request_id"], again["retries"]) == (job, "abc", 2)
    assert again["argsrepr"] == "['one']"
    # It is waited for again.
    celery.resume(60)
    assert take() is None
    let_time_pass()
    celery.resume(60)
    assert take() == again


def test_a_lost_job_is_found_on_schedule(lost: Callable[..., str]) -> None:
    job = lost("one")
    found = celery.notes.read(job)
    assert found
    del found["options"]["queue"]
    celery.notes.write(job, found)
    let_time_pass()
    (scheduled,) = celery.conf.beat_schedule.values()
    assert scheduled["task"] == resume_jobs.name
    # They do not pile up where no worker is.
    assert scheduled["options"]["expires"] <= scheduled["schedule"]

    celery.tasks[scheduled["task"]].delay()

    until(lambda: ran and not jobs())
    assert ran == [("one", job)]


def test_a_job_is_lost_when_it_was_due(lost: Callable[..., str]) -> None:
    lost("later", countdown=1000)
    lost("now", countdown=-1000)
    let_time_pass()

    celery.resume(60)

    again = take()
    assert again["argsrepr"] == "['now']"
    assert take() is None


def test_a_lost_job_that_is_of_no_use_any_more_is_forgotten(lost: Callable[..., str]) -> None:
    lost("one", expires=-1000)
    let_time_pass()

    celery.resume(60)

    assert take() is None
    assert not jobs()


def test_a_job_that_has_just_ended_is_not_sent_again(
    lost: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lost("one")
    let_time_pass()
    monkeypatch.setattr(Notes, "read", lambda *_: None)

    celery.resume(60)

    assert take() is None


@pytest.mark.usefixtures("client")
def test_a_job_that_comes_twice_is_done_once(caplog: pytest.LogCaptureFixture) -> None:
    job = note.delay("one")
    until(lambda: ran and not jobs())

    # As a broker does that has not heard of its end.
    Celery.send_task(celery, note.name, ("one",), task_id=job.id, headers={"noted": job.id})

    until(lambda: f"The job {job.id} has ended" in caplog.text)
    assert len(ran) == 1


@pytest.mark.usefixtures("client")
def test_a_job_of_a_program_that_notes_none_runs() -> None:
    job = Celery.send_task(celery, stumble.name, ("one", 1))

    until(lambda: len(ran) == 2 and not jobs())
    assert ran == [("one", job.id)] * 2


@pytest.mark.usefixtures("client")
def test_the_starts_of_a_job_that_is_tried_again_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    starts: list[int] = []
    write = Notes.write

    def remember(notes: Notes, job: str, written: Note) -> None:
        starts.append(written["starts"])
        write(notes, job, written)

    monkeypatch.setattr(Notes, "write", remember)

    stumble.delay("one", 2)

    until(lambda: len(ran) == 3 and not jobs())
    assert starts == [0, 1, 1, 2, 2, 3]


@pytest.mark.usefixtures("client")
def test_a_job_that_is_revoked_is_not_sent_again() -> None:
    revoked.add("unwanted")

    note.apply_async(("one",), task_id="unwanted")

    until(lambda: not jobs())
    assert ran == []
#{% if when.object_storage %}


@pytest.mark.usefixtures("client")
def test_a_job_that_came_too_late_is_forgotten_on_schedule(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "celery.worker.request")

    job = note.apply_async(("one",), expires=-1)

    until(lambda: f"Discarding revoked task: {note.name}[{job.id}]" in caplog.text)
    assert jobs() == [f"{job.id}.json"]
    let_time_pass()
    celery.resume(60)
    assert not jobs()
    assert ran == []
#{% endif %}


def test_a_job_that_was_only_ended_is_not_forgotten(lost: Callable[..., str]) -> None:
    job = lost("one")

    task_revoked.send(sender=note, request=Context(id=job), terminated=True)

    #{% if when.object_storage %}
    # What would forget it runs before this.
    note.delay("two")
    until(lambda: ran and len(jobs()) < 2)
    #{% endif %}
    assert jobs() == [f"{job}.json"]


@pytest.mark.usefixtures("client")
def test_a_job_that_cannot_be_sent_is_not_noted() -> None:
    with pytest.raises(SerializerNotInstalled):
        note.apply_async(("one",), serializer="unknown")

    assert not jobs()


def test_a_retry_that_the_broker_does_not_take_is_kept(lost: Callable[..., str]) -> None:
    job = lost("one")

    with pytest.raises(SerializerNotInstalled):
        note.apply_async(("one",), task_id=job, serializer="unknown")

    assert jobs() == [f"{job}.json"]


#{% if when.object_storage %}
@pytest.mark.usefixtures("client")
def test_where_jobs_cannot_be_noted_none_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise UnavailableError("The storage does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(Storage, "write", fail)
        with pytest.raises(UnavailableError):
            note.apply_async(("one",), queue="lost")

    assert take() is None
    assert not jobs()
#{% else %}
def test_where_jobs_cannot_be_noted_none_is_sent(
    lost: Callable[..., str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    job = lost("noted before")

    def fail(path: Path, _: str) -> None:
        path.touch()
        raise OSError(errno.ENOSPC, "no room")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", fail)
        for known in (None, job):
            with pytest.raises(UnavailableError):
                note.apply_async(("one",), task_id=known, queue="lost")

    assert take() is None
    assert jobs() == [f"{job}.json"]
    kept = celery.notes.read(job)
    assert kept
    assert kept["arguments"][0] == ["noted before"]
    assert "Jobs cannot be noted: [Errno 28] no room" in caplog.text
#{% endif %}


@pytest.mark.usefixtures("client")
def test_a_job_runs_where_its_start_cannot_be_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise UnavailableError("The queue of jobs is not available")

    with monkeypatch.context() as patch:
        patch.setattr(Notes, "read", fail)
        note.delay("one")
        until(lambda: ran)
    until(lambda: not jobs())


def test_notes_stay_in_their_directory_whatever_jobs_are_called() -> None:
    notes = Notes([[ 'Storage(Settings(storage_url="file:data"), timeout=5)' if when.object_storage else "DATA" ]])
    names = [".", "..", "../states/x", "/etc/x", ".hidden", "a.draft", "a b\n%2F"]
    for name in names:
        notes.write(name, Note(name=name, arguments=[], options={}, starts=0))

    assert sorted(notes.older(-60)) == sorted(names)
    assert kept() == {f"jobs/{name}" for name in jobs()}
    assert len(jobs()) == len(names)
    for name in names:
        found = notes.read(name)
        assert found
        assert found["name"] == name
        notes.remove(name)
        assert notes.read(name) is None
    assert kept() == set()


#{% if when.file_storage %}
def test_notes_that_were_cut_off_are_removed() -> None:
    notes = Notes(DATA)
    assert notes.older(60) == []
    notes.write("one", Note(name="one", arguments=[], options={}, starts=0))
    (DATA / "jobs" / "old.draft").touch()
    let_time_pass()
    (DATA / "jobs" / "new.draft").touch()

    assert notes.older(60) == ["one"]
    assert set(jobs()) == {"one.json", "new.draft"}


#{% endif %}
def test_who_watches_sees_that_they_are_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    alive = Path("alive")
    monkeypatch.setattr(celery_app, "ALIVE", alive)

    heartbeat_sent.send(sender=None)

    assert alive.exists()
    alive.unlink()
    assert celery.conf.beat_scheduler is celery_app.WatchedScheduler
    # Nothing is due yet.
    assert celery_app.WatchedScheduler(celery, schedule={}, lazy=True).tick() > 0
    assert alive.exists()


def test_celery_leaves_the_log_to_the_service() -> None:
    root = logging.getLogger()
    before = list(root.handlers)

    celery.log.setup(loglevel=logging.INFO)

    assert root.handlers == before
#{% endfilter %}
