"""Schemathesis finds nothing wrong with the services, as they are served in production.

It makes requests from the OpenAPI document, good ones and bad ones, and checks the answers against
the document. To look for longer than the default run does: ``uv run pytest -m thorough``.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest
from matrix.environments import interpreter

from contract.probes import ENVIRONMENT, PASSWORD, USERNAME
from contract.services import FRAMEWORKS, run_in_production
from contract.test_accounts import SECRET, token
from contract.test_issuers import AUDIENCE, issuer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from matrix.environments import Environments

    from contract.services import Server, Services

REQUIREMENT = "schemathesis>=4.32,<5"
SEED = 20

# All checks are on, but for these: the operations, and why.
OFF = {
    "positive_data_acceptance": (
        ("POST /items", "PUT /items/{item_id}", "PATCH /items/{item_id}"),
        (
            "JSON Schema has no words for a decimal above zero with two places, so a price that "
            "fits the document can still be wrong."
        ),
    ),
}

# What the services must have answered, or the run has hardly seen them.
SEEN = {
    "GET /health": {200},
    "GET /ready": {200},
    "GET /items": {200, 422},
    "POST /items": {201, 422},
    "GET /items/{}": {200, 404, 422},
    "PUT /items/{}": {200, 404, 422},
    "PATCH /items/{}": {200, 404, 422},
    "DELETE /items/{}": {204, 404, 422},
    "POST /uploads/{}": {202, 422},
    "GET /uploads/{}": {200, 404, 422},
    "GET /whoami": {200, 401},
}
SEEN_OF_USERS = {
    "POST /users": {201, 409, 422},
    "GET /users": {200, 422},
    "POST /token": {401, 422},
    "POST /token/refresh": {401, 422},
    "POST /token/revoke": {204, 422},
    "PUT /whoami/password": {401, 422},
}
# A header that is given goes with each request.
WITH_TOKEN = {"GET /whoami": {200}}
# For how long the tests have an access token.
HOUR = 3600


@pytest.fixture(params=FRAMEWORKS)
def server(request: pytest.FixtureRequest, services: Services, tmp_path: Path) -> Iterator[Server]:
    """Run the service of each framework with all features."""
    service = services.make(tmp_path, request.param)
    # Requests for /health and /ready that go well are logged at this level only.
    with run_in_production(service, {**ENVIRONMENT, "LOG_LEVEL": "DEBUG"}) as server:
        yield server


def examine(server: Server, environments: Environments, directory: Path, *options: str) -> None:
    """Run Schemathesis, which must find nothing."""
    config = directory / "schemathesis.toml"
    with config.open("w") as file:
        for check, (operations, _) in OFF.items():
            names = ", ".join(f'"{operation}"' for operation in operations)
            file.write(f"[[operations]]\ninclude-name = [{names}]\n")
            file.write(f"checks.{check}.enabled = false\n")
    done = subprocess.run(
        [
            *(interpreter(environments.get((REQUIREMENT,))).with_name("python"), "-m"),
            *("schemathesis.cli", "--config-file", config, "run", f"{server.url}/openapi.json"),
            *("--no-color", "--continue-on-failure"),
            *("--seed", str(SEED), "--generation-database", "none"),
            *options,
        ],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in server.log


def logged_in(password: str = PASSWORD) -> tuple[str, str]:
    """Have Schemathesis send a password."""
    return "--auth", f"{USERNAME}:{password}"


def statuses(server: Server) -> dict[str, set[int]]:
    """Read in the log which statuses each operation was answered with."""
    seen = defaultdict(set)
    for line in server.log.splitlines():
        record = json.loads(line)
        if record["logger"].endswith(".access"):
            operation = re.sub(r"^(/items|/uploads)/.*", r"\1/{}", record["path"])
            seen[f"{record['method']} {operation}"].add(record["status"])
    return seen


def unseen(server: Server, expected: Mapping[str, set[int]]) -> dict[str, set[int]]:
    """Give the statuses that should have been among the answers."""
    seen = statuses(server)
    missing = {operation: expected[operation] - seen[operation] for operation in expected}
    return {operation: left for operation, left in missing.items() if left}


def test_all_operations(server: Server, environments: Environments, tmp_path: Path) -> None:
    examine(server, environments, tmp_path, "--max-examples", "40", *logged_in())

    assert unseen(server, SEEN) == {}


def test_a_wrong_password(server: Server, environments: Environments, tmp_path: Path) -> None:
    examine(server, environments, tmp_path, "--include-path", "/whoami", *logged_in("wrong"))

    assert statuses(server)["GET /whoami"] == {401}


@pytest.mark.thorough
def test_all_operations_for_longer(
    server: Server, environments: Environments, tmp_path: Path
) -> None:
    examine(server, environments, tmp_path, "--max-examples", "1000", *logged_in())


@pytest.mark.thorough
@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("role", ["admin", "none"])
def test_all_operations_with_tokens_of_the_service(
    services: Services, environments: Environments, tmp_path: Path, framework: str, role: str
) -> None:
    roles = ["admin"] if role == "admin" else []
    bearer = token(exp=int(time.time()) + HOUR, roles=roles)
    expected = SEEN | SEEN_OF_USERS | WITH_TOKEN
    if not roles:
        expected |= {"GET /users": {403}}
    settings = {
        **ENVIRONMENT,
        "LOG_LEVEL": "DEBUG",
        "TOKEN_SECRETS": SECRET,
        "FAILED_LOGINS_LIMIT": "1000000",
    }

    service = services.make(tmp_path, framework, auth="jwt")
    with run_in_production(service, settings) as server:
        sent = ("--header", f"Authorization: Bearer {bearer}")
        examine(server, environments, tmp_path, "--max-examples", "50", *sent)

        assert unseen(server, expected) == {}


@pytest.mark.thorough
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_all_operations_with_tokens_of_an_issuer(
    services: Services, environments: Environments, tmp_path: Path, framework: str
) -> None:
    provider = issuer()
    bearer = provider.token(aud=AUDIENCE, exp=int(time.time()) + HOUR)
    settings = {
        **ENVIRONMENT,
        "LOG_LEVEL": "DEBUG",
        "OIDC_ISSUER": provider.url,
        "OIDC_AUDIENCE": AUDIENCE,
        "OIDC_CLIENT_ID": AUDIENCE,
        "LOGIN_SECRET": SECRET,
    }

    service = services.make(tmp_path, framework, auth="oidc")
    with run_in_production(service, settings) as server:
        sent = ("--header", f"Authorization: Bearer {bearer}")
        examine(server, environments, tmp_path, "--max-examples", "50", *sent)

        assert unseen(server, SEEN | WITH_TOKEN) == {}
    provider.stop()
