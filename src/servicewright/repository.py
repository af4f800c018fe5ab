"""The git repository of a project: its state, a copy to try things in, and one step to change it.

What is tried never touches the project. Its files are written to a copy outside, changed there and
stored as a tree of git's; then one command of git's brings the project to that tree.
"""

from __future__ import annotations

import contextlib
import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from servicewright import git
from servicewright.errors import ProjectError
from servicewright.interrupts import uninterruptible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ANSWERS = ".copier-answers.yml"

_PLAIN = tuple(part for key, value in git.PLAIN.items() for part in ("-c", f"{key}={value}"))


@dataclass(frozen=True)
class Unmerged:
    """One version of a file whose merge is for the user to finish.

    Attributes:
        path: The file, from the top of the repository.
        mode: Its mode as git writes it.
        stage: 1 for the common ancestor, 2 for the user's version and 3 for the template's.
        content: What it holds.
    """

    path: str
    mode: str
    stage: str
    content: bytes


@dataclass(frozen=True)
class Repository:
    """The repository that holds a project.

    Attributes:
        top: Its topmost directory.
        project: The project, which may be a directory below the top.
    """

    top: Path
    project: Path

    @classmethod
    def of(cls, project: Path) -> Repository:
        """Find the repository of a project that can be changed: all of it is committed.

        Raises:
            ProjectError: There is no project, git does not know it, or something in it is not
                committed.
        """
        path = project.expanduser().resolve()
        if not path.is_dir():
            raise ProjectError(f"There is no project at {project}.")
        if not (path / ANSWERS).is_file():
            raise ProjectError(
                f"{project} has no {ANSWERS}, so it is no project made from a template, "
                "or not its topmost directory."
            )
        try:
            top = run(path, "rev-parse", "--show-toplevel").removesuffix("\n")
        except ProjectError as error:
            if "not a git repository" not in str(error):
                raise
            raise ProjectError(
                f"{project} is not under version control, so nothing could be undone: run "
                "`git init`, `git add --all` and `git commit` there first."
            ) from None
        repository = cls(Path(top).resolve(), path)
        repository.check()
        return repository

    @property
    def prefix(self) -> str:
        """Where the project is from the top: empty, or a path that ends with a slash."""
        relative = self.project.relative_to(self.top).as_posix()
        return "" if relative == "." else f"{relative}/"

    def head(self) -> str:
        """Give the name of the commit that the project is at."""
        return run(self.project, "rev-parse", "--verify", "HEAD").strip()

    def check(self) -> None:
        """Expect that all of the project is committed.

        Raises:
            ProjectError: It is not.
        """
        if names := self.unmerged():
            raise ProjectError(
                f"{_some(names)} still {_has(names)} conflicts: put them right and run `git add` "
                "and `git commit` first."
            )
        status = run(
            self.project, "status", "--porcelain", "-z", "--untracked-files=normal", "--", "."
        )
        names = [entry[3:] for entry in status.split("\0") if entry[2:3] == " "]
        if names:
            raise ProjectError(
                f"{_some(names)} {_has(names)} changes that are not committed: run "
                "`git add --all` and `git commit`, or `git stash --include-untracked`, first."
            )
        if not run(self.project, "ls-files", "--", ANSWERS):
            raise ProjectError(f"git ignores {ANSWERS}: add it with `git add --force` and commit.")

    def unmerged(self) -> list[str]:
        """List the files of the project with conflicts, from the project's directory."""
        return [path.removeprefix(self.prefix) for path in _unmerged(self.top, self.project)]

    def export(self, destination: Path) -> Path:
        """Write what is committed of the project to a new repository, as its first commit.

        Args:
            destination: A path where nothing is.

        Returns:
            Where the project is in it.
        """
        destination.mkdir(parents=True)
        # Rules of the directories above hold for the project too.
        above = [
            f"{parent}{name}"
            for parent in _parents(self.prefix)
            for name in (".gitattributes", ".gitignore")
        ]
        with self._index(destination) as environment:
            run(self.top, *_PLAIN, "read-tree", "HEAD", environment=environment)
            names = run(
                destination,
                *("ls-files", "-z", "--", self.prefix or ".", *above),
                environment=environment,
            )
            run(
                destination,
                *(*_PLAIN, "checkout-index", "-z", "--stdin"),
                environment=environment,
                given=names.encode(errors="surrogateescape"),
            )
        run(destination, "init", "--quiet", "--template=")
        run(destination, *_PLAIN, "add", "--all", "--force")
        run(destination, *_PLAIN, "commit", "--quiet", "--message=As it was")
        return destination / self.prefix

    def tree(self, directory: Path) -> tuple[str, list[str]]:
        """Store a changed copy of the project as a tree, which replaces the project in HEAD's.

        Args:
            directory: The topmost directory of the copy.

        Returns:
            The tree's name, and new files that are not in it because git is to ignore them.
        """
        with self._index(directory) as environment:
            run(self.top, *_PLAIN, "read-tree", "HEAD", environment=environment)
            run(
                directory,
                *(*_PLAIN, "add", "--all", "--", self.prefix or "."),
                environment=environment,
            )
            ignored = run(
                directory,
                *(*_PLAIN, "ls-files", "-z", "--others", "--ignored"),
                *("--exclude-standard", "--", self.prefix or "."),
                environment=environment,
            )
            names = [name.removeprefix(self.prefix) for name in ignored.split("\0") if name]
            return run(self.top, "write-tree", environment=environment).strip(), names

    def changed(self, before: str, after: str, kind: str = "ACDMRT") -> list[str]:
        """List the project's files that differ between two trees, from the project's directory.

        Args:
            before: The one tree.
            after: The other.
            kind: Letters of the differences that count: A for files that are only in ``after``, D
                for those that are only in ``before``, M for those that are in both.
        """
        names = run(
            self.top,
            *("diff-tree", "-r", "-z", "--no-renames", "--name-only"),
            *(f"--diff-filter={kind}", before, after, "--", self.prefix or "."),
        )
        return [name.removeprefix(self.prefix) for name in names.split("\0") if name]

    def become(self, head: str, tree: str, unmerged: Sequence[Unmerged]) -> None:
        """Bring the project to a tree, and record which files wait for the user.

        No signal that a program can catch stops it half-way.

        Args:
            head: The commit that the tree was made from.
            tree: The tree.
            unmerged: Versions of the files that have conflicts in the tree.

        Raises:
            ProjectError: The project was changed since, or git refuses for another reason; the
                project is as it was.
        """
        entries: list[str] = []
        for version in unmerged:
            name = run(self.top, "hash-object", "-w", "--stdin", given=version.content).strip()
            if all(f"\t{version.path}\0" not in entry for entry in entries):
                entries.append(f"0 {'0' * len(name)}\t{version.path}\0")
            entries.append(f"{version.mode} {name} {version.stage}\t{version.path}\0")
        self.check()
        if self.head() != head:
            raise ProjectError(f"{self.project} was changed meanwhile: start again.")
        for name in self.changed(head, tree, "A"):
            if os.path.lexists(self.project / name):
                raise ProjectError(
                    f"{name} would be written over a file of yours that git ignores: move it "
                    "away first."
                )
        with uninterruptible():
            try:
                run(self.top, "read-tree", "-m", "-u", head, tree)
            except ProjectError:
                # It may have stopped at a full disk. All was committed: nothing else is lost.
                self._restore(head, tree)
                raise
            if entries:
                run(
                    self.top,
                    *("update-index", "-z", "--index-info"),
                    given="".join(entries).encode(errors="surrogateescape"),
                )

    def _restore(self, head: str, tree: str) -> None:
        """Bring back what is committed, and take away files of a tree that came too early."""
        if self.head() != head:
            return
        for name in self.changed(head, tree, "A"):
            path = self.project / name
            path.unlink(missing_ok=True)
            # Folders that were made for it go too; others are not empty.
            with contextlib.suppress(OSError):
                for folder in path.parents:
                    folder.rmdir()
        run(self.top, "read-tree", "HEAD")
        run(self.top, "checkout-index", "--force", "--all")

    @contextmanager
    def _index(self, work_tree: Path) -> Iterator[dict[str, str]]:
        """Lend an empty index, with another directory in the place of the working tree."""
        git_directory = run(self.project, "rev-parse", "--absolute-git-dir").removesuffix("\n")
        index = work_tree.with_name(f"{work_tree.name}.index")
        try:
            yield {
                "GIT_DIR": git_directory,
                "GIT_WORK_TREE": str(work_tree),
                "GIT_INDEX_FILE": str(index),
            }
        finally:
            index.unlink(missing_ok=True)


def conflicts(top: Path) -> list[Unmerged]:
    """Read the versions of the files with conflicts from the index of a repository."""
    found = []
    for path, entries in _unmerged(top, top).items():
        for mode, name, stage in entries:
            content = _bytes(top, "cat-file", "blob", name)
            found.append(Unmerged(path, mode, stage, content))
    return found


def run(
    directory: Path,
    *arguments: str,
    given: bytes | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run git and give what it prints.

    Args:
        directory: Where it is run.
        arguments: Its arguments.
        given: What it reads.
        environment: Variables besides those of this process.

    Raises:
        ProjectError: It fails; the message is git's.
    """
    answer = _bytes(directory, *arguments, given=given, environment=environment)
    return answer.decode(errors="surrogateescape")


def _bytes(
    directory: Path,
    *arguments: str,
    given: bytes | None = None,
    environment: Mapping[str, str] | None = None,
) -> bytes:
    done = git.attempt(directory, *arguments, given=given, environment=environment)
    if done.returncode:
        reason = git.complaint(done.stderr.decode(errors="replace"))
        raise ProjectError(f"git cannot work on {directory}: {reason}.")
    return done.stdout


def _unmerged(top: Path, directory: Path) -> dict[str, list[tuple[str, str, str]]]:
    """Give mode, name and stage of all versions of the files with conflicts in a directory."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    pathspec = directory.relative_to(top).as_posix()
    for line in run(top, "ls-files", "--unmerged", "-z", "--", pathspec).split("\0"):
        if line:
            facts, path = line.split("\t", 1)
            mode, name, stage = facts.split()
            found.setdefault(path, []).append((mode, name, stage))
    return found


def _parents(prefix: str) -> list[str]:
    """List the directories above a path that ends with a slash, in the same form."""
    parts = prefix.split("/")[:-1]
    return ["/".join([*parts[:count], ""]) if count else "" for count in range(len(parts))]


def _some(names: Sequence[str]) -> str:
    """Name files, but not more than fit a sentence."""
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"  # noqa: PLR2004


def _has(names: Sequence[str]) -> str:
    return "has" if len(names) == 1 else "have"
