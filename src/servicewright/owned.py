"""Files of a project that are its owner's alone: no change of the template touches them."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from servicewright.errors import ProjectError

if TYPE_CHECKING:
    from pathlib import Path


def read(project: Path) -> list[str]:
    """Read the list from ``[tool.servicewright]`` in a project's pyproject.toml.

    Its entries are names of files and folders, or patterns such as ``docs/*.md``.

    Raises:
        ProjectError: The file cannot be read, or ``keep`` is no list of names.
    """
    path = project / "pyproject.toml"
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (OSError, ValueError) as error:
        raise ProjectError(f"{path} cannot be read: {error}.") from error
    tool = settings.get("tool", {})
    keep = tool.get("servicewright", {}).get("keep", [])
    if not isinstance(keep, list) or not all(isinstance(name, str) for name in keep):
        raise ProjectError(
            f'keep in {path} must be a list of names of files, such as ["README.md"].'
        )
    return keep
