"""Uploaded files and what becomes of them, kept as files that every process of the machine sees."""

import hashlib
import logging
from pathlib import Path
from typing import Annotated, Literal
from uuid import uuid4

from pydantic import BaseModel, Field

from .problems import NotFoundError

logger = logging.getLogger(__name__)

# No path parts, no hidden files.
Filename = Annotated[str, Field(max_length=100, pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$")]


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


class UploadNotFoundError(NotFoundError):
    """No file was uploaded under this name."""

    def __init__(self, filename: str) -> None:
        super().__init__(f"Upload {filename} not found")


class Uploads:
    """The uploads in a directory."""

    def __init__(self, directory: Path) -> None:
        self._files = directory / "files"
        self._states = directory / "states"

    def receive(self, filename: str, content: bytes) -> UploadAccepted:
        """Keep a file, to be processed later."""
        self._write(self._files / filename, content)
        self._remember(Upload(filename=filename))
        return UploadAccepted(filename=filename)

    def get(self, filename: str) -> Upload:
        """Tell what has become of a file, or raise UploadNotFoundError."""
        try:
            state = (self._states / f"{filename}.json").read_bytes()
        except FileNotFoundError:
            raise UploadNotFoundError(filename) from None
        return Upload.model_validate_json(state)

    def process(self, filename: str) -> None:
        """Do the job: whatever happens, the upload ends as done or failed."""
        upload = Upload(filename=filename)
        try:
            upload.result = self._summary(filename)
            upload.status = "done"
        except Exception:
            logger.exception("The upload %s failed", filename)
            upload.status = "failed"
        self._remember(upload)

    def _summary(self, filename: str) -> FileSummary:
        with (self._files / filename).open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            return FileSummary(size=file.tell(), sha256=sha256)

    def _remember(self, upload: Upload) -> None:
        self._write(self._states / f"{upload.filename}.json", upload.model_dump_json().encode())

    def _write(self, path: Path, content: bytes) -> None:
        # Under another name first: nobody sees half a file.
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.parent / f".{uuid4().hex}"
        unfinished.write_bytes(content)
        unfinished.replace(path)
