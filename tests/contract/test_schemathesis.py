"""Schemathesis finds nothing wrong with the services, as they are served in production.

It makes requests from the OpenAPI document, good ones and bad ones, and checks the answers against
the document. To look for longer than the default run does: ``uv run pytest -m thorough``.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest
from matrix.environments import interpreter

from contract.probes import ENVIRONMENT, PASSWORD, USERNAME
from contract.services import FRAMEWORKS, run_in_production

if TYPE_CHECKING:
    from collections.abc import Iterator
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


@pytest.fixture(params=FRAMEWORKS)
def server(request: pytest.FixtureRequest, services: Services, tmp_path: Path) -> Iterator[Server]:
    """Run the service of each framework with all features."""
    service = services.make(tmp_path, request.param)
    # Requests for /health and /ready that go well are logged at this level only.
    with run_in_production(service, {**ENVIRONMENT, "LOG_LEVEL": "DEBUG"}) as server:
        yield server


def examine(
    server: Server, environments: Environments, directory: Path, *options: str, password: str
) -> None:
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
            *("--auth", f"{USERNAME}:{password}", "--no-color", "--continue-on-failure"),
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


def statuses(server: Server) -> dict[str, set[int]]:
    """Read in the log which statuses each operation was answered with."""
    seen = defaultdict(set)
    for line in server.log.splitlines():
        record = json.loads(line)
        if record["logger"].endswith(".access"):
            operation = re.sub(r"^(/items|/uploads)/.*", r"\1/{}", record["path"])
            seen[f"{record['method']} {operation}"].add(record["status"])
    return seen


def test_all_operations(server: Server, environments: Environments, tmp_path: Path) -> None:
    examine(server, environments, tmp_path, "--max-examples", "40", password=PASSWORD)

    seen = statuses(server)
    unseen = {operation: SEEN[operation] - seen[operation] for operation in SEEN}
    assert not any(unseen.values()), unseen


def test_a_wrong_password(server: Server, environments: Environments, tmp_path: Path) -> None:
    examine(server, environments, tmp_path, "--include-path", "/whoami", password="wrong")  # noqa: S106

    assert statuses(server)["GET /whoami"] == {401}


@pytest.mark.thorough
def test_all_operations_for_longer(
    server: Server, environments: Environments, tmp_path: Path
) -> None:
    examine(server, environments, tmp_path, "--max-examples", "1000", password=PASSWORD)
