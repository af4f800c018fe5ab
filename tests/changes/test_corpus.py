"""How many conflicts changes and updates make in projects that were really edited.

The numbers are held, so that they can only fall.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from repositories import commit, git

from conftest import ROOT
from servicewright import changes, questions

from . import owners
from .conftest import append
from .corpus import SCRIPTS
from .test_releases import LISTED, PARTS, extract
from .updates import Projects, asked, cheap_updates, forget, options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicewright.changes import Change
    from servicewright.questions import Answer

EDITS = SCRIPTS | owners.SCRIPTS

# What is counted, and for each script the files with conflicts: for all changes of one answer, for
# changes one after the other, and for updates, in both frameworks. Lower a number when it falls.
HELD: dict[str, dict[str, dict[str, int]]] = json.loads(
    Path(__file__).with_name("corpus.json").read_text()
)

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

# Projects are updated from each release, and from a commit that stands for one before there is any.
VERSIONS = dict(LISTED) or {"0.0.1": "2d11d91"}

# How many changes are made one after the other, and how often.
LENGTH, CHAINS = 3, 2


def starts(known: dict[str, list[Answer]]) -> Iterator[dict[str, Answer]]:
    """Give the answers of the projects, for each framework."""
    for framework in known["framework"]:
        start = {name: answers[0] for name, answers in known.items()}
        yield start | {**START, "framework": framework}


def single_changes() -> Iterator[tuple[dict[str, Answer], str, Answer]]:
    """List the changes of one answer from projects of both frameworks with everything on."""
    known = options(ROOT)
    for start in starts(known):
        for name, answers in known.items():
            for answer in answers:
                if answer != start[name]:
                    yield start, name, answer


def chains(script: str) -> Iterator[tuple[dict[str, Answer], list[tuple[str, Answer]]]]:
    """Choose changes that are made one after the other, the framework among them."""
    known, every = options(ROOT), questions.read(ROOT)
    chance = random.Random(script)  # noqa: S311
    for start in starts(known):
        for _ in range(CHAINS):
            chain: list[tuple[str, Answer]] = []
            now = asked(every, start)
            names = chance.sample([name for name in now if name != "framework"], LENGTH - 1)
            names.insert(chance.randrange(LENGTH), "framework")
            for name in names:
                if name in now:
                    answer = chance.choice([a for a in known[name] if a != now[name]])
                    chain.append((name, answer))
                    now = asked(every, now | {name: answer})
            yield start, chain


def edited(script: str, projects: Projects, start: dict[str, Answer]) -> Path:
    """Give a project that was edited, all of it committed."""
    project = projects.copy(start)
    append(project / ".gitignore", "*.log\n")
    EDITS[script](project)
    commit(project)
    return project


def prepared(project: Path, name: str, answer: Answer) -> Change:
    """Prepare another answer."""
    text = str(answer).lower() if isinstance(answer, bool) else str(answer)
    with cheap_updates():
        return changes.prepare_answers(project, [(name, text)])


def more(kind: str, script: str, found: Counter[str]) -> dict[str, int]:
    """Tell what there is more of than is held; CORPUS names a folder for what was counted."""
    if place := os.environ.get("CORPUS"):
        Path(place, f"{kind}-{script}.json").write_text(json.dumps(found))
    # A new question brings more changes, and no more conflicts.
    held = HELD[kind].get(script, {})
    conflicts = {name: count for name, count in found.items() if name != "changes"}
    return {name: number for name, number in conflicts.items() if number > held.get(name, 0)}


def count(found: Counter[str], change: Change) -> None:
    """Count the conflicts of a change; no file that the user deleted may be back."""
    found["changes"] += 1
    found["changes with a conflict"] += bool(change.conflicts)
    found.update(change.conflicts)
    listed = git(change.repository.project, "ls-tree", "-r", "--name-only", change.tree)
    assert not {*deleted(change.repository.project)}.intersection(listed.splitlines())


def deleted(project: Path) -> list[str]:
    """List the files that the user deleted."""
    first = git(project, "rev-list", "--max-parents=0", "HEAD")
    edits = git(project, "rev-list", "--reverse", f"{first}..HEAD").split()[0]
    return git(project, "diff", "--name-only", "--diff-filter=D", first, edits).splitlines()


@pytest.mark.thorough
@pytest.mark.parametrize("script", EDITS)
def test_conflicts_are_no_more_than_they_were(script: str, projects: Projects) -> None:
    found: Counter[str] = Counter()
    for start, name, answer in single_changes():
        count(found, prepared(edited(script, projects, start), name, answer))
    assert not more("single changes", script, found)


@pytest.mark.thorough
@pytest.mark.parametrize("script", EDITS)
def test_conflicts_of_three_changes_in_a_row(script: str, projects: Projects) -> None:
    found: Counter[str] = Counter()
    for start, chain in chains(script):
        project = edited(script, projects, start)
        for name, answer in chain:
            change = prepared(project, name, answer)
            count(found, change)
            if change.conflicts:
                # What comes of it is up to the user.
                break
            change.make()
            commit(project)
    assert not more("three in a row", script, found)


@pytest.mark.thorough
@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="the history is not here")
@pytest.mark.parametrize("tag", VERSIONS)
def test_conflicts_of_an_update(tag: str, template: Path, tmp_path: Path) -> None:
    repository = tmp_path / "template"
    extract(VERSIONS[tag], repository)
    commit(repository, tag=tag)
    old = Projects(repository, tmp_path)
    projects = [(start, old.fresh(start)) for start in starts(options(repository))]
    for part in PARTS:
        shutil.rmtree(repository / part, ignore_errors=True)
    shutil.copytree(template, repository, dirs_exist_ok=True)
    newest = commit(repository)
    forget()

    worse = {}
    for script in EDITS:
        found: Counter[str] = Counter()
        for start, _ in projects:
            project = edited(script, old, start)
            with cheap_updates():
                change = changes.prepare_version(project, newest)
            assert change is not None
            count(found, change)
        if conflicts := more(f"updates from {tag}", script, found):
            worse[script] = conflicts
    assert not worse
