"""What to do with a new project, as commands that work as they are printed."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from servicewright import git
from servicewright.templates import OWN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from servicewright.projects import Project
    from servicewright.proofs import Proof

# How a service is run in development, and where it listens then.
DEVELOPMENT = {
    "fastapi": ("run fastapi dev", "http://127.0.0.1:8000"),
    "flask": ("run flask --app {package_name}.main run --debug", "http://127.0.0.1:5000"),
}

# How frameworks write their names.
NAMES = {"fastapi": "FastAPI", "flask": "Flask"}

# What the README of a service says of an environment variable that has no default.
REQUIRED = re.compile(r"^\| `(\w+)` \|.*\| must be set \|$", re.MULTILINE)
# What it, or .env.example, gives as an example of a variable's value.
EXAMPLE = re.compile(r"^(?:export )?([A-Z_]+)=(?!\.\.\.$)(.+)$", re.MULTILINE)

# Where uv is put when there is none. Debian and others let pip write neither to their own folders
# nor to those of a user, and in the project it would be committed.
HOME = "~/.uv"

# The file for a PostgreSQL that is for development alone.
DATABASE = "compose.database.yaml"


@dataclass(frozen=True)
class Step:
    """Something to do: why, and the commands."""

    purpose: str
    commands: tuple[str, ...]


def uv_here() -> str | None:
    """Say how uv is called in a shell; None when it is not installed."""
    if shutil.which("uv") is not None:
        return "uv"
    # uv tells what it runs where it is: the README has it in a folder that is not on the path.
    running = os.environ.get("UV", "")
    return shlex.quote(running) if Path(running).is_absolute() and Path(running).is_file() else None


def next_steps(project: Project, typed: Path) -> list[Step]:
    """List what turns a new project into a running service.

    Args:
        project: The project.
        typed: Its path as the user wrote it.
    """
    known_uv = uv_here()
    uv = known_uv or f"{HOME}/bin/uv"
    steps = []
    enter = [shlex.join(["cd", str(typed)])] if str(typed) != "." else []
    if not is_under_version_control(project.path):
        enter.append("git init")
        steps.append(Step("Put it under version control, which updates need", tuple(enter)))
    elif enter:
        steps.append(Step("Go there", tuple(enter)))
    if required := required_variables(project.path):
        if (project.path / ".env.example").exists():
            known = examples(project.path)
            blank = [name for name in required if name not in known]
            fill_in = f", then fill in {', '.join(blank)} in .env" if blank else ""
            steps.append(Step(f"Copy its settings{fill_in}", ("cp .env.example .env",)))
        else:
            exports = exported(project.path, required)
            steps.append(Step("Set what it does not start without", exports))
    if (project.path / DATABASE).exists():
        start = f"docker compose --file {DATABASE} up --wait"
        steps.append(Step("Start a PostgreSQL for it, or name another one above", (start,)))
    get_uv = () if known_uv else (f"python3 -m pip install --target {HOME} uv",)
    steps.append(Step("Install what it needs", (*get_uv, f"{uv} sync")))
    command, address = DEVELOPMENT.get(str(project.answers.get("framework")), ("", ""))
    if command:
        command = command.format(package_name=project.answers.get("package_name"))
        steps.append(Step(f"Run it for development, on {address}", (f"{uv} {command}",)))
    steps.append(Step("Run its tests", (f"{uv} run pytest",)))
    name = project.answers.get("project_name", project.path.name)
    keep = ("git add --all .", shlex.join(["git", "commit", "--message", f"Start {name}"]))
    steps.append(Step("Keep it: what is committed can be changed and updated", keep))
    return steps


def what_was_proved(proof: Proof) -> str:
    """Say how a variant was proved."""
    framework = str(proof.answers.get("framework"))
    version = proof.version(framework)
    # A template of others may have another framework, or none.
    having = f" with {NAMES.get(framework, framework)} {version}" if version else ""
    return (
        f"Its parts were proved on {proof.date}{having} on Python {proof.circumstances.python}: "
        f"{proof.tests} tests passed. `servicewright constraints` lists all versions."
    )


def is_under_version_control(project: Path) -> bool:
    """Whether git knows the directory of a project, or one above, and is not to ignore it."""
    try:
        inside = git.run(project, "rev-parse", "--is-inside-work-tree").strip()
    except (git.GitError, OSError):
        return False
    ignored = git.attempt(project, "check-ignore", "--quiet", ".").returncode == 0
    return inside == "true" and not ignored


def required_variables(project: Path) -> list[str]:
    """List the environment variables without which a project's service does not start."""
    readme = project / "README.md"
    if not readme.is_file():
        return []
    return REQUIRED.findall(readme.read_text(encoding="utf-8", errors="replace"))


def examples(project: Path) -> dict[str, str]:
    """Give the values that a project names for its environment variables."""
    texts = [
        path.read_text(encoding="utf-8", errors="replace")
        for path in (project / "README.md", project / ".env.example")
        if path.is_file()
    ]
    return {name: value for text in texts for name, value in EXAMPLE.findall(text)}


def exported(project: Path, names: Iterable[str]) -> tuple[str, ...]:
    """Give the commands that set environment variables; dots stand for what nobody can know."""
    known = examples(project)
    return tuple(f"export {name}={known.get(name, '...')}" for name in names)


def copier_command(project: Project, typed: Path) -> str | None:
    """Give the ``copier copy`` command that makes the same project.

    Copier alone knows no template that only this package brings; there is no command then.

    It holds all answers, so nothing is asked, and the version of the template, so that it stays
    the same command. Only a template with changes that are not committed has no version.
    """
    if project.source.remembered == OWN:
        return None
    # Copier does not bring what loads the template's extensions.
    command = ["--with", "copier-template-extensions", "copier", "copy", "--trust"]
    ref = project.source.ref if project.source.is_dirty else project.commit
    if ref is not None:
        command += ["--vcs-ref", ref]
    for name, answer in project.answers.items():
        value = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
        command += ["--data", f"{name}={value}"]
    uv = uv_here() or "uv"
    uvx = "uvx" if uv == "uv" else f"{uv} tool run"
    return f"{uvx} {shlex.join([*command, project.source.remembered, str(typed)])}"
