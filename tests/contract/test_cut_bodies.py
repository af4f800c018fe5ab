"""A body that ends before it should is refused by both frameworks, and nothing of it is kept."""

from __future__ import annotations

import socket
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from contract.probes import AUTHORIZATION, ENVIRONMENT, FORM, JSON
from contract.services import FRAMEWORKS, run_in_production

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contract.services import Server, Services

BYTES = "application/octet-stream"
# Each of them is whole as it stands, so that only its length tells that it is not.
BODIES = (
    ("POST", "/items", JSON, b'{"name":"Cut","price":1}'),
    ("PUT", "/items/1", JSON, b'{"name":"Cut","price":1}'),
    ("PATCH", "/items/1", JSON, b'{"name":"Cut"}'),
    ("POST", "/uploads/kept.bin", BYTES, b"cut"),
    ("POST", "/uploads/cut.bin", BYTES, b"cut"),
    ("POST", "/uploads/cut.bin", BYTES, b"cut" * 30_000),
    ("POST", "/", FORM, b"name=Cut&price=1"),
)


@pytest.fixture(params=FRAMEWORKS)
def server(
    request: pytest.FixtureRequest, services: Services, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Run the service of each framework, with an item and a file."""
    service = services.make(tmp_path_factory.mktemp("cut"), request.param)
    with run_in_production(service, ENVIRONMENT) as server:
        server.ask("POST", "/items", '{"name":"Kept","price":1}', {"Content-Type": JSON})
        server.ask("POST", "/uploads/kept.bin", b"kept")
        yield server


def requests(authorization: str = AUTHORIZATION) -> Iterator[bytes]:
    """Give requests without their ends."""
    for method, target, content_type, body in BODIES:
        start = (
            f"{method} {target} HTTP/1.1\r\nHost: service.example\r\n"
            f"Authorization: {authorization}\r\nContent-Type: {content_type}\r\n"
        ).encode()
        yield b"%sContent-Length: %d\r\n\r\n%s" % (start, len(body) + 1, body)
        chunked = b"%sTransfer-Encoding: chunked\r\n\r\n" % start
        yield b"%s%x\r\n%s\r\n" % (chunked, len(body), body)
        yield b"%s%x\r\n%s\r\nno size\r\n" % (chunked, len(body), body)


def answer_to(server: Server, request: bytes, *, waits: bool) -> bytes:
    """Send what there is of a request, and read the answer, if somebody waits for one."""
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=20)) as client:
        client.sendall(request)
        if not waits:
            return b""
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(65_536), b""))


def test_nothing_is_kept_of_a_body_that_is_cut_off(server: Server) -> None:
    before = server.ask("GET", "/items").body
    for request in requests():
        for waits in (True, False):
            answer = answer_to(server, request, waits=waits)
            # Some servers close the connection, for the client has gone.
            assert not answer or answer.startswith(b"HTTP/1.1 400 "), (request[:200], answer)

    assert server.ask("GET", "/items").body == before
    assert server.ask("GET", "/uploads/cut.bin").status == 404
    assert server.ask("GET", "/uploads/kept.bin").json["result"]["size"] == len(b"kept")
    assert "Traceback" not in server.log


def test_credentials_are_asked_for_before_the_end_of_a_body(server: Server) -> None:
    for request in requests("Basic none"):
        answer = answer_to(server, request, waits=True)
        # Some servers close the connection, for the client has gone, or see themselves that chunks
        # are none.
        expected = b"HTTP/1.1 40" if request.endswith(b"no size\r\n") else b"HTTP/1.1 401 "
        assert not answer or answer.startswith(expected), (request[:200], answer)
