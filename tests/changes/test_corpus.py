"""How many conflicts a change makes in projects that were really edited: numbers that only fall."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from repositories import commit

from conftest import ROOT
from servicewright import changes

from . import owners
from .conftest import append
from .corpus import SCRIPTS
from .updates import Projects, cheap_updates, options

if TYPE_CHECKING:
    from servicewright.questions import Answer

EDITS = SCRIPTS | owners.SCRIPTS

# For each script the files with conflicts, by how many of all changes of one answer, in both
# frameworks. Lower a number when it falls.
HELD: dict[str, dict[str, int]] = json.loads(Path(__file__).with_name("corpus.json").read_text())


# The projects that the numbers are held for: everything that there was then.
START: dict[str, Answer] = {
    "settings": True,
    "pages": True,
    "background_tasks": "in_process",
    "database": "sqlite",
    "auth": "basic",
    "cors": True,
    "modular": True,
    "docker": True,
    "tooling": "gitlab",
}


def single_changes() -> list[tuple[dict[str, Answer], str, Answer]]:
    """List the changes of one answer from projects of both frameworks with everything on."""
    known = options(ROOT)
    found = []
    for framework in known["framework"]:
        start = {name: answers[0] for name, answers in known.items()}
        start |= {**START, "framework": framework}
        found += [
            (start, name, answer)
            for name, answers in known.items()
            for answer in answers
            if answer != start[name]
        ]
    return found


@pytest.mark.thorough
@pytest.mark.parametrize("script", EDITS)
def test_conflicts_are_no_more_than_they_were(script: str, projects: Projects) -> None:
    found: Counter[str] = Counter()
    for start, name, answer in single_changes():
        project = projects.copy(start)
        append(project / ".gitignore", "*.log\n")
        EDITS[script](project)
        commit(project)
        text = str(answer).lower() if isinstance(answer, bool) else str(answer)
        with cheap_updates():
            change = changes.prepare_answers(project, [(name, text)])
        found["changes"] += 1
        found["changes with a conflict"] += bool(change.conflicts)
        found.update(change.conflicts)
    if place := os.environ.get("CORPUS"):
        Path(place, f"{script}.json").write_text(json.dumps(found))
    # A new question brings more changes, and no more conflicts.
    conflicts = {name: count for name, count in found.items() if name != "changes"}
    worse = {name: count for name, count in conflicts.items() if count > HELD[script].get(name, 0)}
    assert not worse, found
