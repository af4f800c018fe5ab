"""Git, as the tests use it."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def git(directory: Path, *arguments: str) -> str:
    """Run git in a directory and give what it prints."""
    done = subprocess.run(
        ["git", "-C", str(directory), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def commit(directory: Path, *, tag: str | None = None) -> str:
    """Commit all that a directory holds, which becomes a repository if need be.

    Returns:
        The full name of the commit.
    """
    if not (directory / ".git").exists():
        git(directory, "init", "--quiet", "--initial-branch=main")
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "--allow-empty", "--message", tag or "Commit")
    if tag is not None:
        git(directory, "tag", tag)
    return git(directory, "rev-parse", "HEAD")


def commit_copy(repository: Path, copy: Path) -> None:
    """Copy what a repository holds, new files too, to another one, and commit it there."""
    listed = git(repository, "ls-files", "--cached", "--others", "--exclude-standard")
    for path in listed.splitlines():
        if (repository / path).is_file():
            (copy / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(repository / path, copy / path)
    commit(copy)
