"""Renders and updates the real template, many times and cheaply.

An update renders the template with the old answers, with the new ones over the project and with the
new ones alone. For each of them Copier clones the template and compiles its files, and what the
first and the last give was rendered before, by Copier too. All that is kept here, of a repository
that does not change. The second render and the merge are Copier's own, as a test shows.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import copier
import copier._main
import copier._template
import pytest
import yaml
from covertable import make
from matrix.rendering import SAME_ANSWERS, cheap_copies
from repositories import commit, git

from servicewright import questions
from servicewright.migrations import is_one
from servicewright.variants import variants

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

    from servicewright.questions import Answer, Question
    from servicewright.variants import Space, Variant


@dataclass(frozen=True)
class Step:
    """A change of one answer.

    Attributes:
        option: The question.
        others: The answers to all other questions.
        before: The answer before.
        after: The answer after.
    """

    option: str
    others: tuple[tuple[str, Answer], ...]
    before: Answer
    after: Answer

    @property
    def start(self) -> dict[str, Answer]:
        """All answers before."""
        return {**dict(self.others), self.option: self.before}

    @property
    def end(self) -> dict[str, Answer]:
        """All answers after."""
        return {**dict(self.others), self.option: self.after}


def options(template: Path) -> dict[str, list[Answer]]:
    """Give the questions that make up the variants, with their answers."""
    return {name: list(answers) for name, answers in variants(template).values().items()}


def everything(template: Path, **answers: Answer) -> dict[str, Answer]:
    """Give answers with which every question is asked, mostly the last ones, and these besides."""
    last = {name: answers[-1] for name, answers in options(template).items()}
    start = {**last, "background_tasks": "in_process", "auth": "jwt", **answers}
    assert asked(questions.read(template), start) == start
    return start


def covering(
    others: dict[str, list[Answer]], strength: int
) -> list[tuple[tuple[str, Answer], ...]]:
    """List rows of answers in which every combination of ``strength`` answers occurs."""
    rows = make(others, strength=strength)
    return [tuple((name, row[name]) for name in others) for row in rows]


def asked(known: list[Question], answers: Mapping[str, Answer]) -> dict[str, Answer]:
    """Leave out the answers to questions that are not asked where the others are given."""
    found: dict[str, Answer] = {}
    values: dict[str, Any] = {}
    for question in known:
        values[question.name] = question.default
        if question.name in answers and question.condition.holds(
            {name: values[name] for name in question.condition.names}
        ):
            values[question.name] = found[question.name] = answers[question.name]
    return found


def meeting(
    space: Space, option: str, strength: int, beside: Container[frozenset[tuple[str, Answer]]] = ()
) -> Iterator[tuple[frozenset[tuple[str, Answer]], Variant]]:
    """List any so many answers that can meet where a question is asked, each with a variant.

    Args:
        space: All variants.
        option: The question, which is none of those that are answered.
        strength: How many answers meet.
        beside: Those that are left out.
    """
    known = space.values()
    others = [name for name in known if name != option]
    for names in itertools.combinations(others, strength):
        for values in itertools.product(*(known[name] for name in names)):
            some = dict(zip(names, values, strict=True))
            if frozenset(some.items()) not in beside:
                found = (space.first({**some, option: answer}) for answer in known[option])
                if variant := next(filter(None, found), None):
                    yield frozenset(some.items()), variant


@cache
def steps(template: Path, strength: int | None) -> tuple[Step, ...]:
    """List the changes of one answer: every ordered pair, over a set of the other answers.

    Args:
        template: The directory of the template.
        strength: How many of the other answers occur in every combination; None for all.
    """
    space, every = variants(template), questions.read(template)
    known = {name: list(answers) for name, answers in space.values().items()}
    # Each once, in their order.
    found: dict[Step, None] = {}

    def add(option: str, row: Mapping[str, Answer], most: int | None = None) -> list[Step]:
        added = []
        first = row.get(option)
        pairs = itertools.permutations(known[option], 2)
        for before, after in sorted(pairs, key=lambda pair: pair[0] != first)[:most]:
            start = asked(every, {**row, option: before})
            if start.pop(option, None) is not None:
                added.append(Step(option, tuple(start.items()), before, after))
        found.update(dict.fromkeys(added))
        return added

    for option in known:
        others = {name: values for name, values in known.items() if name != option}
        if strength is None:
            for values in itertools.product(*others.values()):
                add(option, dict(zip(others, values, strict=True)))
            continue
        met = {
            frozenset(some)
            for row in covering(others, strength)
            for step in add(option, dict(row))
            for some in itertools.combinations(step.others, strength)
        }
        # Where a question is not asked, a row lacks what it was chosen for.
        for _, variant in meeting(space, option, strength, beside=met):
            for step in add(option, variant.answers, 1):
                met.update(map(frozenset, itertools.combinations(step.others, strength)))
    return tuple(found)


def some(found: Iterable[Step]) -> list[Step]:
    """Choose the first start for each change of an answer, and all for another framework.

    That is what there is time for by default. Of any three answers that meet, a thorough run has
    all these starts and more.
    """
    chosen = []
    seen: set[tuple[str, Answer, Answer]] = set()
    for step in found:
        change = (step.option, step.before, step.after)
        if change not in seen or step.option == "framework":
            seen.add(change)
            chosen.append(step)
    return chosen


class Projects:
    """Projects of the template, rendered once for each combination of answers, and updated.

    Args:
        repository: A repository that holds the template, all of it committed.
        directory: Where to write.
    """

    def __init__(self, repository: Path, directory: Path) -> None:
        self.repository = repository
        self._directory = directory
        self._made: dict[str, Path] = {}
        self._copies = 0

    def fresh(self, answers: dict[str, Answer]) -> Path:
        """Give a committed project with these answers, which nobody may change."""
        name = "-".join(f"{name}={answer}" for name, answer in sorted(answers.items()))
        if name not in self._made:
            # What resources are said to be may be longer than the name of a folder.
            path = self._directory / "fresh" / sha256(name.encode()).hexdigest()[:16]
            with cheap_updates():
                copier.run_copy(
                    str(self.repository),
                    path,
                    data=SAME_ANSWERS | answers,
                    vcs_ref="HEAD",
                    defaults=True,
                    unsafe=True,
                    quiet=True,
                )
            commit(path)
            self._made[name] = path
        return self._made[name]

    def copy(self, answers: dict[str, Answer]) -> Path:
        """Give a committed project with these answers, to change at will."""
        self._copies += 1
        path = self._directory / "copies" / str(self._copies)
        shutil.copytree(self.fresh(answers), path)
        git(path, "update-index", "--refresh")
        return path


def update(project: Path, **answers: Any) -> None:
    """Change answers of a project as ``copier update`` does."""
    with cheap_updates():
        copier.run_update(
            project,
            data=answers,
            vcs_ref=copier.VcsRef.CURRENT,
            defaults=True,
            overwrite=True,
            unsafe=True,
            quiet=True,
        )


def contents(project: Path) -> dict[str, bytes]:
    """Read all files of a project, empty folders included."""
    return {
        path.relative_to(project).as_posix(): path.read_bytes() if path.is_file() else b"(folder)"
        for path in sorted(project.rglob("*"))
        if ".git" not in path.relative_to(project).parts
    }


def without_migrations(project: Path) -> dict[str, bytes]:
    """Read all files but the migrations of tables, and what is remembered of these."""
    found = {name: text for name, text in contents(project).items() if not is_one(name)}
    answers = yaml.safe_load(found[".copier-answers.yml"])
    del answers["migrated"]
    found[".copier-answers.yml"] = yaml.safe_dump(answers).encode()
    return found


# What Copier found out about a template at a version: where its clone is, and what git says of it.
KNOWN: dict[tuple[str, str, str | None], Any] = {}

# What Copier wrote to an empty directory, by the template and the answers.
RENDERED: dict[tuple[str, str], Path] = {}


@contextmanager
def cheap_updates() -> Iterator[None]:
    """Keep what Copier would do again: clones, compiled templates, renders from nothing."""
    get_repo = copier._template.get_repo  # type: ignore[attr-defined]
    with cheap_copies(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(copier._template, "get_repo", get_repo)
        for name in ("local_abspath", "commit", "commit_hash", "version"):
            patch.setattr(copier._template.Template, name, kept(name))
        patch.setattr(copier._main.Worker, "run_copy", run_copy_once)
        yield


def kept(name: str) -> property:
    """Give a property of Copier's templates that is computed once for each version of one."""
    compute = copier._template.Template.__dict__[name].func

    def get(template: copier._template.Template) -> Any:
        key = (name, template.url, template.ref)
        if key not in KNOWN:
            KNOWN[key] = compute(template)
            # Copier would remove the clone after each use.
            template._temp_clone_path = None
        return KNOWN[key]

    return property(get)


def forget() -> None:
    """Remove the clones that were kept."""
    for (name, *_), value in KNOWN.items():
        if name == "local_abspath":
            shutil.rmtree(value)
    KNOWN.clear()


RUN_COPY = copier._main.Worker.run_copy


def run_copy_once(worker: copier._main.Worker) -> None:
    """Render a template as Copier does, or write what it rendered with the same answers."""
    destination = Path(worker.dst_path)
    if worker.pretend or (destination.exists() and any(destination.iterdir())):
        RUN_COPY(worker)
        return
    answers = sorted((name, answer) for name, answer in worker.data.items() if name[0] != "_")
    key = (str(worker.src_path), repr(answers))
    if key in RENDERED:
        shutil.copytree(RENDERED[key], destination, dirs_exist_ok=True)
        return
    RUN_COPY(worker)
    kept_copy = Path(tempfile.mkdtemp(dir=Path(str(worker.src_path)).parent))
    shutil.copytree(destination, kept_copy, dirs_exist_ok=True)
    RENDERED[key] = kept_copy
