"""Changes a project's answers, or the version of its template, without losing a line of the user's.

A change is prepared outside the project: Copier renders what it wrote and what it writes now, and
git merges the difference into what is committed. What comes of it is known before the project is
touched, and whatever happens until then leaves the project as it was.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import tempfile
import warnings
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import copier
import yaml
from copier.errors import CopierWarning, DirtyLocalWarning, UserMessageError

from servicewright import formatting, git, migrations, news, owned, questions, resources, templates
from servicewright.copying import Worker, fetched_once
from servicewright.errors import ProjectError, TemplateError
from servicewright.merging import Sides, merge
from servicewright.next_steps import required_variables
from servicewright.projects import questions_of, remember, sentences, told_in_a_sentence
from servicewright.repository import ANSWERS, Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from servicewright.merging import Merged
    from servicewright.questions import Answer
    from servicewright.repository import Entry, Unmerged
    from servicewright.resources import Resource
    from servicewright.settling import Settled
    from servicewright.templates import Source

# So much is shown of what a part of a file is called.
_SHOWN = 60


@dataclass(frozen=True)
class Origin:
    """What a project remembers of how it was made.

    Attributes:
        source: The template, at the version that made it.
        remembered: What the project says of where that is.
        commit: The name of that version.
        answers: The answers.
    """

    source: Source
    remembered: str
    commit: str
    answers: dict[str, Any]


@dataclass(frozen=True)
class Change:
    """A change of a project that is ready and not made yet.

    Attributes:
        repository: The project's repository.
        head: The commit that the change starts from.
        tree: What the project will be.
        before: What the project remembers now.
        after: What it will remember.
        added: Files that it has not now.
        modified: Files that will differ.
        dropped: Files that will go.
        moved: Files that will be elsewhere, and where.
        folder: The folder of the package with its name now and then, if that changes.
        edited: Those that go for good and that the user edited.
        required: Environment variables that the service needs to start from now on.
        unmerged: The versions of the files that need the user's hand.
        settled: Files in which both sides wrote next to each other, and where.
        warnings: What the user should know, one sentence each.
        told: What new migrations say of the rows of a database, by the heading.
        news: What a newer version brings: what kind of change, and what.
    """

    repository: Repository
    head: str
    tree: str
    before: Origin
    after: Origin
    added: tuple[str, ...]
    modified: tuple[str, ...]
    dropped: tuple[str, ...]
    moved: Mapping[str, str]
    folder: tuple[str, str] | None
    edited: tuple[str, ...]
    required: tuple[str, ...]
    unmerged: tuple[Unmerged, ...]
    settled: Mapping[str, tuple[str, ...]]
    warnings: tuple[str, ...]
    told: Mapping[str, Sequence[str]]
    news: tuple[tuple[str, str], ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return self.tree == self.repository.tree(self.head)

    @property
    def conflicts(self) -> list[str]:
        """The files that need the user's hand, from the project's directory."""
        names = {version.path.removeprefix(self.repository.prefix) for version in self.unmerged}
        return sorted(names)

    @property
    def new_answers(self) -> dict[str, Any]:
        """The answers to questions that the template did not ask so far."""
        return {
            name: answer
            for name, answer in self.after.answers.items()
            if name not in self.before.answers and name != migrations.QUESTION
        }

    @property
    def switches_framework(self) -> bool:
        """Whether the user's own routes will be in a service of another framework."""
        before, after = (origin.answers.get("framework") for origin in (self.before, self.after))
        return before != after

    def make(self) -> None:
        """Change the project.

        Raises:
            ProjectError: It was changed since the change was prepared, or git refuses.
        """
        self.repository.become(self.head, self.tree, self.unmerged)

    def leave_on(self, branch: str) -> None:
        """Commit the change on a new branch, conflicts included, and the project stays as it is.

        Raises:
            ProjectError: Git refuses.
        """
        self.repository.leave(branch, self.head, self.tree, news.message(self))


def prepare_answers(
    project: Path, given: Iterable[tuple[str, str]], template: str | None = None
) -> Change:
    """Prepare other answers, at the version of the template that the project is on.

    Args:
        project: The project.
        given: Names of questions and the answers, as they were typed.
        template: Where the template is, if not where the project remembers it.

    Raises:
        AnswerError: An answer is not one that the template takes.
        ProjectError: The project cannot be changed as it is.
        TemplateError: The template cannot be fetched, or has the project's version no more.
        ServicewrightError: Copier refuses for another reason, such as an answer's validator.
    """
    repository = Repository.of(project)
    origin = read(repository.project, template)
    answers = questions.parse_answers(questions_of(origin.source), given)
    return _prepare_answers(repository, origin, answers)


def prepare_resources(
    project: Path,
    edit: Callable[[Sequence[Resource]], Sequence[Resource]],
    template: str | None = None,
) -> Change:
    """Prepare other resources, at the version of the template that the project is on.

    Args:
        project: The project.
        edit: Makes of what it keeps now what it keeps from then on.
        template: Where the template is, if not where the project remembers it.

    Raises:
        AnswerError: What is asked for is none of the project's resources, or cannot be read.
        ProjectError: The project cannot be changed as it is, or its template knows no resources.
        TemplateError: The template cannot be fetched, or has the project's version no more.
        ServicewrightError: Copier refuses for another reason, such as an answer's validator.
    """
    repository = Repository.of(project)
    origin = read(repository.project, template)
    if resources.QUESTION not in origin.answers:
        raise ProjectError(
            f"The template of {repository.project} knows no resources at version {origin.commit}: "
            "update the project first."
        )
    edited = edit(resources.read(origin.answers[resources.QUESTION]))
    answers = {resources.QUESTION: [resource.answer for resource in edited]}
    return _prepare_answers(repository, origin, answers)


def _prepare_answers(repository: Repository, origin: Origin, answers: Mapping[str, Any]) -> Change:
    """Prepare other answers, with the migrations of other tables behind all that are there."""
    given = {**answers, **_place_of_migrations(repository, origin)}
    return prepare(repository, origin, partial(_write, origin, given, copier.VcsRef.CURRENT))


def _place_of_migrations(repository: Repository, origin: Origin) -> dict[str, Any]:
    """Say which of the project's migrations a new one would follow: some may be the user's own."""
    made = origin.answers.get(migrations.QUESTION)
    if not isinstance(made, list):
        return {}
    return {migrations.QUESTION: [*made, *migrations.place_of_next(repository.project, made)]}


def prepare_version(
    project: Path,
    ref: str | None = None,
    given: Iterable[tuple[str, str]] = (),
    template: str | None = None,
) -> Change | None:
    """Prepare another version of the template.

    Args:
        project: The project.
        ref: The version; the newest release when it is not given, or the last commit of a
            template without releases.
        given: Names of questions and other answers, as they were typed.
        template: Where the template is, if not where the project remembers it.

    Returns:
        The change, or None when the project is on this version already, or on a newer one than
        the newest release.

    Raises:
        AnswerError: An answer is not one that this version of the template takes.
        ProjectError: The project cannot be changed as it is.
        TemplateError: The template cannot be fetched, or what would be taken is not committed.
        ServicewrightError: Copier refuses for another reason.
    """
    repository = Repository.of(project)
    origin = read(repository.project, template)
    pairs = list(given)
    asked = questions_of(replace(origin.source, ref=ref, directory=None)) if pairs else []
    try:
        answers = questions.parse_answers(asked, pairs)
        place = _place_of_migrations(repository, origin)
        change = prepare(repository, origin, partial(_write, origin, {**answers, **place}, ref))
    except _DowngradeError:
        return None
    if change.after.commit != origin.commit:
        found = news.between(origin.source, origin.commit, change.after.commit)
        return replace(change, news=tuple(found))
    is_other = bool(pairs) or origin.source.remembered != origin.remembered
    return None if change.is_empty or not is_other else change


def read(project: Path, template: str | None = None) -> Origin:
    """Read what a project remembers.

    Args:
        project: The project.
        template: Where the template is, if not where the project remembers it.

    Raises:
        ProjectError: Its answers file cannot be read, or does not say enough.
        TemplateError: There is no such template on this machine.
    """
    path = project / ANSWERS
    loaded = _load(path)
    remembered, commit = str(loaded.get("_src_path") or ""), loaded.get("_commit")
    if not remembered:
        raise ProjectError(f"{path} does not say which template made the project.")
    if not commit:
        raise ProjectError(
            f"{remembered} was not a git repository when it made the project, so the project "
            "cannot be changed: make it again from a template that git knows."
        )
    source = replace(templates.recall(remembered, template), ref=str(commit), is_dirty=False)
    return Origin(source, remembered, str(commit), _answers(loaded))


def _load(path: Path) -> dict[str, Any]:
    """Read an answers file."""
    try:
        loaded = yaml.safe_load(path.read_bytes())
    except (OSError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ProjectError(f"{path} cannot be read: {reason}.") from error
    return loaded if isinstance(loaded, dict) else {}


def _answers(loaded: Mapping[str, Any]) -> dict[str, Any]:
    """Pick the answers from what a project remembers."""
    return {name: value for name, value in loaded.items() if not name.startswith("_")}


class _DowngradeError(Exception):
    """The newest release is older than what the project is on."""


def prepare(
    repository: Repository, origin: Origin, write: Callable[[Path, Path], list[str]]
) -> Change:
    """Merge what the template changes into a project, and look at what comes of it.

    Args:
        repository: The project's repository.
        origin: What the project remembers.
        write: Writes what the template wrote, and what it writes now, into two directories, and
            gives what the user should know, one sentence each.

    Raises:
        ProjectError: The project cannot be changed as it is.
    """
    head = repository.head()
    kept = owned.read(repository.project)
    # Programs that Copier started and an interrupt left behind may still write there.
    with tempfile.TemporaryDirectory(
        prefix="servicewright-", ignore_cleanup_errors=True
    ) as directory:
        # Copier derives defaults from the name of the folder.
        old, new = (
            Path(directory).resolve() / side / repository.top.name for side in ("old", "new")
        )
        was, now = old / repository.prefix, new / repository.prefix
        said = write(was, now)
        remember(now, origin.source)
        loaded = _load(now / ANSWERS)
        after = replace(
            origin,
            remembered=origin.source.remembered,
            commit=str(loaded["_commit"]),
            answers=_answers(loaded),
        )
        made = origin.answers.get(migrations.QUESTION)
        if made is not None and after.answers.get(migrations.QUESTION) != made:
            migrations.check_place_of_next(repository.project)
        known = required_variables(was)
        required = [name for name in required_variables(now) if name not in known]
        # What Copier remembers is not for users to edit: what it writes now is what counts.
        shutil.copyfile(repository.project / ANSWERS, was / ANSWERS)
        said += formatting.follow(repository.project, was, now)
        base, theirs = repository.store(old), repository.store(new)
    folder = _renamed_package(origin, after)
    merged = merge(
        repository,
        Sides(
            base=base,
            ours=repository.tree(head),
            theirs=theirs,
            folder=folder,
            same_version=origin.commit == after.commit,
            keep=kept,
            width=formatting.width(repository.project),
        ),
    )
    tree, unwritten = _without_ignored(repository, merged, base, theirs)
    gone = repository.changed(head, tree, "D")
    added = [
        name for name in repository.changed(head, tree, "A") if name not in merged.moved.values()
    ]
    dropped = [name for name in gone if name not in merged.moved]
    differing = set(repository.changed(base, head))
    return Change(
        repository=repository,
        head=head,
        tree=tree,
        before=origin,
        after=after,
        added=tuple(added),
        modified=tuple(repository.changed(head, tree, "MT")),
        dropped=tuple(dropped),
        moved=merged.moved,
        folder=folder,
        edited=tuple(name for name in dropped if name in differing),
        required=tuple(required),
        unmerged=merged.unmerged,
        settled={name: what.places for name, what in merged.settled.items() if not what.left_out},
        warnings=(*said, *_told(merged), *unwritten),
        told=_told_by_migrations(repository, tree, added),
    )


def _told_by_migrations(
    repository: Repository, tree: str, added: Sequence[str]
) -> dict[str, list[str]]:
    """Give what new migrations say of the rows of a database; nothing where it is new too."""
    if any(name.endswith("/migrations/env.py") for name in added):
        return {}
    entries = repository.entries(tree)
    names = [entries[name][1] for name in sorted(filter(migrations.is_one, added))]
    return migrations.told(text.decode() for text in repository.read_all(names))


@fetched_once()
def _write(
    origin: Origin,
    answers: Mapping[str, Answer],
    ref: str | copier.VcsRef | None,
    was: Path,
    now: Path,
) -> list[str]:
    """Write a project that nobody has edited, and let Copier update it.

    So Copier decides what becomes of the answers and which migrations run.

    Returns:
        What Copier warns of.
    """
    render(origin.source, was, origin.answers)
    shutil.copytree(was, now, symlinks=True)
    git.run(now, "init", "--quiet", settings=git.PLAIN)
    git.run(now, "add", "--all", "--force", settings=git.PLAIN)
    git.run(now, "commit", "--quiet", "--message=As it was", settings=git.PLAIN)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", CopierWarning)
        # Copier prints there that a template has no tags, which is no fault.
        silent = contextlib.redirect_stderr(io.StringIO())
        with told_in_a_sentence(origin.source), git.environment(ask=False), silent:
            try:
                with Worker(
                    dst_path=now,
                    data=dict(answers),
                    vcs_ref=ref,
                    defaults=True,
                    overwrite=True,
                    unsafe=True,
                    conflict="inline",
                    quiet=True,
                ) as worker:
                    worker.run_update()
            except UserMessageError as error:
                # Copier has no error of its own for this.
                if ref is None and "downgrading" in str(error):
                    raise _DowngradeError from error
                raise
    shutil.rmtree(now / ".git")
    if any(issubclass(warning.category, DirtyLocalWarning) for warning in caught):
        raise TemplateError(
            f"{origin.source.location} has changes that are not committed, and no later update "
            "would find them again: commit them, or name a commit with --ref."
        )
    return list(sentences(caught))


def _renamed_package(before: Origin, after: Origin) -> tuple[str, str] | None:
    """Give the package's folder under its old and its new name, when these differ."""
    names = [str(origin.answers.get("package_name")) for origin in (before, after)]
    return None if names[0] == names[1] else (f"src/{names[0]}", f"src/{names[1]}")


def _without_ignored(
    repository: Repository, merged: Merged, base: str, theirs: str
) -> tuple[str, list[str]]:
    """Take out new files of the template that git is to ignore, and say so.

    What only this machine ignores is written unless something is there: the rest needs it, and
    git on other machines does not ignore it.
    """
    written = {*repository.entries(theirs)} - {*repository.entries(base)}
    added = [name for name in repository.changed("HEAD", merged.tree, "A") if name in written]
    said: list[str] = []
    left_out: dict[str, Entry | None] = {}
    for name, by_project in repository.ignored(added).items():
        if by_project:
            said.append(f"{name} is not written, because the project's .gitignore names it.")
        elif repository.is_taken(name):
            said.append(
                f"{name} is not written: git on this machine ignores it, and something else is "
                "in its place."
            )
        else:
            said.append(f"{name} is new, although git on this machine ignores files like it.")
            continue
        left_out[name] = None
    return repository.edited(merged.tree, left_out), said


def _told(merged: Merged) -> Iterator[str]:
    """Say what the template changed that is not in the project now."""
    for name in merged.missed:
        yield (
            f"{name} is changed in the template, and stays deleted as you deleted it: see whether "
            "what replaced it needs the same change."
        )
    for before, after in merged.orphaned.items():
        yield (
            f"{after} stays, although the template gives up {before}, as which it came: delete it "
            "if you need it no more."
        )
    for name in merged.left_out:
        yield f"{name} is yours alone, so what the template changed in it is left out."
    if merged.words:
        words = ", ".join(f"{word} is {new}" for word, new in merged.words.items())
        yield f"What comes is written with your names ({words}): see whether they fit."
    for name, what in merged.settled.items():
        yield from _told_of_parts(name, what)


def _told_of_parts(name: str, what: Settled) -> Iterator[str]:
    """Say which parts of a file are not what the template makes of them now."""
    if "" in what.left_out:
        yield f"{name} is all yours now, so what the template changed in it is left out."
    elif what.left_out:
        parts = _quoted(what.left_out)
        yield f"{name} has no {parts} any more, so what the template changed there is left out."
    if what.kept:
        parts = _quoted(what.kept)
        yield f"{name} keeps {parts}, which you changed and the template gives up."
    if what.worded:
        parts = _quoted(what.worded)
        yield f"{name} keeps your words in {parts}, where the template has other ones now."
    if what.given_up:
        parts = _quoted(what.given_up)
        yield f"{name} loses {parts}, which the template gives up: you changed but words in it."


def _quoted(parts: Iterable[str]) -> str:
    shown = [" ".join(part.split()) for part in parts]
    shown = [each if len(each) <= _SHOWN else f"{each[:_SHOWN]}…" for each in shown]
    return ", ".join(f'"{each}"' for each in shown)


def render(source: Source, destination: Path, answers: Mapping[str, Any]) -> None:
    """Write a project with certain answers, and the default ones to all other questions.

    Raises:
        TemplateError: The template cannot be fetched.
        ServicewrightError: Copier refuses.
    """
    with (
        warnings.catch_warnings(action="ignore", category=CopierWarning),
        told_in_a_sentence(source),
        git.environment(ask=False),
        Worker(
            src_path=source.location,
            dst_path=destination,
            data=dict(answers),
            vcs_ref=source.ref,
            defaults=True,
            overwrite=True,
            unsafe=True,
            quiet=True,
            skip_tasks=True,
        ) as worker,
    ):
        worker.run_copy()
