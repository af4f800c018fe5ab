#{% filter imports %}
"""What is noted of jobs until they end, where services, workers and beat see it."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any, TypedDict
from urllib.parse import quote, unquote
from uuid import uuid4

from kombu.utils.json import dumps, loads

from .problems import UnavailableError
from .storage import Storage
#{% if when.file_storage %}

logger = logging.getLogger(__name__)
#{% endif %}


class Note(TypedDict):
    """What a job was sent with, which is enough to send it again, and how often it was started."""

    name: str
    arguments: Sequence[Any]
    options: dict[str, Any]
    starts: int


#{% if when.object_storage %}
class Notes:
    """The notes of jobs, in the storage that all who run or send jobs share.

    All four methods raise UnavailableError where it is down.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def write(self, job: str, note: Note) -> None:
        """Keep the note of a job, in place of the one that there was."""
        self._storage.write(self._name(job), dumps(note).encode())

    def read(self, job: str) -> Note | None:
        """Give the note of a job; None where there is none, because the job has ended."""
        content = self._storage.read(self._name(job))
        if content is None:
            return None
        note: Note = loads(content)
        return note

    def remove(self, job: str) -> None:
        """Remove the note of a job, if there is one."""
        self._storage.remove(self._name(job))

    def older(self, seconds: float) -> list[str]:
        """List the jobs whose notes were written so long ago."""
        longest = timedelta(seconds=seconds)
        ages = self._storage.ages("jobs").items()
        return [unquote(PurePosixPath(name).stem) for name, age in ages if age > longest]

    def _name(self, job: str) -> str:
        # Whatever it is called, it is one file in this folder.
        return f"jobs/{quote(job, safe='')}.json"
#{% else %}
@contextmanager
def reported() -> Iterator[None]:
    """Raise UnavailableError where files cannot be read or written, and log why."""
    try:
        yield
    except OSError as error:
        logger.warning("Jobs cannot be noted: %s", error)
        raise UnavailableError("The queue of jobs is not available") from error


class Notes:
    """The notes of jobs: a file for each, in a directory that all who run or send jobs share.

    What keeps them elsewhere has the same four methods; all raise UnavailableError where it is down.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory / "jobs"

    def write(self, job: str, note: Note) -> None:
        """Keep the note of a job, in place of the one that there was."""
        content = dumps(note)
        # Under another name first: nobody sees half a note.
        draft = self._directory / f"{uuid4().hex}.draft"
        with reported():
            self._directory.mkdir(parents=True, exist_ok=True)
            try:
                draft.write_text(content)
                draft.replace(self._path(job))
            except OSError:
                draft.unlink(missing_ok=True)
                raise

    def read(self, job: str) -> Note | None:
        """Give the note of a job; None where there is none, because the job has ended."""
        with reported():
            try:
                note: Note = loads(self._path(job).read_bytes())
            except FileNotFoundError:
                return None
            return note

    def remove(self, job: str) -> None:
        """Remove the note of a job, if there is one."""
        with reported():
            self._path(job).unlink(missing_ok=True)

    def older(self, seconds: float) -> list[str]:
        """List the jobs whose notes were written so long ago; remove what was cut off before."""
        before = time.time() - seconds
        found = []
        with reported():
            for path in self._directory.glob("*"):
                try:
                    old = path.stat().st_mtime < before
                except FileNotFoundError:
                    # The job has just ended.
                    continue
                if old and path.suffix == ".draft":
                    path.unlink(missing_ok=True)
                elif old:
                    found.append(unquote(path.stem))
        return found

    def _path(self, job: str) -> Path:
        # Whatever it is called, it is a file in this directory.
        return self._directory / f"{quote(job, safe='')}.json"
#{% endif %}
#{% endfilter %}
