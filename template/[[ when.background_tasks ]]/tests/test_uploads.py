#{% filter fitted %}
"""Uploads, processed after the response."""

#{% if when.object_storage and when.celery %}
import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
#{% elif when.object_storage %}
import hashlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
#{% elif when.in_process %}
import errno
import hashlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
#{% else %}
import hashlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
#{% endif %}
from typing import Any

import pytest
from httpx2 import Client

#{% filter replace("PACKAGE", package_name) %}
#{% if when.object_storage %}
from PACKAGE.problems import UnavailableError
#{% if when.celery %}
from PACKAGE.storage import Storage
from PACKAGE.uploads import Uploads, name_on_disk
#{% else %}
from PACKAGE.settings import Settings
from PACKAGE.storage import Storage
from PACKAGE.uploads import LONGEST_JOB, UploadNotFoundError, Uploads, name_on_disk
#{% endif %}
#{% else %}
from PACKAGE.locks import locked
from PACKAGE.problems import UnavailableError
#{% if when.in_process %}
from PACKAGE.uploads import StorageFullError, Uploads, UploadState, name_on_disk
#{% else %}
from PACKAGE.uploads import StorageFullError, Uploads, name_on_disk
#{% endif %}
#{% endif %}
#{% endfilter %}


def outcome(client: Client, filename: str) -> dict[str, Any]:
    """Wait for the end of a job."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        upload: dict[str, Any] = client.get(f"/uploads/{filename}").json()
        if upload["status"] != "processing":
            return upload
        time.sleep(0.002)
    raise AssertionError(upload)


@pytest.mark.parametrize("content", [b"", b"hello", bytes(range(256)) * 100])
def test_upload(client: Client, content: bytes) -> None:
    answer = client.post("/uploads/data.bin", content=content)

    assert answer.status_code == 202
    assert answer.json() == {"filename": "data.bin", "status": "processing"}
    assert outcome(client, "data.bin") == {
        "filename": "data.bin",
        "status": "done",
        "result": {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()},
    }


def test_the_last_upload_of_a_name_counts(client: Client) -> None:
    client.post("/uploads/data.bin", content=b"first")
    outcome(client, "data.bin")
    client.post("/uploads/data.bin", content=b"second one")

    assert outcome(client, "data.bin")["result"]["size"] == 10


#{% if when.in_process %}
def test_the_job_runs_after_the_answer_in_a_thread_of_its_own(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    process, started, threads = Uploads.process, [], []

    def slow(uploads: Uploads, filename: str) -> None:
        started.append(time.perf_counter())
        threads.append(threading.current_thread())
        time.sleep(0.02)
        process(uploads, filename)

    monkeypatch.setattr(Uploads, "process", slow)
    sent = time.perf_counter()

    answer = client.post("/uploads/data.bin", content=b"hello")

    assert outcome(client, "data.bin")["status"] == "done"
    assert len(started) == 1
    assert started[0] - sent >= float(answer.headers["X-Process-Time"])
    assert threading.main_thread() not in threads


#{% endif %}
def test_processing_until_the_job_is_done(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Uploads, "process", lambda *_: None)

    client.post("/uploads/data.bin", content=b"hello")

    answer = client.get("/uploads/data.bin")
    assert answer.status_code == 200
    assert answer.json() == {"filename": "data.bin", "status": "processing", "result": None}


def test_a_job_that_fails(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        #{% if when.object_storage %}
        patch.setattr(Uploads, "_summary", fail)
        #{% else %}
        patch.setattr(hashlib, "file_digest", fail)
        #{% endif %}
        answer = client.post("/uploads/bad.bin", content=b"hello")
        upload = outcome(client, "bad.bin")

    assert answer.status_code == 202
    assert upload == {"filename": "bad.bin", "status": "failed", "result": None}
    #{% if when.celery %}
    # Celery writes of it when the end is noted.
    deadline = time.monotonic() + 10
    while "Traceback" not in caplog.text and time.monotonic() < deadline:
        time.sleep(0.002)
    #{% endif %}
    assert "no space left" in caplog.text
    assert "Traceback" in caplog.text

    client.post("/uploads/good.bin", content=b"hello")
    assert outcome(client, "good.bin")["status"] == "done"


@pytest.mark.parametrize(
    "filename", [".hidden", "%2E%2E", "a b", "a%2Fb", "%2E%2E%2Fa", "x" * 101, "ä"]
)
def test_a_name_that_is_more_than_a_name_is_refused(client: Client, filename: str) -> None:
    answer = client.post(f"/uploads/{filename}", content=b"hello")

    assert answer.status_code in {404, 422}
    assert client.get(f"/uploads/{filename}").status_code in {404, 422}


def test_unknown_upload(client: Client) -> None:
    answer = client.get("/uploads/unknown.bin")

    assert answer.status_code == 404
    assert answer.json() == {"detail": "Upload unknown.bin not found"}


def test_upload_over_the_limit(client: Client) -> None:
    answer = client.post("/uploads/large.bin", content=b"x" * 100_001)

    assert answer.status_code == 413
    assert client.get("/uploads/large.bin").status_code == 404


def test_an_upload_that_is_cut_off_changes_nothing(client: Client, cut: Callable[..., int]) -> None:
    client.post("/uploads/data.bin", content=b"the whole file")
    before = outcome(client, "data.bin")

    assert cut("/uploads/data.bin", "application/octet-stream", b"the wh") == 400
    assert client.get("/uploads/data.bin").json() == before


#{% if when.object_storage %}
DATA = Path("data")


#{% if when.in_process %}
def kept() -> set[str]:
    """List what is kept, without the keys of uploads."""
    found = [path.relative_to(DATA) for path in DATA.rglob("*") if path.is_file()]
    return {"/".join(part for part in path.parts if len(part) != 32) for path in found}


def receive(uploads: Uploads, filename: str, content: bytes) -> None:
    with uploads.receiving(filename) as file:
        file.write(content)


def grow_old() -> None:
    """Let an hour pass."""
    for path in [path for path in DATA.rglob("*") if path.is_file()]:
        os.utime(path, (0, time.time() - LONGEST_JOB.total_seconds() - 1))


@pytest.fixture
def uploads() -> Uploads:
    """Keep uploads in the directory of the test."""
    return Uploads(Settings(storage_url="file:data"))


def test_of_a_file_that_fails_nothing_is_kept(uploads: Uploads) -> None:
    receive(uploads, "data.bin", b"first")
    uploads.process("data.bin")
    before = kept()

    def write() -> None:
        with uploads.receiving("data.bin") as file:
            file.write(b"second")
            file.flush()
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        write()

    assert kept() == before
    assert len(list(DATA.rglob("file*"))) == 1
    assert uploads.get("data.bin").status == "done"


def test_nothing_is_seen_of_a_file_before_its_end(uploads: Uploads) -> None:
    with uploads.receiving("data.bin") as file:
        file.write(b"x" * 1_000_000)
        file.flush()
        with pytest.raises(UploadNotFoundError):
            uploads.get("data.bin")

    assert uploads.get("data.bin").status == "processing"


def test_a_later_upload_takes_the_place_of_an_earlier_one(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive(uploads, "data.bin", b"first")
    uploads.process("data.bin")
    receive(uploads, "data.bin", b"second one")
    assert uploads.get("data.bin").status == "processing"

    uploads.process("data.bin")
    # The other job has nothing left to do.
    monkeypatch.delattr(Uploads, "_summary")
    uploads.process("data.bin")

    result = uploads.get("data.bin").result
    assert result
    assert result.size == 10
    folder = "uploads/data.bin"
    assert kept() == {f"{folder}/current", f"{folder}/file", f"{folder}/outcome"}
    assert len(list(DATA.rglob("file"))) == 1


def test_a_result_is_about_the_file_that_is_kept(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = Storage.pieces

    def late(storage: Storage, name: str) -> Iterator[bytes]:
        monkeypatch.undo()
        receive(uploads, "data.bin", b"second one")
        return pieces(storage, name)

    receive(uploads, "data.bin", b"first")
    monkeypatch.setattr(Storage, "pieces", late)

    uploads.process("data.bin")

    assert uploads.get("data.bin").status == "processing"
    uploads.process("data.bin")
    result = uploads.get("data.bin").result
    assert result
    assert result.size == 10


def test_a_job_that_is_lost_has_failed_after_a_time(uploads: Uploads) -> None:
    receive(uploads, "data.bin", b"hello")
    beside = Uploads(Settings(storage_url="file:data"))
    assert beside.get("data.bin").status == "processing"

    grow_old()

    assert beside.get("data.bin").status == "failed"
    beside.process("data.bin")
    assert beside.get("data.bin").status == "done"


def test_what_was_never_finished_is_removed_after_a_time(uploads: Uploads) -> None:
    left = DATA / "uploads" / "data.bin" / "left"
    left.mkdir(parents=True)
    (left / "file").write_bytes(b"of a process that was killed")

    receive(uploads, "data.bin", b"hello")
    assert (left / "file").exists()

    grow_old()
    receive(uploads, "data.bin", b"hello again")
    assert kept() == {"uploads/data.bin/current", "uploads/data.bin/file"}
    assert not left.exists()


#{% endif %}
def test_an_upload_is_accepted_although_an_earlier_one_stays(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise UnavailableError("The storage does not answer")

    client.post("/uploads/data.bin", content=b"first")
    outcome(client, "data.bin")
    with monkeypatch.context() as patch:
        patch.setattr(Storage, "ages", fail)
        assert client.post("/uploads/data.bin", content=b"second one").status_code == 202

    assert outcome(client, "data.bin")["result"]["size"] == 10
    assert "left files" in caplog.text


#{% if when.in_process %}
def test_a_job_notes_nothing_where_the_storage_is_down(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise UnavailableError("The storage does not answer")

    receive(uploads, "data.bin", b"hello")
    with monkeypatch.context() as patch:
        patch.setattr(Storage, "pieces", fail)
        with pytest.raises(UnavailableError):
            uploads.process("data.bin")

    assert uploads.get("data.bin").status == "processing"
    uploads.process("data.bin")
    assert uploads.get("data.bin").status == "done"


#{% endif %}
S3 = {
    "storage_url": "s3://bucket/prefix",
    "storage_timeout": 1,
    "aws_region": "here",
    "aws_access_key_id": "the name of the key",
    "aws_secret_access_key": "the key itself",
    "aws_session_token": "the token",
}


@pytest.fixture
def silent() -> Iterator[str]:
    """Give the address of a storage that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def nobody() -> str:
    """Give an address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("address", ["silent", "nobody"])
def test_a_storage_that_is_down_is_told_in_time(
    start: Callable[..., Client],
    address: str,
    request: pytest.FixtureRequest,
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = start(**S3, aws_endpoint_url=request.getfixturevalue(address))

    for method, content in (("POST", b"x" * 90_000), ("GET", b"")):
        began = time.monotonic()
        answer = client.request(method, "/uploads/data.bin", content=content)
        assert time.monotonic() - began < 3
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "1"
        assert answer.json() == {"detail": "The storage does not answer"}
    assert client.get("/health").status_code == 200
    assert "The storage failed" in caplog.text
    assert not any(secret in caplog.text for secret in ("the key itself", "the token"))


#{% else %}
DATA = Path("data")


#{% if when.in_process %}
def kept(directory: Path = DATA) -> set[str]:
    """List the files below a directory."""
    found = (path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix() for path in found} - {"lock"}


def receive(uploads: Uploads, filename: str, content: bytes) -> None:
    with uploads.receiving(filename) as file:
        file.write(content)


@pytest.fixture
def uploads() -> Uploads:
    """Keep uploads in the directory of the test."""
    return Uploads(DATA)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_of_a_file_for_which_there_is_no_room_nothing_is_kept(uploads: Uploads, code: int) -> None:
    receive(uploads, "data.bin", b"first")
    uploads.process("data.bin")
    before = kept()

    def write() -> None:
        with uploads.receiving("data.bin") as file:
            file.write(b"second")
            raise OSError(code, "no room")

    with pytest.raises(StorageFullError):
        write()

    assert kept() == before
    assert uploads.get("data.bin").status == "done"


def test_no_room_for_the_state(uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path, _: bytes) -> None:
        path.touch()
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(Path, "write_bytes", fail)

    with pytest.raises(StorageFullError):
        receive(uploads, "data.bin", b"hello")
    assert kept() == set()


def test_other_errors_are_bugs(uploads: Uploads) -> None:
    with pytest.raises(OSError, match="broken"), uploads.receiving("data.bin"):
        raise OSError(errno.EIO, "broken")

    assert kept() == set()


#{% endif %}
def test_the_answer_where_there_is_no_room(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise StorageFullError

    monkeypatch.setattr(Uploads, "receiving", fail)

    answer = client.post("/uploads/data.bin", content=b"hello")

    assert answer.status_code == 507
    assert answer.json() == {"detail": "There is no room for the file"}


#{% if when.in_process %}
KILLED = f"""
import os, pathlib, sys
from {Uploads.__module__} import Uploads

uploads = Uploads(pathlib.Path("data"))
with uploads.receiving("data.bin") as file:
    file.write(b"hello")
with uploads.receiving("half.bin") as file:
    file.write(b"hel")
    file.flush()
    print("ready", flush=True)
    sys.stdin.read()
"""


@contextmanager
def other_process() -> Iterator["subprocess.Popen[bytes]"]:
    """Start another process, which has a job to do and is in the middle of receiving a file."""
    source = str(Path(sys.modules[Uploads.__module__].__file__ or "").parents[1])
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {source!r})\n{KILLED}"]
    with subprocess.Popen(  # noqa: S603 - this very interpreter
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stdout.readline().strip() == b"ready"
        yield process
        process.kill()


def test_a_job_is_left_to_its_process_until_that_is_killed() -> None:
    with other_process() as other:
        beside = Uploads(DATA)
        beside.process("data.bin")
        assert beside.get("data.bin").status == "processing"
        assert len(kept()) == 5
        assert other.poll() is None

    assert beside.get("data.bin").status == "failed"
    again = Uploads(DATA)
    assert again.get("data.bin").status == "failed"
    assert kept() == {"files/data.bin.upload", "states/data.bin.json"}
    receive(again, "data.bin", b"hello again")
    again.process("data.bin")
    assert again.get("data.bin").status == "done"


def test_a_result_is_about_the_file_that_is_kept(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = hashlib.file_digest

    def slow(*arguments: Any) -> Any:
        monkeypatch.undo()
        receive(uploads, "data.bin", b"second one")
        return digest(*arguments)

    receive(uploads, "data.bin", b"first")
    monkeypatch.setattr(hashlib, "file_digest", slow)

    uploads.process("data.bin")

    assert uploads.get("data.bin").status == "processing"
    uploads.process("data.bin")
    result = uploads.get("data.bin").result
    assert result
    assert result.size == 10


def test_a_later_upload_takes_the_place_of_an_earlier_one(uploads: Uploads) -> None:
    receive(uploads, "data.bin", b"first")
    receive(uploads, "data.bin", b"second one")

    uploads.process("data.bin")
    uploads.process("data.bin")

    result = uploads.get("data.bin").result
    assert result
    assert result.size == 10
    assert kept() == {"files/data.bin.upload", "states/data.bin.json"}


#{% endif %}
#{% endif %}
def test_many_uploads_of_one_name_at_once(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = [str(number).encode() * (number + 1) * 1000 for number in range(12)]
    process, ended = Uploads.process, threading.Semaphore(0)

    def counted(uploads: Uploads, *arguments: str) -> None:
        try:
            process(uploads, *arguments)
        finally:
            ended.release()

    monkeypatch.setattr(Uploads, "process", counted)
    statuses = []

    def send(content: bytes) -> None:
        statuses.append(client.post("/uploads/data.bin", content=content).status_code)

    threads = [threading.Thread(target=send, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [202] * len(contents)
    upload = outcome(client, "data.bin")
    # A job that goes on would write where the next test is.
    for _ in contents:
        assert ended.acquire(timeout=10)
    (content,) = [content for content in contents if len(content) == upload["result"]["size"]]
    assert upload["result"]["sha256"] == hashlib.sha256(content).hexdigest()
    #{% if when.object_storage %}
    current = DATA / "uploads" / "data.bin" / "current"
    assert (current.parent / current.read_text() / "file").read_bytes() == content
    #{% else %}
    assert (DATA / "files" / "data.bin.upload").read_bytes() == content
    #{% endif %}


#{% if when.file_storage %}
#{% if when.in_process %}
def test_the_end_of_a_job_is_seen_however_late(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive(uploads, "data.bin", b"hello")
    recall = Uploads._recall

    def late(uploads: Uploads, filename: str) -> UploadState:
        state = recall(uploads, filename)
        monkeypatch.undo()
        uploads.process(filename)
        return state

    monkeypatch.setattr(Uploads, "_recall", late)

    assert uploads.get("data.bin").status == "done"


#{% endif %}
def test_a_lock_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "lock"

    with locked(path), pytest.raises(UnavailableError), locked(path, seconds=0.01):
        pass
    with locked(path, seconds=0):
        pass


#{% endif %}
def test_each_name_is_a_file_of_its_own_on_every_file_system() -> None:
    names = ["data.bin", "Data.bin", "DATA.BIN", "con", "Con", "CON.txt", "com1", "common", "a."]

    on_disk = [name_on_disk(name) for name in names]

    assert len({name.lower() for name in on_disk}) == len(names)
    assert on_disk == [name.lower() for name in on_disk]
    assert {"con", "com1"}.isdisjoint(name.partition(".")[0] for name in on_disk)
    assert on_disk[0] == "data.bin"
#{% if when.in_process and when.file_storage %}


@pytest.mark.parametrize("filename", ["main.py", "a.pyc", "a.html"])
def test_no_development_server_takes_an_upload_for_code(uploads: Uploads, filename: str) -> None:
    receive(uploads, filename, b"print()")

    assert {Path(name).suffix for name in kept()} <= {".upload", ".json", ""}
#{% endif %}
#{% endfilter %}
