"""Migrations of a project: which one is the last, and what new ones say of themselves."""

from __future__ import annotations

import ast
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from servicewright.errors import ProjectError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

# The question whose answer says what the template's own migrations made so far.
QUESTION = "migrated"
FOLDER = "/migrations/versions/"
# What the template's migrations say in lists, under these headings.
HEADINGS = LOST, FILLED, NEEDED = "Lost:", "Filled in:", "Needed:"


def is_one(name: str) -> bool:
    """Tell whether a file is a migration."""
    return FOLDER in name and name.endswith(".py") and not name.endswith("/__init__.py")


def place_of_next(project: Path, migrated: Sequence[str]) -> list[str]:
    """Say what the next migration is called and which one it follows, as the template takes it.

    Args:
        project: The project.
        migrated: What the template's own migrations made so far.

    Returns:
        One line; none where there is no migration yet, or several that none follows.
    """
    known, heads = _known(project)
    numbers = [int(revision) for revision in known if revision.isdecimal()]
    number = max([len(migrated), *numbers]) + 1
    return [f"as {number:04} after {head}" for head in heads] if len(heads) == 1 else []


def check_place_of_next(project: Path) -> None:
    """Expect that there is one place for a new migration.

    Raises:
        ProjectError: There are two migrations that none follows.
    """
    _, heads = _known(project)
    if len(heads) > 1:
        names = " and ".join(heads)
        raise ProjectError(
            f"Nothing was changed, because no migration follows {names}, and a new one follows one "
            "alone: join them first with `uv run alembic merge heads`, and commit that."
        )


def _known(project: Path) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """Give the migrations of a project with what each follows, and those that none follows."""
    known: dict[str, tuple[str, ...]] = {}
    for path in sorted(project.glob(f"src/*{FOLDER}*.py")):
        known.update(_revisions(path))
    followed = {former for formers in known.values() for former in formers}
    return known, sorted(known.keys() - followed)


def _revisions(path: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Give what a migration is called, and which ones it follows."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    said: dict[str, object] = {}
    for node in tree.body:
        match node:
            case ast.Assign([ast.Name(name)], value) | ast.AnnAssign(
                ast.Name(name), _, ast.expr() as value
            ) if name in {"revision", "down_revision"}:
                with suppress(ValueError):
                    said[name] = ast.literal_eval(value)
    former = said.get("down_revision")
    formers = former if isinstance(former, (tuple, list)) else [former] if former else []
    if isinstance(said.get("revision"), str):
        yield str(said["revision"]), tuple(map(str, formers))


def told(texts: Iterable[str]) -> dict[str, list[str]]:
    """Give what migrations say in the lists of their docstrings, by the headings."""
    found: dict[str, list[str]] = {heading: [] for heading in HEADINGS}
    for text in texts:
        heading = ""
        for line in (ast.get_docstring(ast.parse(text)) or "").splitlines():
            if line in HEADINGS:
                heading = line
            elif heading and (item := re.fullmatch("- (.+)", line)):
                found[heading].append(item[1])
            elif line:
                heading = ""
    return found
