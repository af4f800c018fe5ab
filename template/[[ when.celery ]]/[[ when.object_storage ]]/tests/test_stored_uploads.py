#{% filter fitted %}
"""Uploads in a storage, which services write and workers read."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.problems import UnavailableError
from PACKAGE.settings import Settings
from PACKAGE.storage import Storage
from PACKAGE.uploads import LONGEST_UPLOAD, UploadNotFoundError, Uploads
#{% endfilter %}

FOLDER = Path("data", "uploads", "data.bin")
Start = tuple[str, str]


def kept() -> set[str]:
    """List what is kept of a name, without the keys of uploads."""
    found = [path.relative_to(FOLDER) for path in FOLDER.rglob("*") if path.is_file()]
    return {path.name for path in found}


def grow_old() -> None:
    """Let an hour pass."""
    for path in [path for path in FOLDER.rglob("*") if path.is_file()]:
        os.utime(path, (0, time.time() - LONGEST_UPLOAD.total_seconds() - 1))


def receive(uploads: Uploads, content: bytes) -> None:
    with uploads.receiving("data.bin") as file:
        file.write(content)


def size(uploads: Uploads) -> int:
    """Tell the size that a job found out."""
    result = uploads.get("data.bin").result
    assert result
    return result.size


@pytest.fixture
def storage() -> Storage:
    """Keep files in the directory of the test."""
    return Storage(Settings(storage_url="file:data"), timeout=5)


@pytest.fixture
def started() -> list[Start]:
    """Remember the jobs that were started."""
    return []


@pytest.fixture
def uploads(storage: Storage, started: list[Start]) -> Uploads:
    """Keep uploads whose jobs wait."""
    return Uploads(storage, lambda *job: started.append(job))


def test_nothing_is_seen_of_a_file_before_its_end(uploads: Uploads, started: list[Start]) -> None:
    with uploads.receiving("data.bin") as file:
        file.write(b"x" * 1_000_000)
        file.flush()
        with pytest.raises(UploadNotFoundError):
            uploads.get("data.bin")
        assert not started

    assert uploads.get("data.bin").status == "processing"


def test_of_a_file_that_fails_nothing_is_kept(uploads: Uploads, started: list[Start]) -> None:
    def write() -> None:
        with uploads.receiving("data.bin") as file:
            file.write(b"hello")
            file.flush()
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        write()

    assert kept() == set()
    assert not started


def test_a_job_that_is_faster_than_the_service(storage: Storage) -> None:
    def start(filename: str, key: str) -> None:
        own.process(filename, key)

    own = Uploads(storage, start)
    receive(own, b"hello")

    assert own.get("data.bin").status == "done"
    assert kept() == {"current", "file", "outcome"}


def test_a_job_that_fails_at_once_has_failed(storage: Storage) -> None:
    def start(filename: str, key: str) -> None:
        own.fail(filename, key)

    own = Uploads(storage, start)
    receive(own, b"hello")

    assert own.get("data.bin").status == "failed"
    assert kept() == {"current", "failed", "file"}


def test_a_queue_that_takes_no_job_changes_nothing(storage: Storage, started: list[Start]) -> None:
    def start(filename: str, key: str) -> None:
        started.append((filename, key))
        if len(started) == 2:
            # Meanwhile there is another one.
            own.process(*started[0])
            receive(own, b"another one")
            raise UnavailableError("The queue of jobs is not available")

    own = Uploads(storage, start)
    receive(own, b"hello")
    with pytest.raises(UnavailableError):
        receive(own, b"refused")

    # It may have come to a worker nevertheless.
    own.process(*started[1])
    own.fail(*started[1])
    assert own.get("data.bin").status == "processing"
    own.process(*started[2])
    assert size(own) == 11
    assert kept() == {"current", "file", "outcome"}
    assert len(list(FOLDER.rglob("file"))) == 1


def test_a_service_that_is_killed_before_its_answer_has_changed_nothing(
    uploads: Uploads, started: list[Start], monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(*_: object) -> None:
        raise KeyboardInterrupt

    receive(uploads, b"first")
    with monkeypatch.context() as patch:
        # The job is sent, and nothing comes after it.
        patch.setattr(Storage, "read", end)
        with pytest.raises(KeyboardInterrupt):
            receive(uploads, b"second one")

    for job in reversed(started):
        uploads.process(*job)

    assert size(uploads) == 5
    grow_old()
    receive(uploads, b"third")
    assert len(list(FOLDER.rglob("file"))) == 1


def test_a_job_that_is_run_again_does_nothing_twice(
    uploads: Uploads, started: list[Start], monkeypatch: pytest.MonkeyPatch
) -> None:
    receive(uploads, b"hello")
    uploads.process(*started[0])
    monkeypatch.delattr(Uploads, "_summary")

    uploads.process(*started[0])
    uploads.fail(*started[0])

    assert uploads.get("data.bin").status == "done"
    assert kept() == {"current", "file", "outcome"}


def test_what_was_done_has_not_failed(
    uploads: Uploads, started: list[Start], monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = Storage.pieces

    def late(storage: Storage, name: str) -> Iterator[bytes]:
        # Another worker gives the same job up.
        uploads.fail(*started[0])
        assert uploads.get("data.bin").status == "failed"
        return pieces(storage, name)

    receive(uploads, b"hello")
    monkeypatch.setattr(Storage, "pieces", late)

    uploads.process(*started[0])

    assert size(uploads) == 5


def test_a_later_upload_takes_the_place_of_an_earlier_one(
    uploads: Uploads, started: list[Start]
) -> None:
    receive(uploads, b"first")
    uploads.process(*started[0])
    receive(uploads, b"second one")
    assert uploads.get("data.bin").status == "processing"

    uploads.process(*started[0])
    uploads.fail(*started[0])
    assert uploads.get("data.bin").status == "processing"
    uploads.process(*started[1])

    assert size(uploads) == 10
    assert len(list(FOLDER.rglob("file"))) == 1
    assert kept() == {"current", "file", "outcome"}


def test_a_file_that_makes_room_ends_its_job(
    uploads: Uploads, started: list[Start], monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = Storage.pieces

    def late(storage: Storage, name: str) -> Iterator[bytes]:
        monkeypatch.undo()
        receive(uploads, b"second one")
        return pieces(storage, name)

    receive(uploads, b"first")
    monkeypatch.setattr(Storage, "pieces", late)

    uploads.process(*started[0])

    assert uploads.get("data.bin").status == "processing"
    assert kept() == {"current", "file"}


def test_a_file_that_cannot_be_read_is_tried_again(
    uploads: Uploads, started: list[Start], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise FileNotFoundError

    receive(uploads, b"hello")
    with monkeypatch.context() as patch:
        patch.setattr(Storage, "pieces", fail)
        with pytest.raises(FileNotFoundError):
            uploads.process(*started[0])

    assert uploads.get("data.bin").status == "processing"
    uploads.process(*started[0])
    assert uploads.get("data.bin").status == "done"


def test_a_job_whose_upload_has_gone_ends(uploads: Uploads) -> None:
    uploads.process("data.bin", "key")
    uploads.fail("data.bin", "key")

    assert kept() == set()


def test_what_was_never_finished_is_removed_after_a_time(uploads: Uploads) -> None:
    left = FOLDER / "left"
    left.mkdir(parents=True)
    (left / "file").write_bytes(b"of a process that was killed")

    receive(uploads, b"hello")
    assert (left / "file").exists()

    grow_old()
    receive(uploads, b"hello again")
    assert kept() == {"current", "file"}
    assert not left.exists()
#{% endfilter %}
