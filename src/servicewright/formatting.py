"""Formats what a template writes as a project formats its own code.

A project with a shorter line would otherwise get new files that its checks refuse, and a conflict
wherever its own formatting wrapped a line that the template changes.
"""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from typing import TYPE_CHECKING, Any

from servicewright import git

if TYPE_CHECKING:
    from pathlib import Path

# What decides how ruff formats; where each is looked for, the first file that there is counts.
_SETTINGS = ("format", "indent-width", "line-length", "preview")
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
    if _settings(project) == _settings(was):
        return []
    ruff = shutil.which("ruff", path=project / ".venv" / "bin") or shutil.which("ruff")
    if ruff is None:
        return ["The project has a format of its own, and ruff is not here: format what is new."]
    config = next(project / name for name in _FILES if (project / name).is_file())
    for directory in (was, now):
        done = subprocess.run(
            [ruff, "format", "--no-cache", "--config", str(config), "."],
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
    for name in _FILES:
        path = directory / name
        if path.is_file():
            try:
                settings = tomllib.loads(path.read_text(encoding="utf-8"))
            except ValueError:
                return {}
            table = settings.get("tool", {}).get("ruff", {}) if name == _FILES[-1] else settings
            return {key: table[key] for key in _SETTINGS if key in table}
    return {}
