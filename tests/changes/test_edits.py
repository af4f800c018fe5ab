"""A user's edits come through every change: without a conflict, and into a project that works."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from commands import printed_commands, run
from matrix.rendering import Tree
from repositories import commit, git

from conftest import ROOT
from servicewright import changes, questions
from servicewright.variants import Variant, shard

from . import edits
from .updates import (
    Projects,
    Step,
    asked,
    cheap_updates,
    contents,
    everything,
    options,
    some,
    steps,
    update,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matrix.environments import Environments
    from matrix.suites import Runner

    from servicewright.questions import Answer

SINGLE, TRIPLES = 1, 3


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test for each change of this shard."""
    if "step" in metafunc.fixturenames:
        strength = {
            "test_edits_stay": SINGLE,
            "test_edits_stay_over_triples": TRIPLES,
            "test_the_suite_passes_after_a_change": SINGLE,
            "test_the_command_merges_edits": SINGLE,
        }[metafunc.function.__name__]
        found: Sequence[Step] = steps(ROOT, strength)
        if metafunc.function is test_edits_stay:
            # Others than those from which nothing differs in the end (see test_closure.py).
            found = some(reversed(found))
        elif metafunc.function is test_the_command_merges_edits:
            # It renders more than Copier does where renders are kept.
            found = found[::9]
        part = shard(found, metafunc.config.getoption("shard", "1/1"))
        metafunc.parametrize("step", part, ids=name)


def name(step: Step) -> str:
    """Name a change after what changes and what the other answers are."""
    others = "-".join(str(answer) for _, answer in step.others)
    return f"{step.option}-{step.before}-{step.after}-{others}"


def changed(step: Step, projects: Projects) -> Path:
    """Give a project with edits after a change, which is not committed."""
    project = projects.copy(step.start)
    edits.edit(project, step.start)
    commit(project)
    update(project, **{step.option: step.after})
    return project


def check(project: Path, step: Step) -> None:
    """Expect that no edit is lost, and that all of the project can be read."""
    assert git(project, "ls-files", "--unmerged") == ""
    assert edits.lost(project, step.start, step.end) == []
    for path, content in contents(project).items():
        assert b"<<<<<<<" not in content
        if path.endswith(".py"):
            ast.parse(content)
        elif path.endswith(".toml"):
            tomllib.loads(content.decode())
    ruff = [sys.executable, "-m", "ruff"]
    for arguments in (["check", "--no-cache", "--quiet"], ["format", "--no-cache", "--check"]):
        done = subprocess.run(
            [*ruff, *arguments, "."], cwd=project, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


def test_edits_stay(step: Step, projects: Projects) -> None:
    check(changed(step, projects), step)


def test_the_command_merges_edits(step: Step, projects: Projects) -> None:
    project = projects.copy(step.start)
    edits.edit(project, step.start)
    commit(project)
    answer = str(step.after).lower() if isinstance(step.after, bool) else str(step.after)
    with cheap_updates():
        changes.prepare_answers(project, [(step.option, answer)]).make()
    check(project, step)


@pytest.mark.thorough
def test_edits_stay_over_triples(step: Step, projects: Projects) -> None:
    check(changed(step, projects), step)


@pytest.mark.thorough
def test_the_suite_passes_after_a_change(
    step: Step, projects: Projects, environments: Environments, runner: Runner
) -> None:
    project = changed(step, projects)
    edits.move(project, step.start, step.end)
    tree = Tree(Variant(name(step), step.end), project)
    result = runner.run(project, environments.get(tree.requirements))
    assert not result.problems, (result.problems, result.log)


@pytest.fixture(params=["first answers", "last answers"])
def corner(request: pytest.FixtureRequest) -> dict[str, Answer]:
    """Give the answers to all questions but the framework."""
    position = 0 if request.param == "first answers" else -1
    return {name: answers[position] for name, answers in options(ROOT).items()}


def test_from_flask_to_fastapi_and_back_nothing_differs(
    corner: dict[str, Answer], projects: Projects
) -> None:
    answers = {**corner, "framework": "flask"}
    project = projects.copy(answers)
    edits.edit(project, answers)
    commit(project)
    update(project, framework="fastapi")
    assert "fastapi" in (project / "pyproject.toml").read_text()
    commit(project)
    update(project, framework="flask")
    git(project, "add", "--all")
    assert git(project, "diff", "--staged", "HEAD~1") == ""


@pytest.mark.thorough
@pytest.mark.parametrize("framework", options(ROOT)["framework"])
def test_through_logins_of_all_kinds_and_back_no_edit_is_lost(
    framework: str, projects: Projects
) -> None:
    start = everything(ROOT, framework=framework, auth="basic")
    project = projects.copy(start)
    edits.edit(project, start)
    commit(project)
    first = git(project, "rev-parse", "HEAD").strip()

    others = tuple((name, answer) for name, answer in start.items() if name != "auth")
    for auth in ("jwt", "oidc", "basic"):
        update(project, **asked(questions.read(ROOT), start | {"auth": auth}))
        check(project, Step("auth", others, "basic", auth))
        commit(project)

    # Tables that came and went did so in migrations.
    aside = ("src/orders/migrations/versions", ".copier-answers.yml")
    without = [f":(exclude){path}" for path in aside]
    assert git(project, "diff", "--stat", first, "--", ".", *without) == ""


@pytest.mark.thorough
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_four_resources_move_with_their_edits_and_back(
    database: str, projects: Projects, environments: Environments, runner: Runner
) -> None:
    start: dict[str, Any] = everything(ROOT)
    start |= {"resources": edits.FOUR, "framework": "flask", "database": database}
    end = start | {"framework": "fastapi"}
    project = projects.copy(start)
    edits.edit(project, start)
    edits.edit_resources(project)
    commit(project)
    written = added_lines(project)

    update(project, framework="fastapi")

    check(project, Step("framework", tuple(start.items()), "flask", "fastapi"))
    missing = [
        (path, line)
        for path, line in written
        if line not in (project / path).read_text().splitlines()
    ]
    assert missing == []
    commit(project)
    moved = git(project, "rev-parse", "HEAD")
    edits.move(project, start, end)
    tree = Tree(Variant(f"four-{database}", end), project)
    result = runner.run(project, environments.get(tree.requirements))
    assert not result.problems, (result.problems, result.log)

    git(project, "reset", "--hard", moved)
    update(project, framework="flask")
    git(project, "add", "--all")
    assert git(project, "diff", "--staged", "HEAD~1") == ""


def added_lines(project: Path) -> list[tuple[str, str]]:
    """List the lines that the last commit wrote, each with its file."""
    found, path = [], ""
    for line in git(project, "diff", "--unified=0", "HEAD~1", "HEAD").splitlines():
        if line.startswith("+++ b/"):
            path = line.removeprefix("+++ b/")
        elif line.startswith("+"):
            found.append((path, line[1:]))
    return found


def test_the_command_changes_a_real_project_and_names_what_goes(projects: Projects) -> None:
    start = everything(ROOT)
    end: dict[str, Answer] = {**start, "framework": "fastapi", "database": "none"}
    project = projects.copy(start)
    edits.edit(project, start)
    commit(project)
    (project / ".env").write_text("DATABASE_URL=sqlite:///mine.db\n")
    before = contents(project)
    arguments = ("set", project, "database=none", "framework=fastapi")

    refused = run(*arguments)
    assert refused.exit_code == 1
    assert f"Files that go with your edits in them:\n  {edits.MODELS}\n" in refused.stdout
    assert contents(project) == before

    result = run(*arguments, "--yes")
    assert result.exit_code == 0, result.stderr
    assert edits.lost(project, start, end) == []
    assert (project / ".env").read_text() == "DATABASE_URL=sqlite:///mine.db\n"
    restore = next(line for line in printed_commands(result.stdout) if "--source=HEAD" in line)
    git(project, *restore.split()[1:])
    assert "class Customer" in (project / edits.MODELS).read_text()
