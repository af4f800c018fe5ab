"""What to do after a change of a project, as commands that work as they are printed."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from servicewright import templates
from servicewright.next_steps import Step, exported, uv_here

if TYPE_CHECKING:
    from servicewright.changes import Change


def advice(change: Change, typed: Path) -> list[Step]:
    """List what the user may do now that a change is made.

    Args:
        change: The change.
        typed: The project's path as the user wrote it.
    """
    enter = (shlex.join(["cd", str(typed)]),) if str(typed) != "." else ()
    steps = []
    if change.conflicts:
        steps.append(
            Step(
                "Put the places right that <<<<<<< and >>>>>>> enclose, then",
                (*enter, shlex.join(["git", "add", "--", *change.conflicts]), "git commit"),
            )
        )
        look = "git diff"
    else:
        look = "git diff --staged"
    steps.append(Step("Look at it", (*(() if change.conflicts else enter), look)))
    if change.required:
        in_file = (change.repository.project / ".env.example").exists()
        where = ", here or in .env" if in_file else ""
        exports = exported(change.repository.project, change.required)
        steps.append(Step(f"Set what it needs to start from now on{where}", exports))
    uv = uv_here() or "uv"
    install = (f"{uv} sync", f"{uv} run pytest")
    steps.append(Step("Install what it needs now, and run its tests", install))
    if not change.conflicts:
        steps.append(Step("Keep it", ("git commit",)))
    steps.append(Step("Or take all of it back", ("git restore --staged --worktree .",)))
    if change.edited:
        there = f"HEAD:{change.repository.prefix}{change.edited[0]}"
        steps.append(
            Step(
                "Your edits that went are in git, until you commit as HEAD and then as HEAD~1",
                (
                    shlex.join(["git", "show", there]),
                    shlex.join(["git", "restore", "--source=HEAD", "--", *change.edited]),
                ),
            )
        )
    if change.switches_framework:
        steps.append(Step("How to move your own code to the other framework", (guide(),)))
    return steps


def advice_on_branch(change: Change, typed: Path, branch: str) -> list[Step]:
    """List what the user may do with a change that is on a branch.

    Args:
        change: The change.
        typed: The project's path as the user wrote it.
        branch: The branch.
    """
    enter = (shlex.join(["cd", str(typed)]),) if str(typed) != "." else ()
    steps = [Step("Look at it", (*enter, shlex.join(["git", "show", branch])))]
    if change.conflicts:
        steps.append(
            Step(
                "Put the places right that <<<<<<< and >>>>>>> enclose, then",
                (
                    shlex.join(["git", "switch", branch]),
                    shlex.join(["git", "add", "--", *change.conflicts]),
                    "git commit",
                ),
            )
        )
    else:
        steps.append(Step("Take it", (shlex.join(["git", "merge", branch]),)))
    drop = shlex.join(["git", "branch", "--delete", "--force", branch])
    return [*steps, Step("Or drop it", (drop,))]


def guide() -> str:
    """Say where the guide for moving between the frameworks is."""
    root = templates.checkout()
    packaged = Path(__file__).with_name("cookbook.md")
    return str(packaged if root is None else root / "docs" / "cookbook.md")
