"""Whoever follows the README of a service finds what it names, and its commands work."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from matrix.rendering import render
from repositories import git

from contract.services import ALL_FEATURES, FRAMEWORKS, NO_FEATURES, change, run

if TYPE_CHECKING:
    from pathlib import Path

SERVICES: dict[str, dict[str, Any]] = {
    f"{framework}-{name}": {"framework": framework, **answers}
    for framework in FRAMEWORKS
    for name, answers in (("all", ALL_FEATURES), ("none", NO_FEATURES))
}
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
ADDRESS = re.compile(r"<(http://127\.0\.0\.1:\d+\S*)>")
PATH = re.compile(r"`((?:src|tests)/[\w./-]*|[\w.-]+\.(?:py|toml|yaml|lock|example|env))`")
# What is there only when the user has made it.
OF_THE_USER = {".env", "compose.override.yaml", "uv.lock"}
# They serve until somebody stops them.
SERVERS = ("uv run fastapi dev", "uv run flask ", "uv run gunicorn")
# What the others need is tested where it is there: an engine for containers, a template with
# releases, and a change to make of a model.
ELSEWHERE = ("docker compose ", "uvx --with copier-template-extensions ", "uv run alembic revision")
# What a user puts in the place of the dots.
VALUES = {"BASIC_AUTH_USERNAME": "ada", "BASIC_AUTH_PASSWORD": "correct horse"}


@pytest.fixture(params=SERVICES, scope="module")
def project(
    request: pytest.FixtureRequest, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Make a project as a user does, with its first commit."""
    project = tmp_path_factory.mktemp("readme") / "orders"
    render(template, project, SERVICES[request.param])
    git(project, "init", "--quiet")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message", "Start")
    return project


def commands(project: Path) -> list[str]:
    """List the commands of the README, and those in its text, in their order."""
    text = (project / "README.md").read_text()
    blocks = [line for block in BLOCK.findall(text) for line in block.splitlines()]
    return blocks + re.findall(r"`(uv run [^`]+)`", BLOCK.sub("", text))


def serve(command: str, project: Path, variables: dict[str, str]) -> None:
    """Run a server until it has answered where the README says that it does."""
    port = 5000 if "uv run flask" in command else 8000
    addresses = ADDRESS.findall((project / "README.md").read_text())
    with run(shlex.split(command), port, project, variables) as server:
        for address in addresses:
            if address.startswith(server.url):
                path = address.removeprefix(server.url) or "/"
                assert server.ask("GET", path).status == 200, (address, server.log)
        # The next one listens at the same port.
        server.stop()


def execute(command: str, project: Path, variables: dict[str, str]) -> None:
    """Run a command that comes to an end, in a shell in which nothing of these tests is active."""
    ours = ("PYTEST_ADDOPTS", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    done = subprocess.run(  # noqa: S602 - as users run it
        command,
        shell=True,
        cwd=project,
        env={**kept, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


# The others run the same commands, but for a few, and with more to install, to type and to test.
@pytest.mark.parametrize(
    "project",
    [
        pytest.param(name, marks=() if name == "flask-none" else pytest.mark.thorough)
        for name in SERVICES
    ],
    indirect=True,
)
def test_its_commands_run(project: Path) -> None:
    ran = commands(project)
    variables: dict[str, str] = {}
    for command in ran:
        if command.startswith("export "):
            name, _, value = command.removeprefix("export ").partition("=")
            variables[name] = VALUES[name] if value == "..." else value
        elif command.startswith(SERVERS):
            serve(command, project, variables)
        elif not command.startswith(ELSEWHERE):
            execute(command, project, variables)
        if command == "cp .env.example .env":
            for name, value in VALUES.items():
                change(project / ".env", f"\n{name}=\n", f"\n{name}={value}\n")

    assert {"uv sync", "uv run pytest --cov", "uv run mypy"} <= set(ran)
    assert any(command.startswith(SERVERS) for command in ran)


def test_what_it_names_is_there(project: Path) -> None:
    text = (project / "README.md").read_text() + (project / "AGENTS.md").read_text()

    named = {path for path in PATH.findall(text) if path not in OF_THE_USER}
    assert "src/orders/settings.py" in named
    for path in named:
        places = (project / path, project / "src" / "orders" / path)
        assert any(place.exists() for place in places), path
    for link in re.findall(r"\]\((?!http)([^)]+)\)", text):
        assert (project / link).exists(), link
