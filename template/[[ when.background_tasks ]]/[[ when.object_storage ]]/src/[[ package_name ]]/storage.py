"""Files that several machines share: in a bucket of S3 or of what is compatible, or in a directory.

Whatever is written appears as a whole, or not at all.
"""

import logging
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from threading import Event
from typing import IO, Any

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from .problems import UnavailableError
from .settings import Settings
from .storage_url import bucket_of, directory_of

logger = logging.getLogger(__name__)

# So much of a file is in memory, twice or three times while it is sent: a part of S3 is no smaller.
PART = 5 * 1024 * 1024


class CutOffError(Exception):
    """What was to be written has no end."""


@contextmanager
def reported(*, writing: bool = False) -> Iterator[None]:
    """Raise UnavailableError where the storage fails, and log why."""
    # Where something is written and not found, it is the bucket.
    failures = (BaseError, FileNotFoundError) if writing else (BaseError,)
    try:
        yield
    except failures as error:
        # The other lines of it repeat the first one.
        logger.warning("The storage failed: %s", str(error).partition("\n")[0])
        raise UnavailableError("The storage does not answer") from error


def chunks(pipe: IO[bytes], finished: Event) -> Iterator[bytes]:
    """Give what comes through a pipe, and raise CutOffError where it ends too early."""
    while chunk := pipe.read(64 * 1024):
        yield chunk
    if not finished.is_set():
        raise CutOffError


class Storage:
    """The storage of files.

    Args:
        settings: Where it is.
        timeout: Seconds after which it counts as down. Where nobody waits there may be many.
    """

    def __init__(self, settings: Settings, timeout: float) -> None:
        self._settings = settings
        self._timeout = timedelta(seconds=timeout)
        self._directory = directory_of(settings.storage_url)

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        """Keep what the block writes, which is sent on while it comes; nothing if it fails."""
        reader, writer = os.pipe()
        finished = Event()
        with ThreadPoolExecutor(1) as thread:
            sent = thread.submit(self._send, name, reader, finished)
            try:
                with os.fdopen(writer, "wb") as file:
                    yield file
                    file.flush()
                    finished.set()
            except BrokenPipeError:
                # Nobody reads on, for a reason that comes now.
                finished.clear()
            with reported(writing=True):
                sent.result()

    def write(self, name: str, content: bytes) -> None:
        """Keep a small file."""
        with reported(writing=True):
            self._store.put(name, content, use_multipart=False)

    def read(self, name: str) -> bytes | None:
        """Give a small file; None where there is none."""
        with reported():
            try:
                return bytes(self._store.get(name).bytes())
            except FileNotFoundError:
                return None

    def pieces(self, name: str) -> Iterator[bytes]:
        """Give a file in pieces that fit into memory, or raise FileNotFoundError."""
        with reported():
            file = obstore.open_reader(self._store, name, buffer_size=PART)
            while piece := file.read(PART):
                yield bytes(piece)

    def ages(self, folder: str) -> dict[str, timedelta]:
        """List the files below a folder, each with its age."""
        now = datetime.now(UTC)
        with reported():
            found = [file for some in self._store.list(folder) for file in some]
        return {file["path"]: now - file["last_modified"] for file in found}

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with reported(), suppress(FileNotFoundError):
            self._store.delete(name)

    @property
    def _store(self) -> S3Store | LocalStore:
        if self._directory is None:
            return self._bucket
        return LocalStore(self._directory, mkdir=True, automatic_cleanup=True)

    # When it is needed first, for it does not survive that a server makes several processes of one.
    @cached_property
    def _bucket(self) -> S3Store:
        bucket, prefix = bucket_of(self._settings.storage_url)
        given: dict[str, Any] = {
            "endpoint": self._settings.aws_endpoint_url,
            "region": self._settings.aws_region,
            "access_key_id": self._settings.aws_access_key_id,
            "secret_access_key": self._settings.aws_secret_access_key,
            "session_token": self._settings.aws_session_token,
        }
        return S3Store(
            bucket,
            prefix=prefix or None,
            # Half of the time for the last attempt, which may begin at the end of the other half.
            # What shows signs of life has longer: S3 puts the parts of large files together.
            client_options={
                "allow_http": self._settings.aws_endpoint_url.startswith("http:"),
                "connect_timeout": self._timeout / 2,
                "read_timeout": self._timeout / 2,
                "timeout": "5 minutes",
            },
            retry_config={"max_retries": 10, "retry_timeout": self._timeout / 2},
            # What is not set is found as Amazon's own programs find it.
            **{name: value for name, value in given.items() if value},
        )

    def _send(self, name: str, reader: int, finished: Event) -> None:
        with os.fdopen(reader, "rb") as pipe:
            self._store.put(
                name, chunks(pipe, finished), use_multipart=True, chunk_size=PART, max_concurrency=1
            )
