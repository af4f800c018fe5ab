"""A bucket in a storage that is compatible with S3, for services that keep files there."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from matrix.environments import interpreter

from contract.services import PATIENCE, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from matrix.environments import Environments

MOTO = "moto[s3,server]>=5.2,<6"
SECRET = "the-key-itself"  # noqa: S105 - of a storage that lives for a test
# Seconds after which it counts as down.
TIMEOUT = 4


class Bucket:
    """A bucket in a storage."""

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.port = port
        self.process = process

    def variables(self) -> dict[str, str]:
        """What tells a service where it is."""
        return {
            "STORAGE_URL": "s3://uploads-of-tests/some/prefix",
            "STORAGE_TIMEOUT": str(TIMEOUT),
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "tests",
            "AWS_SECRET_ACCESS_KEY": SECRET,
        }

    def ask(self, method: str, query: str = "") -> str:
        """Send a request about the bucket."""
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)) as connection:
            connection.request(method, f"/uploads-of-tests{query}")
            return connection.getresponse().read().decode()

    def objects(self, query: str = "") -> set[str]:
        """List the objects, or with the query ``?uploads`` what is not whole yet."""
        found = ET.fromstring(self.ask("GET", query)).iter()  # noqa: S314 - of our own server
        keys = {element.text or "" for element in found if element.tag.endswith("}Key")}
        return {re.sub("[0-9a-f]{32}", "KEY", key) for key in keys}

    def sizes(self) -> list[int]:
        """Tell how large the objects are."""
        return [int(size) for size in re.findall(r"<Size>(\d+)</Size>", self.ask("GET"))]

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let the storage take connections for the block, and answer nothing."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


@contextmanager
def storage(environments: Environments, directory: Path) -> Iterator[Bucket]:
    """Run a storage in an environment of its own, with an empty bucket."""
    python, port = interpreter(environments.get((MOTO,))), free_port()
    with (directory / "storage.log").open("wb") as log:
        process = subprocess.Popen(
            [python, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    bucket = Bucket(port, process)
    try:
        wait_until(lambda: answers(bucket))
        yield bucket
    finally:
        process.kill()
        process.wait()


def answers(bucket: Bucket) -> bool:
    """Tell whether the storage answers, and has the bucket."""
    try:
        return "Error" not in bucket.ask("PUT")
    except (OSError, HTTPException):
        return False


def wait_until(happened: Callable[[], bool]) -> None:
    """Wait for something, and fail where it does not happen."""
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
