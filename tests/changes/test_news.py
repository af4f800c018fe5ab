"""What an update brings is told before it is made, and a branch can have it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from commands import command, refusal, remembered, run
from repositories import commit, git
from terminals import DOWN, ENTER, ESCAPE, Terminal

from .conftest import append
from .test_commands import state

if TYPE_CHECKING:
    from pathlib import Path

OLD = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- Old news.\n"
NEW = """# Changelog

## [Unreleased]

## [1.1.0] - 2026-12-01

### Added

- A route, `GET /orders`,
  with two lines.

  And a paragraph.
- Another.

### Changed

- A setting, `LIMIT`.

## [1.0.0] - 2026-11-01

### Added

- Old news.
"""
TOLD = (
    "From version 1.0.0 to 1.1.0.\nAdded:\n"
    "- A route, `GET /orders`, with two lines. And a paragraph.\n- Another.\n"
    "Changed:\n- A setting, `LIMIT`.\n"
)


@pytest.fixture
def small(small: Path) -> Path:
    """Give the small template a changelog."""
    (small / "CHANGELOG.md").write_text(OLD)
    git(small, "tag", "--delete", "1.0.0")
    commit(small, tag="1.0.0")
    return small


def release(small: Path) -> None:
    """Release a version with news, a question and another line in a file."""
    (small / "CHANGELOG.md").write_text(NEW)
    path = small / "template" / "app.txt"
    path.write_text(path.read_text().replace("1\n", "one\n"))
    config = small / "copier.yml"
    added = "tooling:\n  help: Which host?\n  choices: [none, github]\n  default: none\n"
    config.write_text(config.read_text() + added)
    (small / "template" / "[[ 'ci' if tooling == 'github' else '' ]]").write_text("ci\n")
    commit(small, tag="1.1.0")


def test_what_is_new_is_told_before_it_comes(small: Path, project: Path) -> None:
    release(small)
    before = state(project)
    result = run("update", "--dry-run")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"{TOLD}New questions, ")
    assert state(project) == before
    assert TOLD in run("update").stdout
    # An answer is no news.
    commit(project)
    assert "Added" not in run("update", "--set", "docker=no").stdout


@pytest.mark.usefixtures("project")
def test_a_template_without_a_changelog_tells_nothing(small: Path) -> None:
    release(small)
    (small / "CHANGELOG.md").unlink()
    commit(small, tag="1.2.0")
    assert run("update").stdout.startswith("From version 1.0.0 to 1.2.0.\nNew questions, ")


def test_a_branch_has_the_update_and_says_what_came(small: Path, project: Path) -> None:
    append(project / "notes.txt", "mine\n")
    commit(project)
    release(small)
    before = state(project)

    result = run("update", "--branch", "update/1.1.0", "--set", "tooling=github")

    assert (result.exit_code, result.stderr) == (0, "")
    assert state(project) == before
    assert git(project, "branch", "--show-current") != "update/1.1.0"
    message = git(project, "log", "-1", "--format=%B", "update/1.1.0")
    assert message.startswith(
        "Update from version 1.0.0 of the template to 1.1.0\n\nAdded:\n\n"
        "- A route, `GET /orders`, with two lines. And a paragraph.\n- Another.\n\n"
        "Changed:\n\n- A setting, `LIMIT`.\n\nNew answers:\n\n- tooling=github"
    )
    author = "--format=%an %ae"
    assert git(project, "log", "-1", author, "update/1.1.0") == git(project, "log", "-1", author)
    for said in ("git show update/1.1.0", "git merge update/1.1.0", "git branch --delete --force"):
        assert said in result.stdout
    git(project, "merge", "--quiet", "update/1.1.0")
    assert (project / "ci").read_text() == "ci\n"
    assert (project / "notes.txt").read_text() == "notes\nmine\n"
    assert remembered(project)["_commit"] == "1.1.0"
    assert run("update").stdout == "Nothing is newer: the project is up to date.\n"


def test_a_branch_has_conflicts_and_names_them(small: Path, project: Path) -> None:
    path = project / "app.txt"
    path.write_text(path.read_text().replace("1\n", "mine\n"))
    append(project / "Dockerfile", "# mine\n")
    commit(project)
    (small / "template" / "[[ 'Dockerfile' if docker else '' ]]").unlink()
    release(small)
    before = state(project)

    result = run("update", "--branch", "next")

    assert result.exit_code == 3
    assert "Files with conflicts:\n  app.txt\n" in result.stdout
    assert "Files that go with your edits in them:\n  Dockerfile\n" in result.stdout
    assert state(project) == before
    message = git(project, "log", "-1", "--format=%B", "next")
    assert "Files that go with edits in them:\n\n- Dockerfile" in message
    assert "Files with conflicts, to be put right:\n\n- app.txt" in message
    assert "<<<<<<< before updating" in git(project, "show", "next:app.txt")


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("a..b", 2, "'a..b' is no name that git takes for a branch"),
        ("--force", 2, "is no name that git takes for a branch"),
        ("taken", 1, "There is a branch taken already: "),
    ],
)
def test_a_branch_that_cannot_be_made_is_refused(
    small: Path, project: Path, name: str, code: int, said: str
) -> None:
    git(project, "branch", "taken")
    release(small)
    before = state(project)
    assert said in refusal(run("update", f"--branch={name}"), code)
    assert state(project) == before


def test_new_questions_are_asked_in_a_terminal(small: Path, project: Path) -> None:
    append(small / "copier.yml", "known:\n  type: yaml\n  default: []\n  ask: false\n")
    release(small)
    with closing(Terminal(command("update"), 60)) as terminal:
        terminal.see("Which host? > none github")
        terminal.press(DOWN)
        terminal.see("> github")
        terminal.press(ESCAPE)
        terminal.see("> none")
        terminal.press(DOWN, ENTER)
        terminal.see("* Which host? github")
        assert terminal.end() == 0, terminal.text
        assert "known" not in terminal.text, "what the template does not ask is not asked"
    assert (project / "ci").read_text() == "ci\n"
    assert remembered(project)["tooling"] == "github"
