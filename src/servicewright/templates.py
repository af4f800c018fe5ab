"""Where a template comes from, and in which state it is there."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from servicewright import git
from servicewright.errors import ServicewrightError, TemplateError, UsageError

PUBLISHED = "gh:servicewright/servicewright"


@dataclass(frozen=True)
class Source:
    """A template that a project can be made from.

    Attributes:
        location: Where Copier gets it: an absolute path or the address of a repository. Projects
            remember it, and are updated from it.
        ref: The git reference to take; None for the newest release.
        directory: The directory that holds it; None when it has to be fetched.
        is_repository: Whether git knows its history. A project can be updated only then.
        is_dirty: Whether what is copied is not committed, so that no update will find it again.
    """

    location: str
    ref: str | None = None
    directory: Path | None = None
    is_repository: bool = True
    is_dirty: bool = False


def checkout() -> Path | None:
    """Give the checkout of the template that this package runs from; None when installed."""
    root = Path(__file__).resolve().parents[2]
    return root if (root / "copier.yml").is_file() and (root / "template").is_dir() else None


def locate(template: str | None = None, ref: str | None = None) -> Source:
    """Find a template: a directory, the address of a repository, or by default our own.

    A directory is taken as it is, with changes that are not committed; a reference takes what is
    committed there instead.

    Raises:
        ServicewrightError: git is not installed.
        TemplateError: There is no such template, or git cannot read it.
        UsageError: A reference is asked of a directory without a history.
    """
    if shutil.which("git") is None:
        raise ServicewrightError("git is needed and is not installed, or not on the PATH.")
    if template is None:
        root = checkout()
        template = PUBLISHED if root is None else str(root)
    path = _existing(template)
    if path is None:
        if ":" not in template:
            raise TemplateError(f"There is no template at {template}.")
        return Source(_address(template), ref)
    if not path.is_dir():
        # A file may be a bundle of git's.
        return Source(str(path), ref)
    if not _is_repository(path):
        if ref is not None:
            raise UsageError(f"{path} is not a git repository, so it has no reference {ref!r}.")
        return Source(str(path), directory=path, is_repository=False)
    if ref is not None and ref != "HEAD":
        return Source(str(path), ref, directory=path)
    is_dirty = bool(_git(path, "status", "--porcelain"))
    return Source(str(path), "HEAD", directory=path, is_dirty=is_dirty)


def _address(url: str) -> str:
    """Write the address of a repository so that Copier knows it for one."""
    known = ("gh:", "gl:", "git@", "git:", "git+", "https://github.com/", "https://gitlab.com/")
    return url if url.startswith(known) or url.endswith(".git") else f"git+{url}"


def _existing(template: str) -> Path | None:
    """Give the absolute path of a template on this machine; None when there is none."""
    try:
        path = Path(template).expanduser().resolve()
        return path if path.exists() else None
    except (OSError, RuntimeError):
        # Too long for a name, or the home of nobody: in any case not a file.
        return None


def _is_repository(directory: Path) -> bool:
    """Whether a directory is the top of a git working tree, as Copier needs it to be."""
    if not (directory / ".git").exists():
        return False
    return Path(_git(directory, "rev-parse", "--show-toplevel")).resolve() == directory


def _git(directory: Path, *arguments: str) -> str:
    """Ask git about a repository."""
    try:
        return git.run(directory, *arguments).strip()
    except git.GitError as error:
        raise TemplateError(f"git cannot read {directory}: {error}.") from error
