"""Looks at projects: which version each is on, what is newer, and whether an update would conflict.

Nothing is written to a project: an update is tried in a copy. What many projects share, which is
the template at their versions, is fetched and read once.
"""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from servicewright import changes, git, questions, rendering, templates
from servicewright.errors import ServicewrightError, TemplateError
from servicewright.repository import ANSWERS, Repository

if TYPE_CHECKING:
    from collections.abc import Sequence

    from servicewright.changes import Origin

CURRENT, BEHIND, CONFLICTS, PROBLEM = "up to date", "behind", "conflicts", "problem"


@dataclass(frozen=True)
class Finding:
    """What is found about a project.

    Attributes:
        project: The project, as it was named.
        version: The version of the template that it is on, if it says so.
        newest: The newest version, or none when the template cannot be asked.
        conflicts: Files that would have conflicts after an update.
        problem: Why it cannot be updated, in a sentence.
    """

    project: str
    version: str | None = None
    newest: str | None = None
    conflicts: tuple[str, ...] = ()
    problem: str | None = None

    @property
    def state(self) -> str:
        """What is the case, in a word or two."""
        if self.problem:
            return PROBLEM
        if self.conflicts:
            return CONFLICTS
        return CURRENT if self.version == self.newest else BEHIND


@dataclass(frozen=True)
class _Trial:
    """An update to be tried.

    Attributes:
        finding: What is known of the project without it.
        repository: The project's repository.
        origin: What the project remembers.
        old: The template at the project's version, without a history.
        new: The template at the newest version, in the same way.
        migrates: Whether that has migrations, of which only Copier knows what they do.
    """

    finding: Finding
    repository: Repository
    origin: Origin
    old: Path
    new: Path
    migrates: bool

    def conflicts(self) -> tuple[str, ...]:
        """Update a copy of the project, and give the files that would have conflicts.

        Raises:
            ServicewrightError: It cannot be updated.
        """
        with tempfile.TemporaryDirectory(
            prefix="servicewright-", ignore_cleanup_errors=True
        ) as directory:
            top = Path(directory, self.repository.top.name)
            source = str(self.repository.top)
            git.run(Path(directory), "clone", "--quiet", "--shared", "--", source, str(top))
            project = top / self.repository.prefix
            environment = self.repository.project / ".venv"
            if environment.is_dir() and not (project / ".venv").exists():
                # What formats the project's code is there.
                (project / ".venv").symlink_to(environment)
            if self.migrates:
                (project / ".venv").unlink(missing_ok=True)
                source = self.origin.source.location
                change = changes.prepare_version(project, template=source)
                return tuple(change.conflicts) if change else ()
            copy = Repository(top.resolve(), project.resolve())
            return tuple(changes.prepare(copy, self.origin, self._write).conflicts)

    def _write(self, was: Path, now: Path) -> list[str]:
        for template, target in ((self.old, was), (self.new, now)):
            source = replace(
                self.origin.source, location=str(template), ref=None, directory=template
            )
            rendering.write(source, target, self.origin.answers)
        path = now / ANSWERS
        answers = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        path.write_text(
            yaml.safe_dump({**answers, "_commit": self.finding.newest}), encoding="utf-8"
        )
        return []


class _Shelf:
    """Templates as they are at versions, each fetched once.

    Args:
        directory: Where they are kept.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._clones: dict[str, Path] = {}
        self._checkouts: dict[tuple[str, str], Path] = {}
        self._migrates: dict[Path, bool] = {}

    def newest(self, origin: Origin) -> str:
        """Give the newest version of a project's template: the project's own if none is newer.

        Raises:
            TemplateError: The template cannot be fetched, or has the project's version no more.
        """
        clone = self._clone(origin.source.location)
        known = git.attempt(
            clone, "rev-parse", "--verify", "--quiet", f"{origin.commit}^{{commit}}"
        )
        if known.returncode:
            raise templates.no_such_version(origin.source, repr(origin.commit))
        newest = templates.newest_release(clone) or self._head(clone)
        ancestry = git.attempt(clone, "merge-base", "--is-ancestor", newest, origin.commit)
        return newest if ancestry.returncode else origin.commit

    def checkout(self, origin: Origin, version: str) -> Path:
        """Give a project's template at a version, as files without a history."""
        key = (origin.source.location, version)
        if key not in self._checkouts:
            path = self._directory / f"version-{len(self._checkouts)}"
            clone = self._clone(origin.source.location)
            try:
                git.run(clone, "worktree", "add", "--quiet", "--detach", str(path), version)
            except git.GitError as error:
                raise TemplateError(f"git cannot read {clone}: {error.reason}.") from error
            (path / ".git").unlink()
            self._checkouts[key] = path
        return self._checkouts[key]

    def migrates(self, checkout: Path) -> bool:
        """Whether a template has migrations."""
        if checkout not in self._migrates:
            self._migrates[checkout] = bool(questions.load(checkout).get("_migrations"))
        return self._migrates[checkout]

    def _clone(self, location: str) -> Path:
        if location not in self._clones:
            path = self._directory / f"template-{len(self._clones)}"
            templates.clone(location, path)
            self._clones[location] = path
        return self._clones[location]

    def _head(self, clone: Path) -> str:
        return git.run(clone, "describe", "--tags", "--always", "HEAD").strip()


def check(projects: Sequence[Path], template: str | None = None) -> list[Finding]:
    """Look at projects.

    Args:
        projects: The projects.
        template: Where their template is, if not where they remember it.

    Returns:
        What is found about each of them, in their order.
    """
    with tempfile.TemporaryDirectory(
        prefix="servicewright-", ignore_cleanup_errors=True
    ) as directory:
        shelf = _Shelf(Path(directory))
        looked_at = [_look(project, template, shelf) for project in projects]
        trials = [found for found in looked_at if isinstance(found, _Trial)]
        count = min(os.cpu_count() or 1, len(trials))
        if count > 1:
            with ProcessPoolExecutor(count) as pool:
                tried = iter([*pool.map(_try, trials)])
        else:
            tried = map(_try, trials)
        return [found if isinstance(found, Finding) else next(tried) for found in looked_at]


def _look(project: Path, template: str | None, shelf: _Shelf) -> Finding | _Trial:
    """Find out what can be known of a project without an update, or which one is to be tried."""
    finding = Finding(str(project))
    try:
        if not (project / ANSWERS).is_file():
            # It says what is the case.
            Repository.of(project)
        origin = changes.read(project.resolve(), template)
        finding = replace(finding, version=origin.commit)
        newest = shelf.newest(origin)
        finding = replace(finding, newest=newest)
        repository = Repository.of(project)
        if newest == origin.commit:
            return finding
        old, new = (shelf.checkout(origin, version) for version in (origin.commit, newest))
        return _Trial(finding, repository, origin, old, new, shelf.migrates(new))
    except ServicewrightError as error:
        return replace(finding, problem=str(error))


def _try(trial: _Trial) -> Finding:
    """Try an update, and say what comes of it."""
    try:
        return replace(trial.finding, conflicts=trial.conflicts())
    except ServicewrightError as error:
        return replace(trial.finding, problem=str(error))
