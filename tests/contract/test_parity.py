"""The services of both frameworks give the same answers, to good requests and to strange ones.

More than a thousand requests go to each of them over a socket, as they are served in production.
"""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from contract.probes import ENVIRONMENT, OWN_ERRORS, PROBES, STRANGER, Probe
from contract.services import FRAMEWORKS, Answer, run_in_production

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from contract.services import Server, Service, Services

# What is left to each framework, and why: requests by the beginning of their names.
LEFT_TO_THE_FRAMEWORK = {
    "path //": "Werkzeug drops slashes at the start of a path before it looks for a route.",
    "static /style.css": "Starlette resolves such paths within the directory of static files.",
    "static ../static/style.css": "Starlette resolves such paths within that directory.",
    "odd form": "No browser sends such forms: the parsers guess, or refuse them with a 400.",
}

DATABASES = ("none", "sqlite", "postgresql")
CORS = "access-control-"
# The headers that are compared as they are.
KEPT = (
    "content-type",
    "location",
    "referrer-policy",
    "retry-after",
    "vary",
    "www-authenticate",
    "x-content-type-options",
    "x-frame-options",
    "x-own",
)
# What the owner of each service adds: routes that raise errors.
OWN_ROUTES = {
    "fastapi": """
from fastapi import HTTPException


def fail(status: int, detail: object, cause: Exception | None = None) -> None:
    raise HTTPException(status, detail) from cause


def add(app: FastAPI, name: str, code: str) -> None:
    @app.get(f"/own/{name}", include_in_schema=False)
    def own() -> None:
        exec(code, globals())
""",
    "flask": """
from flask import abort


def fail(status: int, detail: object, cause: Exception | None = None) -> None:
    try:
        abort(status, description=detail)
    except Exception as error:
        raise error from cause


def add(app: Flask, name: str, code: str) -> None:
    def own() -> None:
        exec(code, globals())

    app.add_url_rule(f"/own/{name}", f"own_{name}", own)
""",
}
OWN_CLASS = """

from .problems import ConflictError, NotFoundError, ServiceError, UnavailableError


class TeapotError(ServiceError):
    status = 418
"""


def send(server: Server, probe: Probe) -> Answer:
    """Send one request over a connection of its own."""
    with closing(server.connection()) as connection:
        connection.putrequest(probe.method, probe.target, skip_accept_encoding=True)
        for name, value in probe.headers:
            connection.putheader(name, value.encode("latin-1"))
        chunks: tuple[bytes, ...] = ()
        if isinstance(probe.body, tuple):
            connection.putheader("Transfer-Encoding", "chunked")
            chunks = (*(b"%x\r\n%s\r\n" % (len(c), c) for c in probe.body), b"0\r\n\r\n")
        elif probe.body is not None:
            connection.putheader("Content-Length", str(len(probe.body)))
            chunks = (probe.body,)
        try:
            connection.endheaders()
            for chunk in chunks:
                connection.send(chunk)
        except (BrokenPipeError, ConnectionResetError):
            # The answer can be there before the end of a body that is too large.
            pass
        return Answer.read(connection)


def words(header: str) -> str:
    """Sort a list in a header: its order says nothing."""
    return ", ".join(sorted({word.strip() for word in header.split(",")}))


def headers_of_the_contract(answer: Answer) -> dict[str, str]:
    """Keep the headers that the contract is about, in one form."""
    headers = {name: answer.headers[name] for name in KEPT if name in answer.headers}
    if "allow" in answer.headers:
        # HEAD and OPTIONS are left to the framework.
        methods = set(words(answer.headers["allow"]).split(", ")) - {"HEAD", "OPTIONS"}
        headers["allow"] = words(", ".join(methods))
    if "x-process-time" in answer.headers:
        headers["x-process-time"] = "seconds"
    if "x-request-id" in answer.headers:
        headers["x-request-id"] = "an id"
    if policy := answer.headers.get("content-security-policy"):
        headers["content-security-policy"] = re.sub(r"'nonce-[^']+'", "'nonce'", policy)
    if f"{CORS}allow-origin" in answer.headers:
        # Without this header, browsers take the other ones for nothing.
        headers |= {name: words(v) for name, v in answer.headers.items() if name.startswith(CORS)}
    if answer.status == 303:
        # Whether a redirection has a text that nobody sees is left to the framework.
        headers.pop("content-type", None)
    return headers


def body_of_the_contract(probe: Probe, answer: Answer) -> object:
    """Keep what the contract says of the body: all of it, with few exceptions."""
    if answer.status == 303:
        return "a redirection"
    if probe.method == "HEAD":
        return answer.body
    is_json = answer.headers.get("content-type") == "application/json"
    if answer.status == 422 and is_json and not probe.target.startswith("/own/"):
        # The wording of a 422 is not in the contract, and neither is the order of its parts.
        return sorted((str(part["loc"]), part["type"]) for part in answer.json["detail"])
    if answer.status == 200 and probe.target.split("?")[0] in {"/docs", "/redoc", "/openapi.json"}:
        # The document has a test of its own, and the pages belong to the framework.
        return "documentation"
    return answer.body


def differences(probe: Probe, one: Answer, other: Answer) -> Iterator[str]:
    """Say in what two answers to a request differ."""
    if one.status != other.status:
        yield f"status {one.status} and {other.status}"
    mine, theirs = headers_of_the_contract(one), headers_of_the_contract(other)
    for name in sorted(mine.keys() | theirs.keys()):
        if mine.get(name) != theirs.get(name):
            yield f"{name} {mine.get(name)!r} and {theirs.get(name)!r}"
    body, their_body = body_of_the_contract(probe, one), body_of_the_contract(probe, other)
    if body != their_body:
        yield f"body {str(body)[:300]} and {str(their_body)[:300]}"


@dataclass(frozen=True)
class Run:
    """All answers of one service, and what its server wrote meanwhile."""

    answers: Mapping[Probe, Answer]
    log: str


Runs = dict[tuple[str, str], Run]


def add_own_routes(service: Service, framework: str) -> None:
    """Add to a service what its owner may have added."""
    custom = service.source / "custom.py"
    lines = [f"    add(app, {name!r}, {code!r})" for name, code in OWN_ERRORS.items()]
    added = [custom.read_text().rstrip(), *lines, OWN_ROUTES[framework], OWN_CLASS]
    custom.write_text("\n".join(added))


@pytest.fixture(scope="module")
def runs(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Send all requests to the services of both frameworks, with each kind of database."""
    runs = {}
    for framework in FRAMEWORKS:
        for database in DATABASES:
            directory = tmp_path_factory.mktemp("parity")
            service = services.make(directory, framework, database=database)
            add_own_routes(service, framework)
            with run_in_production(service, ENVIRONMENT) as server:
                answers = {probe: send(server, probe) for probe in PROBES}
                runs[framework, database] = Run(answers, server.log)
    return runs


@pytest.mark.parametrize("database", DATABASES)
def test_both_frameworks_answer_the_same(runs: Runs, database: str) -> None:
    fastapi, flask = (runs[framework, database].answers for framework in FRAMEWORKS)

    found = [
        f"{probe.name} ({probe.method} {probe.target[:60]}): {difference}"
        for probe in PROBES
        if not probe.name.startswith(tuple(LEFT_TO_THE_FRAMEWORK))
        for difference in differences(probe, fastapi[probe], flask[probe])
    ]

    assert not found, "FastAPI and Flask differ:\n" + "\n".join(found)


def test_nothing_is_left_to_the_framework_without_need(runs: Runs) -> None:
    fastapi, flask = (runs[framework, "sqlite"].answers for framework in FRAMEWORKS)

    needed = {
        start
        for start in LEFT_TO_THE_FRAMEWORK
        for probe in PROBES
        if probe.name.startswith(start) and any(differences(probe, fastapi[probe], flask[probe]))
    }

    assert needed == set(LEFT_TO_THE_FRAMEWORK)


@pytest.mark.parametrize("database", DATABASES)
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_it_does_not_matter_where_items_are_kept(runs: Runs, framework: str, database: str) -> None:
    memory, other = runs[framework, "none"].answers, runs[framework, database].answers

    found = {probe.name for probe in PROBES if any(differences(probe, memory[probe], other[probe]))}

    # SQLite ignores the case of ASCII letters only.
    assert found == ({"list ?q=ST%C3%9CHLE"} if database == "sqlite" else set())


@pytest.mark.parametrize("database", DATABASES)
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_no_request_is_a_bug(runs: Runs, framework: str, database: str) -> None:
    run = runs[framework, database]

    failed = {probe.target for probe in PROBES if run.answers[probe].status >= 500}
    assert failed == {"/own/busy"}
    assert "Traceback" not in run.log


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_error_has_the_shape_of_the_contract(runs: Runs, framework: str) -> None:
    for probe, answer in runs[framework, "sqlite"].answers.items():
        is_page = probe.target == "/" and answer.status == 422
        if answer.status < 400 or is_page or probe.method == "HEAD":
            continue
        assert answer.headers["content-type"] == "application/json", probe.name
        assert list(answer.json) == ["detail"], probe.name
        if probe.target.startswith("/own/"):
            # An owner's details are whatever they raise.
            continue
        detail = answer.json["detail"]
        if answer.status == 422:
            assert detail, probe.name
            assert all(set(part) == {"loc", "msg", "type"} for part in detail), probe.name
        else:
            assert isinstance(detail, str), probe.name


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_answer_tells_its_time(runs: Runs, framework: str) -> None:
    for probe, answer in runs[framework, "sqlite"].answers.items():
        assert 0 <= float(answer.headers["x-process-time"]) < 60, probe.name


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_answer_has_an_id_of_its_own(runs: Runs, framework: str) -> None:
    answers = runs[framework, "sqlite"].answers
    ids = {answer.headers["x-request-id"] for answer in answers.values()}

    assert len(ids) == len(answers)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_no_other_site_and_nobody_without_credentials_changes_anything(
    runs: Runs, framework: str
) -> None:
    answers = runs[framework, "sqlite"].answers
    refused = {
        probe.name: answers[probe].status
        for probe in PROBES
        if probe.method not in {"GET", "HEAD"}
        and dict(probe.headers).get("Origin") == STRANGER
        # A browser has the last word on where its page is from.
        and "Sec-Fetch-Site" not in dict(probe.headers)
    }
    assert refused
    assert set(refused.values()) == {403}

    reached = {
        probe.name: answers[probe].status
        for probe in PROBES
        if probe.name.startswith("anonymous: ") and probe.method not in {"GET", "HEAD"}
    }
    assert 401 in reached.values()
    assert {name: status for name, status in reached.items() if status < 400} == {}


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_no_other_files_are_served(runs: Runs, framework: str) -> None:
    answers = {
        probe.name: answer
        for probe, answer in runs[framework, "sqlite"].answers.items()
        if probe.name.startswith("static ")
    }
    files = {answers["static style.css"].body, answers["static script.js"].body}

    assert len(files) == 2
    assert {answer.body for answer in answers.values() if answer.status == 200} == files


def test_a_difference_is_seen() -> None:
    probe = Probe("any", "GET", "/items/1")
    headers = {"content-type": "application/json", "x-process-time": "0.1", "vary": "Origin"}
    answer = Answer(200, headers, b'{"name":"Chair"}')
    same = replace(answer, headers=headers | {"x-process-time": "0.2", "server": "another"})
    others = [
        replace(answer, status=201),
        replace(answer, body=b'{"name": "Chair"}'),
        replace(answer, headers=headers | {"location": "/items/1"}),
        replace(answer, headers=headers | {f"{CORS}allow-origin": "*"}),
        replace(answer, headers={name: headers[name] for name in ("content-type", "vary")}),
    ]

    assert list(differences(probe, answer, same)) == []
    for other in others:
        assert len(list(differences(probe, answer, other))) == 1
