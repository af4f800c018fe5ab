"""Formats what a template writes as a project formats its own code.

A project with a shorter line would otherwise get new files that its checks refuse, and a conflict
wherever its own formatting wrapped a line that the template changes.
"""

from __future__ import annotations

import itertools
import shutil
import subprocess
import tomllib
from typing import TYPE_CHECKING, Any

from servicewright import git

if TYPE_CHECKING:
    from pathlib import Path

# What decides how ruff formats; where each is looked for, the first file that there is counts.
_SETTINGS = ("format", "indent-width", "line-length", "preview")
_FORMAT: tuple[str, ...] = ("format",)
# Imports are written by other rules, among those of the linter.
_IMPORTS = ("check", "--select=I", "--fix-only", "--exit-zero")
_FILES = (".ruff.toml", "ruff.toml", "pyproject.toml")


def follow(project: Path, was: Path, now: Path) -> list[str]:
    """Format what the template wrote, and writes now, if the project formats in another way.

    Args:
        project: The project.
        was: What the template wrote.
        now: What it writes now.

    Returns:
        What the user should know, one sentence each.
    """
    commands = [_FORMAT]
    if _imports(project) != _imports(was):
        commands = [_IMPORTS, _FORMAT]
    elif _settings(project) == _settings(was):
        return []
    ruff = shutil.which("ruff", path=project / ".venv" / "bin") or shutil.which("ruff")
    if ruff is None:
        return ["The project has a format of its own, and ruff is not here: format what is new."]
    config = next(project / name for name in _FILES if (project / name).is_file())
    for directory, command in itertools.product((was, now), commands):
        done = subprocess.run(
            [ruff, *command, "--no-cache", "--config", str(config), "."],
            cwd=directory,
            capture_output=True,
            start_new_session=True,
            check=False,
        )
        if done.returncode:
            reason = git.complaint(done.stderr.decode(errors="replace"))
            return [f"Not all that is new could be formatted as the project is: {reason}."]
    return []


def width(project: Path) -> int:
    """Give how long a line of a project's may be; ruff's own default is taken otherwise."""
    length = _settings(project).get("line-length")
    return length if isinstance(length, int) else 88


def _settings(directory: Path) -> dict[str, Any]:
    """Read what decides how code is formatted in a directory."""
    table = _table(directory)
    return {key: table[key] for key in _SETTINGS if key in table}


def _imports(directory: Path) -> Any:
    """Read what decides how imports are written in a directory."""
    return _table(directory).get("lint", {}).get("isort", {})


def _table(directory: Path) -> dict[str, Any]:
    """Read the settings of ruff's in a directory."""
    for name in _FILES:
        path = directory / name
        if path.is_file():
            try:
                settings = tomllib.loads(path.read_text(encoding="utf-8"))
            except ValueError:
                return {}
            found: dict[str, Any] = settings
            return found.get("tool", {}).get("ruff", {}) if name == _FILES[-1] else found
    return {}
