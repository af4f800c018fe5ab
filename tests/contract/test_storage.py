"""Uploads of several machines: both frameworks keep them in one bucket, which a server has."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import time
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from contract.buckets import SECRET, TIMEOUT, Bucket, storage, wait_until
from contract.probes import AUTHORIZATION, ENVIRONMENT
from contract.services import FRAMEWORKS, PATIENCE, run_in_production

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from matrix.environments import Environments

    from contract.services import Answer, Server, Service, Services

MEGABYTE = 1024 * 1024
# The largest resident size that a process of the service may have had.
MOST_MEMORY = 150 * MEGABYTE


@pytest.fixture(scope="module")
def bucket(
    environments: Environments, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bucket]:
    """Run a storage with an empty bucket."""
    with storage(environments, tmp_path_factory.mktemp("moto")) as bucket:
        yield bucket


@contextmanager
def serving(
    services: Services, directory: Path, framework: str, bucket: Bucket, **variables: str
) -> Iterator[Server]:
    """Run a service in a directory of its own, with two processes."""
    service = services.make(directory / framework, framework, storage="object")
    given = {**ENVIRONMENT, **bucket.variables(), "WEB_CONCURRENCY": "2", **variables}
    with run_in_production(service, given) as server:
        yield server


@pytest.fixture(scope="module")
def servers(
    services: Services, bucket: Bucket, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Server]]:
    """Run the services of both frameworks, which share nothing but the bucket."""
    directory = tmp_path_factory.mktemp("storage")
    with ExitStack() as stack:
        yield {
            framework: stack.enter_context(
                serving(services, directory, framework, bucket, MAX_BODY_SIZE=str(30 * MEGABYTE))
            )
            for framework in FRAMEWORKS
        }


def outcome(server: Server, name: str) -> Answer:
    """Wait for the end of a job."""
    wait_until(lambda: server.ask("GET", f"/uploads/{name}").json["status"] != "processing")
    return server.ask("GET", f"/uploads/{name}")


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_machine_sees_an_upload(
    servers: dict[str, Server], bucket: Bucket, framework: str
) -> None:
    name, other = f"Shared-{framework}.bin", next(each for each in FRAMEWORKS if each != framework)
    for content in (b"first", b"x" * 12 * MEGABYTE):
        assert servers[framework].ask("POST", f"/uploads/{name}", content).status == 202

        expected = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        answer = outcome(servers[other], name)
        assert answer.json == {"filename": name, "status": "done", "result": expected}
        assert servers[framework].ask("GET", f"/uploads/{name}").body == answer.body
    folder = f"some/prefix/uploads/+shared-{framework}.bin"
    assert {key for key in bucket.objects() if key.startswith(folder)} == {
        f"{folder}/current",
        f"{folder}/KEY/file",
        f"{folder}/KEY/outcome",
    }


@contextmanager
def half_sent(server: Server, name: str) -> Iterator[socket.socket]:
    """Send 12 of 20 megabytes, and the end of the connection after the block."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as client:
        client.sendall(
            f"POST /uploads/{name} HTTP/1.1\r\nHost: service.example\r\n"
            f"Authorization: {AUTHORIZATION}\r\nContent-Length: {20 * MEGABYTE}\r\n\r\n".encode()
        )
        client.sendall(b"x" * 12 * MEGABYTE)
        yield client


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_nothing_stays_of_an_upload_that_is_cut_off(
    servers: dict[str, Server], bucket: Bucket, framework: str
) -> None:
    before, name = bucket.objects(), f"cut-{framework}.bin"
    with half_sent(servers[framework], name):
        wait_until(lambda: bool(bucket.objects("?uploads")))
        assert servers[framework].ask("GET", f"/uploads/{name}").status == 404

    wait_until(lambda: not bucket.objects("?uploads"))
    assert servers[framework].ask("GET", f"/uploads/{name}").status == 404
    assert bucket.objects() == before


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_storage_that_hangs_is_told_in_time_and_loses_nothing(
    servers: dict[str, Server], bucket: Bucket, framework: str
) -> None:
    server, name = servers[framework], f"frozen-{framework}.bin"
    assert server.ask("POST", f"/uploads/{name}", b"before").status == 202
    before = outcome(server, name)
    with bucket.frozen():
        for method, body in (("POST", b"x" * 60_000), ("GET", None)):
            started = time.monotonic()
            answer = server.ask(method, f"/uploads/{name}", body)
            assert (answer.status, answer.headers["retry-after"]) == (503, "1")
            # An upload that is given up is given up in the storage, too.
            assert time.monotonic() - started < 2 * TIMEOUT + 2
        assert server.ask("GET", "/ready").status == 200

    assert server.ask("GET", f"/uploads/{name}").body == before.body
    assert server.ask("POST", f"/uploads/{name}", b"after it").status == 202
    assert outcome(server, name).json["result"]["size"] == 8
    assert SECRET not in server.log
    assert "Traceback" not in server.log


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_nobody_sees_half_of_a_file_where_a_service_stops(
    services: Services, bucket: Bucket, framework: str, tmp_path: Path
) -> None:
    limits = {"MAX_BODY_SIZE": str(30 * MEGABYTE), "WEB_GRACEFUL_TIMEOUT": "2"}
    with serving(services, tmp_path, framework, bucket, **limits) as server:
        assert server.ask("POST", "/uploads/last.bin", b"whole").status == 202
        with half_sent(server, "stopped.bin"):
            wait_until(lambda: bool(bucket.objects("?uploads")))
            server.stop()
    # What is left of it is nothing that anybody sees; a rule of the bucket removes that.
    assert not any("stopped" in key for key in bucket.objects())
    assert "some/prefix/uploads/last.bin/KEY/outcome" in bucket.objects()


@pytest.fixture
def made(services: Services, tmp_path: Path) -> Callable[..., Service]:
    """Give what makes a service in a directory of its own."""
    return partial(services.make, tmp_path)


def peaks(server: Server) -> dict[int, int]:
    """Give the largest resident size that each process of a server has had."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(ProcessLookupError):
            if os.getpgid(int(process.name)) == server.process.pid:
                status = (process / "status").read_text(encoding="ascii")
                (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
                found[int(process.name)] = int(peak) * 1024
    return found


@pytest.mark.thorough
@pytest.mark.parametrize("kind", ["directory", "object"])
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_memory_that_a_large_upload_takes(
    made: Callable[..., Service],
    bucket: Bucket,
    framework: str,
    kind: str,
    record_property: Callable[[str, object], None],
) -> None:
    size, block = 1000 * MEGABYTE, os.urandom(MEGABYTE)
    service = made(framework, storage=kind)
    sha256 = hashlib.sha256()
    for _ in range(1000):
        sha256.update(block)
    expected = {"size": size, "sha256": sha256.hexdigest()}
    variables = {
        **ENVIRONMENT,
        **(bucket.variables() if kind == "object" else {}),
        "MAX_BODY_SIZE": str(size),
        # The storage of the tests puts all parts together before it says anything.
        "STORAGE_TIMEOUT": "240",
    }
    with run_in_production(service, variables) as server, closing(server.connection()) as client:
        client.timeout = 4 * PATIENCE
        before = peaks(server)
        headers = {"Authorization": AUTHORIZATION, "Content-Length": str(size)}
        client.request("POST", "/uploads/large.bin", (block for _ in range(1000)), headers)
        response = client.getresponse()
        assert (response.status, response.read()[:1]) == (202, b"{")
        if kind == "object":
            # For each piece that a job reads, the storage of the tests reads the whole file.
            time.sleep(10)
            assert server.ask("GET", "/uploads/large.bin").json["status"] == "processing"
            assert size in bucket.sizes()
        else:
            assert outcome(server, "large.bin").json["result"] == expected
        after = peaks(server)
        larger = {"Content-Length": str(size + 1)}
        assert server.ask("POST", "/uploads/larger.bin", headers=larger).status == 413

    told = [[peak // MEGABYTE for peak in found.values()] for found in (before, after)]
    record_property("megabytes of each process, before and after", told)
    assert max(after.values()) < MOST_MEMORY, told
