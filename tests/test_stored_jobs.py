"""Uploads of several machines: services and workers share a storage and a broker, and no file."""

from __future__ import annotations

import hashlib
import os
import signal
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple

import pytest
from brokers import KINDS, Program, broker, running
from contract.buckets import SECRET, Bucket, storage
from contract.services import FRAMEWORKS
from matrix.rendering import PACKAGE
from test_load import plain
from test_production import production, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from contract.services import Answer, Server, Services
    from matrix.environments import Environments

pytestmark = pytest.mark.thorough

# Seconds after which a job is ended; a Redis gives those of a worker that is gone to another after
# 70 more, and looks every ten seconds.
TIME_LIMIT = 30
LONGEST_ABSENCE = TIME_LIMIT + 70 + 10
FOLDER = "some/prefix/uploads"


class Machines(NamedTuple):
    """A service and a worker in directories of their own, and what they share."""

    server: Server
    worker: Program
    bucket: Bucket
    directories: tuple[Path, Path]
    celery: Callable[..., str]

    def upload(self, name: str, content: bytes) -> None:
        """Send a file, which is accepted."""
        assert self.server.ask("POST", f"/uploads/{name}", content).status == 202

    def outcome(self, name: str, seconds: float = LONGEST_ABSENCE) -> Answer:
        """Wait for the end of a job."""
        path = f"/uploads/{name}"
        wait_until(lambda: self.server.ask("GET", path).json["status"] != "processing", seconds)
        return self.server.ask("GET", path)

    def kept(self) -> set[str]:
        """List what is kept in directories."""
        return {
            path.relative_to(directory).as_posix()
            for directory in self.directories
            for path in (directory / "data").rglob("*")
        }


@pytest.fixture(params=KINDS)
def machines(
    request: pytest.FixtureRequest,
    services: Services,
    environments: Environments,
    tmp_path: Path,
) -> Callable[[str], AbstractContextManager[Machines]]:
    """Give what starts the machines of a framework."""

    @contextmanager
    def start(framework: str) -> Iterator[Machines]:
        made = plain(
            services,
            tmp_path / "service",
            framework,
            database="none",
            background_tasks="celery",
            storage="object",
        )
        elsewhere = tmp_path / "worker"
        elsewhere.mkdir()
        with ExitStack() as stack:
            bucket = stack.enter_context(storage(environments, tmp_path))
            address, _ = stack.enter_context(broker(request.param))
            variables = {
                **bucket.variables(),
                "CELERY_BROKER_URL": address,
                "JOB_TIME_LIMIT": str(TIME_LIMIT),
                "MAX_BODY_SIZE": str(2**25),
                "TMPDIR": str(elsewhere),
            }
            server = stack.enter_context(production(made, **variables))
            command = made.program("celery", "--app", f"{PACKAGE}.worker", "worker")
            variables |= {"PYTHONPATH": str(made.path / "src"), "LOG_LEVEL": "INFO"}
            worker = Program("worker", command, elsewhere, variables)
            stack.enter_context(running(worker))

            def celery(*arguments: str) -> str:
                called = Program("celery", [*command[:-1], *arguments], elsewhere, variables)
                with running(called):
                    assert called.process.wait(60) == 0, called.log
                return called.log

            yield Machines(server, worker, bucket, (made.path, elsewhere), celery)

    return start


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_worker_reads_what_a_service_was_sent_and_may_be_killed(
    machines: Callable[[str], AbstractContextManager[Machines]], framework: str
) -> None:
    with machines(framework) as all_of_it:
        server, worker, bucket, _, celery = all_of_it
        for content in (b"first", os.urandom(12_000_000)):
            all_of_it.upload("data.bin", content)
            expected = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            assert all_of_it.outcome("data.bin").json["result"] == expected
        # Nothing stays of what was replaced, or of jobs that have ended.
        whole = {f"{FOLDER}/data.bin/{name}" for name in ("current", "KEY/file", "KEY/outcome")}
        wait_until(lambda: bucket.objects() == whole)

        # The process that starts those that run jobs does so whatever it learns.
        job = celery("call", f"{PACKAGE}.tasks.resume_jobs", "--countdown=10").split()[-1]
        celery("control", "revoke", job)
        wait_until(lambda: "Discarding revoked task" in worker.log)
        wait_until(lambda: bucket.objects() == whole)
        children = worker.children
        for child in children:
            os.kill(child, signal.SIGKILL)
        wait_until(lambda: not set(children) & set(worker.children))
        all_of_it.upload("data.bin", b"of others")
        assert all_of_it.outcome("data.bin").json["result"]["size"] == 9

        worker.tell(signal.SIGSTOP)
        all_of_it.upload("data.bin", b"killed")
        with bucket.frozen():
            before = worker.log.count("process_upload")
            worker.tell(signal.SIGCONT)
            wait_until(lambda: worker.log.count("process_upload") > before)
            worker.kill()
        assert server.ask("GET", "/uploads/data.bin").json["status"] == "processing"
        worker.start()
        assert all_of_it.outcome("data.bin").json["result"]["size"] == 6
        wait_until(lambda: bucket.objects() == whole)

        with bucket.frozen():
            assert server.ask("POST", "/uploads/data.bin", b"refused").status == 503
        assert all_of_it.outcome("data.bin").json["result"]["size"] == 6
        assert all_of_it.kept() == set()
    assert "Traceback" not in server.log
    assert SECRET not in server.log + worker.log
