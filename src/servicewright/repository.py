"""The git repository of a project: its state, a copy to try things in, and one step to change it.

What is tried never touches the project: renders of the template are stored as trees of git's and
merged into one with the project's own; then one command of git's brings the project to that tree.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from servicewright import git
from servicewright.errors import ProjectError, UsageError
from servicewright.git import run
from servicewright.interrupts import uninterruptible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

ANSWERS = ".copier-answers.yml"

_PLAIN = tuple(part for key, value in git.PLAIN.items() for part in ("-c", f"{key}={value}"))

# Renames are followed whatever the user's settings are, however many files there are.
_MERGE = (
    *("-c", "merge.renames=true", "-c", "merge.directoryRenames=true"),
    *("-c", "merge.renameLimit=10000", "-c", "diff.renameLimit=10000"),
    *("-c", "merge.conflictStyle=merge", "-c", "merge.renormalize=false"),
)

Entry: TypeAlias = tuple[str, str]
"""The mode of a file and the name of what it holds, as git writes them."""


@dataclass(frozen=True)
class Unmerged:
    """One version of a file whose merge is for the user to finish.

    Attributes:
        path: The file, from the top of the repository.
        mode: Its mode as git writes it.
        stage: 1 for the common ancestor, 2 for the user's version and 3 for the template's.
        name: The name of what it holds.
    """

    path: str
    mode: str
    stage: str
    name: str


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
        except git.GitError as error:
            if "not a git repository" not in error.reason:
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

    def tree(self, commit: str) -> str:
        """Give the name of what a commit holds."""
        return run(self.project, "rev-parse", "--verify", f"{commit}^{{tree}}").strip()

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

    def unknown(self) -> list[str]:
        """List what git neither holds nor ignores in the project; a folder is one."""
        options = ("--others", "--exclude-standard", "--directory", "--no-empty-directory")
        return run(self.project, "ls-files", "-z", *options).split("\0")[:-1]

    def unmerged(self) -> list[str]:
        """List the files of the project with conflicts, from the project's directory."""
        return [path.removeprefix(self.prefix) for path in _unmerged(self.top, self.project)]

    def store(self, top: Path) -> str:
        """Store what a template wrote as a tree, which replaces the project in HEAD's.

        Args:
            top: Where it wrote; the project is as far below as it is in the repository.
        """
        with self._index(top) as environment:
            run(self.top, *_PLAIN, "read-tree", "HEAD", environment=environment)
            # The user's rules of what git does to files hold for the template's too.
            rules = [f"{parent}.gitattributes" for parent in _parents(self.prefix)]
            listed = run(
                top,
                *("ls-files", "-z", "--", f":(glob){self.prefix}**/.gitattributes", *rules),
                environment=environment,
            )
            names = [name for name in listed.split("\0") if name and not (top / name).exists()]
            given = "".join(f"{name}\0" for name in names).encode(errors="surrogateescape")
            run(
                top,
                *(*_PLAIN, "checkout-index", "-z", "--stdin"),
                environment=environment,
                given=given,
            )
            run(
                top,
                *(*_PLAIN, "add", "--all", "--force", "--", self.prefix or "."),
                environment=environment,
            )
            inside = [name for name in names if name.startswith(self.prefix)]
            given = "".join(f"{name}\0" for name in inside).encode(errors="surrogateescape")
            run(
                top,
                *("update-index", "--force-remove", "-z", "--stdin"),
                environment=environment,
                given=given,
            )
            return run(self.top, "write-tree", environment=environment).strip()

    def entries(self, tree: str) -> dict[str, Entry]:
        """List mode and name of the project's files in a tree, from the project's directory."""
        pathspec = (self.prefix,) if self.prefix else ()
        listing = run(self.top, "ls-tree", "-r", "-z", "--full-tree", tree, "--", *pathspec)
        found = {}
        for line in listing.split("\0"):
            if line:
                facts, path = line.split("\t", 1)
                mode, _, name = facts.split()
                found[path.removeprefix(self.prefix)] = (mode, name)
        return found

    def edited(self, tree: str, changes: Mapping[str, Entry | None]) -> str:
        """Give a tree with other files of the project, or without those that are None."""
        if not changes:
            return tree
        lines = [
            f"{mode} {name}\t{self.prefix}{path}\0"
            for path, (mode, name) in sorted(
                ((path, entry or ("0", "0" * len(self.head()))) for path, entry in changes.items()),
                # A file may become a folder.
                key=lambda change: (change[1][0] != "0", change[0]),
            )
        ]
        with self._index(self.top) as environment:
            run(self.top, *_PLAIN, "read-tree", tree, environment=environment)
            run(
                self.top,
                *(*_PLAIN, "update-index", "-z", "--index-info"),
                given="".join(lines).encode(errors="surrogateescape"),
                environment=environment,
            )
            return run(self.top, "write-tree", environment=environment).strip()

    def merge(self, base: str, ours: str, theirs: str) -> tuple[str, dict[str, dict[str, Entry]]]:
        """Merge two trees as git merges branches, renamed files and folders followed.

        Returns:
            The tree that comes of it, with marks where it needs a hand; and the versions of the
            files that do, by stage.

        Raises:
            ProjectError: This git is too old.
        """
        first = self._commit(base)
        sides = [self._commit(tree, first) for tree in (ours, theirs)]
        done = git.attempt(
            self.top, *_MERGE, "merge-tree", "--write-tree", "-z", "--messages", *sides
        )
        if done.returncode not in {0, 1} or not done.stdout:
            complaint = git.complaint(done.stderr.decode(errors="replace"))
            if "usage:" in done.stderr.decode(errors="replace"):
                complaint = "git 2.38 or newer is needed"
            raise ProjectError(f"git cannot merge: {complaint}.")
        tree, *lines = done.stdout.decode(errors="surrogateescape").split("\0")
        stages: dict[str, dict[str, Entry]] = {}
        for line in lines[: lines.index("")]:
            facts, path = line.split("\t", 1)
            mode, name, stage = facts.split()
            # What is not of the project is the same on both sides.
            stages.setdefault(path.removeprefix(self.prefix), {})[stage] = (mode, name)
        return self._labelled(tree, stages, *sides), stages

    def _commit(self, tree: str, *parents: str) -> str:
        """Store a commit that no branch holds."""
        options = [part for parent in parents for part in ("-p", parent)]
        return run(self.top, *_PLAIN, "commit-tree", *options, "-m", "-", tree).strip()

    def _labelled(self, tree: str, names: Iterable[str], ours: str, theirs: str) -> str:
        """Say in words at the places that need a hand which side is whose."""
        labels = {ours: "before updating", theirs: "after updating"}
        entries = self.entries(tree)
        changes: dict[str, Entry | None] = {}
        for path in names:
            if path not in entries:
                continue
            mode, name = entries[path]
            content = labelled = self.read(name)
            for commit, label in labels.items():
                for mark in ("<<<<<<<", ">>>>>>>"):
                    labelled = labelled.replace(
                        f"{mark} {commit}".encode(), f"{mark} {label}".encode()
                    )
            if labelled != content:
                changes[path] = (mode, self.write(labelled))
        return self.edited(tree, changes)

    def has_marks(self, entry: Entry) -> bool:
        """Whether a file has places that need a hand."""
        return b"<<<<<<< before updating" in self.read(entry[1])

    def read(self, name: str) -> bytes:
        """Read what is stored under a name."""
        return git.output(self.top, "cat-file", "blob", name)

    def read_all(self, names: Sequence[str]) -> list[bytes]:
        """Read all that is stored under these names."""
        given = "".join(f"{name}\n" for name in names).encode()
        answer = io.BytesIO(git.output(self.top, "cat-file", "--batch", given=given))
        found = []
        for _ in names:
            size = int(answer.readline().split()[-1])
            found.append(answer.read(size))
            answer.read(1)
        return found

    def write(self, content: bytes) -> str:
        """Store something, and give its name."""
        return run(self.top, "hash-object", "-w", "--stdin", given=content).strip()

    def renames(self, before: str, after: str) -> dict[str, str]:
        """Give the files of the project that have another name in another tree, and the name."""
        listing = run(
            self.top,
            *(*_MERGE, "diff-tree", "-r", "-z", "-M", "--diff-filter=R", "--name-status"),
            *(before, after, "--", self.prefix or "."),
        )
        parts = iter(listing.split("\0"))
        found = {}
        for status in parts:
            if status:
                old, new = next(parts), next(parts)
                found[old.removeprefix(self.prefix)] = new.removeprefix(self.prefix)
        return found

    def ignored(self, names: Sequence[str]) -> dict[str, bool]:
        """List which of these files git is to ignore, and whether the project says so itself.

        A rule of the machine's is none of the project's: others who work on it do not have it.
        """
        given = "".join(f"{self.prefix}{name}\0" for name in names)
        done = git.attempt(
            self.top,
            *("check-ignore", "--no-index", "--verbose", "-z", "--stdin"),
            given=given.encode(errors="surrogateescape"),
        )
        parts = done.stdout.decode(errors="surrogateescape").split("\0")[:-1]
        return {
            path.removeprefix(self.prefix): Path(source).name == ".gitignore"
            and not Path(source).is_absolute()
            for source, pattern, path in zip(parts[::4], parts[2::4], parts[3::4], strict=True)
            if not pattern.startswith("!")
        }

    def is_taken(self, name: str) -> bool:
        """Whether something is in the place of a file that the project does not have."""
        path = self.project / name
        return os.path.lexists(path) or any(
            parent.exists() and not parent.is_dir()
            for parent in path.parents
            if parent.is_relative_to(self.project)
        )

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
            ProjectError: The project was changed since.
            GitError: Git refuses; the project is as it was.
        """
        entries: list[str] = []
        for version in unmerged:
            if all(f"\t{version.path}\0" not in entry for entry in entries):
                entries.append(f"0 {'0' * len(version.name)}\t{version.path}\0")
            entries.append(f"{version.mode} {version.name} {version.stage}\t{version.path}\0")
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
            except git.GitError:
                # It may have stopped at a full disk. All was committed: nothing else is lost.
                self._restore(head, tree)
                raise
            if entries:
                run(
                    self.top,
                    *("update-index", "-z", "--index-info"),
                    given="".join(entries).encode(errors="surrogateescape"),
                )

    def check_branch(self, name: str) -> None:
        """Expect that a branch can be made under a name.

        Raises:
            UsageError: It is no name of a branch.
            ProjectError: There is one of that name.
        """
        if git.attempt(self.top, "check-ref-format", "--branch", name).returncode:
            raise UsageError(f"{name!r} is no name that git takes for a branch.")
        reference = f"refs/heads/{name}"
        if not git.attempt(self.top, "show-ref", "--verify", "--quiet", reference).returncode:
            raise ProjectError(
                f"There is a branch {name} already: delete it with `git branch --delete --force "
                f"{name}`, or name another."
            )

    def leave(self, branch: str, head: str, tree: str, message: str) -> None:
        """Commit a tree as the user, on a branch of its own, and leave all else as it is.

        Raises:
            ProjectError: Git refuses.
        """
        arguments = ("commit-tree", tree, "-p", head, "-F", "-")
        commit = run(self.top, *arguments, given=message.encode()).strip()
        run(self.top, "update-ref", f"refs/heads/{branch}", commit, "0" * len(commit))

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
        """Lend an empty index, with a directory in the place of the working tree."""
        git_directory = run(self.project, "rev-parse", "--absolute-git-dir").removesuffix("\n")
        with tempfile.TemporaryDirectory(
            prefix="servicewright-", ignore_cleanup_errors=True
        ) as directory:
            yield {
                "GIT_DIR": git_directory,
                "GIT_WORK_TREE": str(work_tree),
                "GIT_INDEX_FILE": str(Path(directory, "index")),
            }


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
