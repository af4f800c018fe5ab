"""Where a template comes from, and in which state it is there."""

from __future__ import annotations

import re
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from servicewright import git
from servicewright.errors import ServicewrightError, TemplateError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

# What a project remembers of the template that this package brings, while that has no address.
OWN = "servicewright"


@dataclass(frozen=True)
class Source:
    """A template that a project can be made from.

    Attributes:
        location: Where Copier gets it: an absolute path or the address of a repository.
        ref: The git reference to take; None for the newest release.
        directory: The directory that holds it; None when it has to be fetched.
        is_repository: Whether git knows its history. A project can be updated only then.
        is_dirty: Whether what is copied is not committed, so that no update will find it again.
        address: What projects remember of it, and are updated from, if that is not the location.
    """

    location: str
    ref: str | None = None
    directory: Path | None = None
    is_repository: bool = True
    is_dirty: bool = False
    address: str | None = None

    @property
    def remembered(self) -> str:
        """What projects remember of it."""
        return self.address or self.location

    @property
    def is_of_this_machine(self) -> bool:
        """Whether a project that remembers it can be changed on this machine only."""
        return self.address is None and Path(self.location).is_absolute()


def checkout() -> Path | None:
    """Give the checkout of the template that this package runs from; None when installed."""
    root = Path(__file__).resolve().parents[2]
    return root if (root / "copier.yml").is_file() and (root / "template").is_dir() else None


def bundle() -> Path | None:
    """Give the template with its history as the installed package brings it, if it does."""
    path = Path(__file__).with_name("template.bundle")
    return path if path.is_file() else None


def published() -> str | None:
    """Give the address of the template, as pyproject.toml names it; None when it has none."""
    for line in metadata("servicewright").get_all("Project-URL") or ():
        name, _, url = line.partition(", ")
        if name == "Template":
            return _address(url)
    return None


def is_own(remembered: str) -> bool:
    """Whether what a project remembers is the template that this package brings."""
    return remembered in {OWN, published()}


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
    if template is None or is_own(template):
        root = checkout()
        return _brought(ref) if root is None else _in_directory(root, ref)
    path = _existing(template)
    if path is None:
        if ":" not in template:
            raise TemplateError(f"There is no template at {template}.")
        return Source(_address(template), ref)
    # A file may be a bundle of git's.
    return _in_directory(path, ref) if path.is_dir() else Source(str(path), ref)


def _brought(ref: str | None) -> Source:
    """Give the template that the installed package brings."""
    if (path := bundle()) is None:
        raise TemplateError("This package brings no template: name one with --template.")
    if ref is None and not _git(path.parent, "ls-remote", "--tags", path.name):
        # Copier would print that there is no release.
        ref = "HEAD"
    return Source(str(path), ref, address=published() or OWN)


def _in_directory(path: Path, ref: str | None) -> Source:
    """Give the template in a directory."""
    if not _is_repository(path):
        if ref is not None:
            raise UsageError(f"{path} is not a git repository, so it has no reference {ref!r}.")
        return Source(str(path), directory=path, is_repository=False)
    if ref is not None and ref != "HEAD":
        return Source(str(path), ref, directory=path, address=_origin(path, ref))
    is_dirty = bool(_git(path, "status", "--porcelain"))
    address = None if is_dirty else _origin(path, "HEAD")
    return Source(str(path), "HEAD", directory=path, is_dirty=is_dirty, address=address)


def recall(remembered: str, template: str | None) -> Source:
    """Find the template that a project remembers, or another that is named instead.

    Raises:
        ServicewrightError: git is not installed.
        TemplateError: There is no such template on this machine.
    """
    if template is not None:
        return locate(template)
    cure = "name it with --template, and the project remembers that"
    path = Path(remembered).expanduser()
    if is_own(remembered):
        source = locate(None)
        return Source(source.location, None, source.directory, address=remembered)
    if ":" not in remembered:
        if not path.is_absolute():
            raise TemplateError(
                f"The project remembers its template as {remembered!r}, which is somewhere else "
                f"for each directory: {cure}."
            )
        if not path.exists():
            raise TemplateError(f"The template is no longer at {remembered}: {cure}.")
    return Source(remembered, None, path if path.is_dir() else None)


def clone(location: str, path: Path) -> Path:
    """Fetch a template with its history, without its files.

    Raises:
        TemplateError: It cannot be fetched.
    """
    try:
        git.run(
            path.parent,
            *("clone", "--quiet", "--no-checkout", "--", location, str(path)),
            environment={"GIT_TERMINAL_PROMPT": "0"},
        )
    except git.GitError as error:
        raise TemplateError(f"git cannot get {location}: {error.reason}.") from error
    return path


def no_such_version(source: Source, ref: str) -> TemplateError:
    """Say that a template has no such version, and what can be done."""
    return TemplateError(
        f"{source.remembered} has no version {ref}: if it is an old clone, run `git fetch --tags` "
        "there; else name the template that has it with --template, or another version with --ref."
    )


@contextmanager
def directory() -> Iterator[Path]:
    """Lend a directory that holds our own template.

    Raises:
        TemplateError: The installed package brings none.
    """
    if (root := checkout()) is not None:
        yield root
        return
    source = locate()
    with tempfile.TemporaryDirectory(prefix="servicewright-") as temporary:
        _git(Path(temporary), "clone", "--quiet", source.location, "template")
        yield Path(temporary, "template")


@contextmanager
def unpacked(source: Source) -> Iterator[Path | None]:
    """Lend a directory that holds a template; None when it would have to be fetched for that.

    Raises:
        TemplateError: git cannot read it.
    """
    if source.directory is not None and source.ref in {None, "HEAD"}:
        yield source.directory
        return
    if not Path(source.location).exists():
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="servicewright-") as temporary:
        _git(Path(temporary), "clone", "--quiet", source.location, "template")
        template = Path(temporary, "template")
        ref = source.ref or newest_release(template) or "HEAD"
        _git(template, "checkout", "--quiet", "--detach", ref)
        yield template


def newest_release(repository: Path) -> str | None:
    """Give the version that Copier takes where none is named: the newest that is no pre-release."""
    tags = _git(repository, "tag", "--list", "--sort=-version:refname").splitlines()
    return next((tag for tag in tags if re.fullmatch(r"v?[0-9]+(\.[0-9]+)*", tag)), None)


def _origin(directory: Path, ref: str) -> str | None:
    """Give the address that a checkout came from, if what is taken of it is there too."""
    try:
        url = git.run(directory, "remote", "get-url", "origin").strip()
        holders = git.run(directory, "branch", "--remotes", "--contains", ref, "--list", "origin/*")
    except git.GitError:
        return None
    is_elsewhere = "://" in url or ("@" in url and ":" in url)
    return _address(url) if holders and is_elsewhere and not url.startswith("file:") else None


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
        raise TemplateError(f"git cannot read {directory}: {error.reason}.") from error
