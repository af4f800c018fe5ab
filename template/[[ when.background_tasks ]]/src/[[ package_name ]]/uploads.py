#{% filter imports %}
#{% if when.object_storage %}
"""Uploaded files and what becomes of them, kept where every machine sees them."""
#{% elif when.celery %}
"""Uploaded files and what becomes of them, kept as files that services and workers see."""
#{% else %}
"""Uploaded files and what becomes of them, kept as files that every process of the machine sees."""
#{% endif %}

import errno
import hashlib
import logging
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import IO, Annotated, Literal
from uuid import uuid4

from pydantic import BaseModel, Field

from .locks import is_locked, lock, locked
from .problems import NotFoundError, ServiceError, UnavailableError
from .settings import Settings
from .storage import Storage

logger = logging.getLogger(__name__)

# No path parts, no hidden files.
Filename = Annotated[str, Field(max_length=100, pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$")]
# Names that are no files on Windows, whatever follows their first dot.
DEVICES = re.compile(r"(con|prn|aux|nul|(com|lpt)\d)(\.|$)")
#{% if when.object_storage %}
#{% if when.in_process %}
# Seconds for which a job waits for a storage that is down.
PATIENCE = 300
# A job that is not done by then was lost: the process that had it was killed.
LONGEST_JOB = timedelta(hours=1)
#{% else %}
# An upload that does not count by then was cut off.
LONGEST_UPLOAD = timedelta(hours=1)
#{% endif %}
#{% endif %}


class UploadAccepted(BaseModel):
    """A file that is going to be processed."""

    filename: str
    status: Literal["processing"] = "processing"


class FileSummary(BaseModel):
    """What the job found out about a file."""

    size: int
    sha256: str


class Upload(BaseModel):
    """What has become of a file."""

    filename: str
    status: Literal["processing", "done", "failed"] = "processing"
    result: FileSummary | None = None


#{% if when.file_storage %}
class UploadState(Upload):
    """What is noted of an upload, and the key that tells it from others of its name."""

    key: str


#{% endif %}
class UploadNotFoundError(NotFoundError):
    """No file was uploaded under this name."""

    def __init__(self, filename: str) -> None:
        super().__init__(f"Upload {filename} not found")


#{% if when.file_storage %}
class StorageFullError(ServiceError):
    """The disk has no room for a file."""

    status = 507

    def __init__(self) -> None:
        super().__init__("There is no room for the file")


#{% endif %}
def name_on_disk(filename: str) -> str:
    """Write a name so that it is a file of its own where case does not count, and on Windows."""
    name = re.sub("[A-Z]", lambda letter: f"+{letter[0].lower()}", filename)
    return f"++{name}" if DEVICES.match(name) else name


#{% if when.object_storage %}
def folder_of(filename: str) -> str:
    """Name the folder in which all that is about a name is kept."""
    return f"uploads/{name_on_disk(filename)}"


class Uploads:
    """The uploads in the storage of the service.

    Each name has a folder. Each upload has one in it, for the file and what the job found out, and
    beside them stands which upload counts.
    """

    #{% if when.celery %}
    def __init__(self, storage: Storage, start: Callable[..., object]) -> None:
        self._storage = storage
        # Has the job of an upload run, given its name and key.
        self._start = start

    @contextmanager
    def receiving(self, filename: str) -> Iterator[IO[bytes]]:
        """Keep what the block writes as a file and start its job; nothing if one of them fails."""
        folder, key = folder_of(filename), uuid4().hex
        with self._storage.writing(f"{folder}/{key}/file") as file:
            yield file
        try:
            # Before the upload counts: a broker that takes no jobs changes nothing.
            self._start(filename, key)
        except BaseException:
            self._storage.remove(f"{folder}/{key}/file")
            raise
    #{% else %}
    def __init__(self, settings: Settings) -> None:
        self._storage = Storage(settings, settings.storage_timeout)
        # For jobs, which fail only where it stays down.
        self._patient = Storage(settings, PATIENCE)

    @contextmanager
    def receiving(self, filename: str) -> Iterator[IO[bytes]]:
        """Keep what the block writes as a file, to be processed later; nothing if it fails."""
        folder, key = folder_of(filename), uuid4().hex
        with self._storage.writing(f"{folder}/{key}/file") as file:
            yield file
    #{% endif %}
        replaced = self._storage.read(f"{folder}/current") or b""
        self._storage.write(f"{folder}/current", key.encode())
        try:
            self._remove_leftovers(folder, key, replaced.decode())
        except UnavailableError:
            # A later upload of this name removes them.
            logger.warning("The upload %s left files of earlier ones", filename)

    def get(self, filename: str) -> Upload:
        """Tell what has become of a file, or raise UploadNotFoundError."""
        folder = folder_of(filename)
        #{% if when.celery %}
        key = self._storage.read(f"{folder}/current")
        if key is None:
            raise UploadNotFoundError(filename)
        folder = f"{folder}/{key.decode()}"
        # What was done has not failed, whatever became of the job where it ran as well.
        if outcome := self._storage.read(f"{folder}/outcome"):
            return Upload.model_validate_json(outcome)
        failed = self._storage.read(f"{folder}/failed") is not None
        return Upload(filename=filename, status="failed" if failed else "processing")

    def process(self, filename: str, key: str) -> None:
        """Do the job, unless it was done or a later upload of this name took its place."""
        folder = f"{folder_of(filename)}/{key}"
        if not self._waits(folder):
            return
        upload = Upload(filename=filename, status="done")
        try:
            upload.result = self._summary(f"{folder}/file")
        except FileNotFoundError:
            if self._waits(folder):
                raise
            return
        self._storage.write(f"{folder}/outcome", upload.model_dump_json().encode())

    def fail(self, filename: str, key: str) -> None:
        """Note that the job failed."""
        folder = f"{folder_of(filename)}/{key}"
        if self._waits(folder):
            self._storage.write(f"{folder}/failed", b"")

    def _waits(self, folder: str) -> bool:
        """Tell whether an upload waits for the end of its job."""
        return self._storage.ages(folder).keys() == {f"{folder}/file"}
        #{% else %}
        key = self._key(self._storage, filename)
        if outcome := self._storage.read(f"{folder}/{key}/outcome"):
            return Upload.model_validate_json(outcome)
        age = self._storage.ages(folder).get(f"{folder}/current", timedelta())
        return Upload(filename=filename, status="failed" if age > LONGEST_JOB else "processing")

    def process(self, filename: str) -> None:
        """Do the job of the upload that counts, which ends as done or failed.

        UnavailableError is raised where the storage is down for so long that nothing can be noted.
        """
        folder, storage = folder_of(filename), self._patient
        key = self._key(storage, filename)
        if storage.read(f"{folder}/{key}/outcome"):
            # A later upload of this name came before this job, and was processed in its place.
            return
        upload = Upload(filename=filename)
        try:
            upload.result = self._summary(f"{folder}/{key}/file")
            upload.status = "done"
        except UnavailableError:
            raise
        except Exception:
            if self._key(storage, filename) != key:
                # The file has made room for another, which has a job of its own.
                return
            logger.exception("The upload %s failed", filename)
            upload.status = "failed"
        storage.write(f"{folder}/{key}/outcome", upload.model_dump_json().encode())
        #{% endif %}

    def _summary(self, name: str) -> FileSummary:
        sha256, size = hashlib.sha256(), 0
        for piece in [[ "self._storage" if when.celery else "self._patient" ]].pieces(name):
            sha256.update(piece)
            size += len(piece)
        return FileSummary(size=size, sha256=sha256.hexdigest())

    #{% if when.in_process %}
    def _key(self, storage: Storage, filename: str) -> str:
        key = storage.read(f"{folder_of(filename)}/current")
        if key is None:
            raise UploadNotFoundError(filename)
        return key.decode()

    #{% endif %}
    def _remove_leftovers(self, folder: str, key: str, replaced: str) -> None:
        """Remove the upload that was replaced, and what was never finished."""
        for name, age in self._storage.ages(folder).items():
            owner = name.removeprefix(f"{folder}/").partition("/")[0]
            if owner == replaced or (owner not in {key, "current"} and age > [[ "LONGEST_UPLOAD" if when.celery else "LONGEST_JOB" ]]):
                self._storage.remove(name)
#{% else %}
#{% if when.in_process %}
class Job:
    """The job of one upload: its file is locked until the job ends or its process does."""

    def __init__(self, directory: Path) -> None:
        self.key = uuid4().hex
        self._path = directory / self.key
        # No file object, for Python closes those that nobody uses any more.
        self._descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR)
        lock(self._descriptor)

    def end(self) -> None:
        """Unlock the file and remove it."""
        os.close(self._descriptor)
        self._path.unlink(missing_ok=True)


#{% endif %}
class Uploads:
    """The uploads in a directory."""

    #{% if when.celery %}
    def __init__(self, directory: Path, start: Callable[..., object]) -> None:
        self._directory = directory
        self._files = directory / "files"
        self._states = directory / "states"
        # Has the job of an upload run, given its name and key.
        self._start = start

    @contextmanager
    def receiving(self, filename: str) -> Iterator[IO[bytes]]:
        """Keep what the block writes as a file and start its job; nothing if one of them fails."""
        for directory in (self._files, self._states):
            directory.mkdir(parents=True, exist_ok=True)
        state = UploadState(filename=filename, key=uuid4().hex)
        unfinished = self._unfinished(state)
        try:
            with unfinished.open("wb") as file:
                yield file
            # Before the file takes its place, which the job sees to as well: a broker that hangs
            # holds up nobody else, and one that takes no jobs changes nothing.
            self._start(filename, state.key)
            with self._changing():
                self._put_in_place(state)
        except BaseException as error:
            with self._changing():
                unfinished.unlink(missing_ok=True)
            if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise StorageFullError from error
            raise

    def get(self, filename: str) -> Upload:
        """Tell what has become of a file, or raise UploadNotFoundError."""
        state = self._recall(filename)
        return Upload(filename=filename, status=state.status, result=state.result)

    def process(self, filename: str, key: str) -> None:
        """Do the job, unless it was done or a later upload of this name took its place."""
        state = UploadState(filename=filename, key=key)
        with self._changing():
            self._put_in_place(state)
            if not self._awaits(state):
                return
        state.result = self._summary(filename)
        state.status = "done"
        self._end(state)

    def fail(self, filename: str, key: str) -> None:
        """Note that the job failed."""
        self._end(UploadState(filename=filename, key=key, status="failed"))

    def remove_leftovers(self, seconds: float) -> None:
        """Remove what was cut off so long ago."""
        before = time.time() - seconds
        for path in self._directory.glob("*/.*"):
            # Another worker may be faster.
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < before:
                    path.unlink()

    def _end(self, state: UploadState) -> None:
        with self._changing():
            # A job may be given up before it ran, and before the file took its place.
            self._put_in_place(state)
            if self._awaits(state):
                self._remember(state)

    def _awaits(self, state: UploadState) -> bool:
        """Tell whether an upload waits for the end of this job."""
        try:
            now = self._recall(state.filename)
        except UploadNotFoundError:
            return False
        return now.key == state.key and now.status == "processing"

    def _put_in_place(self, state: UploadState) -> None:
        """Let an upload count whose file is whole, unless that was done."""
        unfinished = self._unfinished(state)
        if unfinished.exists():
            # The file last: what is cut off before is done again.
            self._remember(state)
            unfinished.replace(self._files / f"{name_on_disk(state.filename)}.upload")

    def _unfinished(self, state: UploadState) -> Path:
        return self._files / f".{state.key}"

    #{% else %}
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._files = directory / "files"
        self._states = directory / "states"
        self._running = directory / "running"
        # What this process has to do, by the name of the file.
        self._mine: dict[str, Job] = {}
        if self._running.exists():
            self._remove_what_was_cut_off()

    @contextmanager
    def receiving(self, filename: str) -> Iterator[IO[bytes]]:
        """Keep what the block writes as a file, to be processed later; nothing if it fails."""
        for directory in (self._files, self._states, self._running):
            directory.mkdir(parents=True, exist_ok=True)
        with self._changing():
            job = Job(self._running)
        unfinished = self._files / f".{job.key}"
        try:
            with unfinished.open("wb") as file:
                yield file
            with self._changing():
                self._remember(UploadState(filename=filename, key=job.key))
                unfinished.replace(self._files / f"{name_on_disk(filename)}.upload")
                replaced, self._mine[filename] = self._mine.get(filename), job
        except BaseException as error:
            unfinished.unlink(missing_ok=True)
            job.end()
            if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise StorageFullError from error
            raise
        if replaced:
            replaced.end()

    def get(self, filename: str) -> Upload:
        """Tell what has become of a file, or raise UploadNotFoundError."""
        state = self._recall(filename)
        if state.status == "processing" and not is_locked(self._running / state.key):
            # The process that had the job was killed, or has noted the end of the job just now.
            key, state = state.key, self._recall(filename)
            if state.status == "processing" and state.key == key:
                state.status = "failed"
        return Upload(filename=filename, status=state.status, result=state.result)

    def process(self, filename: str) -> None:
        """Do the job: whatever happens, the upload ends as done or failed."""
        job = self._mine.pop(filename, None)
        if job is None:
            # A later upload of this name came before this job, and was processed in its place.
            return
        state = UploadState(filename=filename, key=job.key)
        try:
            state.result = self._summary(filename)
            state.status = "done"
        except Exception:
            logger.exception("The upload %s failed", filename)
            state.status = "failed"
        try:
            with self._changing():
                # What was uploaded meanwhile has a job of its own.
                if self._recall(filename).key == job.key:
                    self._remember(state)
        finally:
            job.end()

    #{% endif %}
    def _summary(self, filename: str) -> FileSummary:
        with (self._files / f"{name_on_disk(filename)}.upload").open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            return FileSummary(size=file.tell(), sha256=sha256)

    def _changing(self) -> AbstractContextManager[None]:
        """Let one thread of one process after the other change what is here."""
        return locked(self._directory / "lock")

    def _recall(self, filename: str) -> UploadState:
        try:
            state = (self._states / f"{name_on_disk(filename)}.json").read_bytes()
        except FileNotFoundError:
            raise UploadNotFoundError(filename) from None
        return UploadState.model_validate_json(state)

    def _remember(self, state: UploadState) -> None:
        # Under another name first: nobody sees half a state.
        unfinished = self._states / f".{state.key}"
        try:
            unfinished.write_bytes(state.model_dump_json().encode())
            unfinished.replace(self._states / f"{name_on_disk(state.filename)}.json")
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise
#{% if when.in_process %}

    def _remove_what_was_cut_off(self) -> None:
        with self._changing():
            for path in self._running.iterdir():
                if not is_locked(path):
                    (self._files / f".{path.name}").unlink(missing_ok=True)
                    (self._states / f".{path.name}").unlink(missing_ok=True)
                    path.unlink()
#{% endif %}
#{% endif %}
#{% endfilter %}
