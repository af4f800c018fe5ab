"""``servicewright check``: what it finds about projects, which it leaves as they are."""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from commands import command, run
from matrix.running import children_cpu
from repositories import commit, git

from .corpus import SCRIPTS
from .test_commands import state
from .updates import Projects, options

if TYPE_CHECKING:
    from pathlib import Path

    from servicewright.questions import Answer


@pytest.fixture
def fleet(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make projects of all kinds, and release a version that changes a line of app.txt."""
    directory = tmp_path / "fleet"
    for name in ("behind", "current", "clashing", "dirty", "plain", "lost", "moved"):
        result = run("new", directory / name, "--defaults", "--template", small)
        assert result.exit_code == 0
        if name == "clashing":
            path = directory / name / "app.txt"
            path.write_text(path.read_text().replace("1\n", "mine\n"))
        if name == "lost":
            answer(directory / name, "_commit: 1.0.0", "_commit: 0.9.0")
        if name == "moved":
            answer(directory / name, f"_src_path: {small}", f"_src_path: {small.parent}/gone")
        commit(directory / name)
    path = small / "template" / "app.txt"
    path.write_text(path.read_text().replace("1\n", "one\n"))
    commit(small, tag="1.1.0")
    assert run("update", directory / "current").exit_code == 0
    commit(directory / "current")
    (directory / "dirty" / "notes.txt").write_text("mine\n")
    shutil.rmtree(directory / "plain" / ".git")
    (directory / "empty").mkdir()
    monkeypatch.chdir(directory)
    return directory


def answer(project: Path, old: str, new: str) -> None:
    path = project / ".copier-answers.yml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def check(*arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
    result = run("check", "--json", *arguments)
    assert result.stderr == ""
    found = json.loads(result.stdout)
    assert [each["project"] for each in found] == list(arguments)
    return result.exit_code, {each["project"]: each for each in found}


def test_each_project_is_told_in_a_sentence(fleet: Path, small: Path) -> None:
    names = ["behind", "current", "clashing", "dirty", "plain", "lost", "moved", "empty", "none"]
    repositories = [path for path in fleet.iterdir() if (path / ".git").exists()]
    before = [(state(path), git(path, "count-objects", "-v")) for path in repositories]

    code, found = check(*names)

    assert code == 1
    states = {
        name: (each["version"], each["newest"], each["state"]) for name, each in found.items()
    }
    assert states == {
        "behind": ("1.0.0", "1.1.0", "behind"),
        "current": ("1.1.0", "1.1.0", "up to date"),
        "clashing": ("1.0.0", "1.1.0", "conflicts"),
        "dirty": ("1.0.0", "1.1.0", "problem"),
        "plain": ("1.0.0", "1.1.0", "problem"),
        "lost": ("0.9.0", None, "problem"),
        "moved": (None, None, "problem"),
        "empty": (None, None, "problem"),
        "none": (None, None, "problem"),
    }
    assert found["clashing"]["conflicts"] == ["app.txt"]
    for name, said in {
        "dirty": "notes.txt has changes that are not committed: ",
        "plain": "plain is not under version control, ",
        "lost": f"{small} has no version '0.9.0': ",
        "moved": f"The template is no longer at {small.parent}/gone: name it with --template",
        "empty": "empty has no .copier-answers.yml, ",
        "none": "There is no project at none.",
    }.items():
        problem = found[name]["problem"]
        assert problem.startswith(said)
        assert problem.endswith(".")
    after = [(state(path), git(path, "count-objects", "-v")) for path in repositories]
    assert after == before

    shown = run("check", *names)
    assert (shown.exit_code, shown.stderr) == (1, "")
    lines = shown.stdout.splitlines()
    assert lines[0].split() == ["project", "version", "newest", "state"]
    assert lines[1] == "behind    1.0.0    1.1.0   behind"
    assert lines[3] == "clashing  1.0.0    1.1.0   an update has conflicts in app.txt"
    assert len(lines) == len(names) + 1


@pytest.mark.parametrize(
    ("names", "code"),
    [("current", 0), ("behind current", 4), ("behind clashing", 3), ("clashing dirty", 1)],
)
@pytest.mark.usefixtures("fleet")
def test_the_exit_code_is_for_scripts(names: str, code: int) -> None:
    assert check(*names.split())[0] == code


@pytest.mark.usefixtures("fleet")
def test_a_template_that_moved_is_named_for_all(small: Path) -> None:
    result = run("check", "moved", "behind", "--template", small)
    assert (result.exit_code, result.stderr) == (4, "")


def test_what_check_says_is_what_update_does(fleet: Path) -> None:
    for name in ("behind", "clashing"):
        expected = check(name)[1][name]["conflicts"]
        result = run("update", fleet / name)
        assert result.exit_code == (3 if expected else 0)
        assert all(conflict in result.stdout for conflict in expected)


def test_migrations_and_folders_of_a_repository_are_followed(
    small: Path, fleet: Path, tmp_path: Path
) -> None:
    top = tmp_path / "top"
    shutil.copytree(fleet / "clashing", top / "services" / "shop", ignore=lambda *_: {".git"})
    shutil.copytree(fleet / "behind", top / "services" / "other", ignore=lambda *_: {".git"})
    commit(top)
    paths = [str(top / "services" / name) for name in ("shop", "other")]
    code, found = check(*paths)
    assert (code, found[paths[0]]["conflicts"], found[paths[1]]["conflicts"]) == (
        3,
        ["app.txt"],
        [],
    )

    config = small / "copier.yml"
    migration = '- version: "1.2.0"\n  command: "printf migrated > notes.txt"\n'
    config.write_text(f"{config.read_text()}_migrations:\n{migration}")
    commit(small, tag="1.2.0")
    (top / "services" / "other" / "notes.txt").write_text("mine\n")
    commit(top)
    code, found = check(*paths)
    assert code == 3
    assert found[paths[1]]["conflicts"] == ["notes.txt"]
    assert (found[paths[1]]["version"], found[paths[1]]["newest"]) == ("1.0.0", "1.2.0")


@pytest.mark.thorough
def test_a_hundred_projects_take_less_than_a_minute(template: Path, tmp_path: Path) -> None:
    """Different ones of the real template, a third of them edited; told by processor time."""
    repository = tmp_path / "template"
    shutil.copytree(template, repository)
    commit(repository, tag="1.0.0")
    made = Projects(repository, tmp_path / "made")
    fleet = tmp_path / "fleet"
    for number, (answers, script) in enumerate(zip(rows(template), itertools.cycle(SCRIPTS))):
        project = fleet / f"service-{number}"
        shutil.copytree(made.fresh({**answers, "project_name": f"Service {number}"}), project)
        if number % 3 == 0 and answers["settings"] and answers["docker"]:
            SCRIPTS[script](project)
        commit(project)
    dirty, plain, lost, moved = (fleet / f"service-{number}" for number in range(4))
    (dirty / "notes.txt").write_text("mine\n")
    shutil.rmtree(plain / ".git")
    answer(lost, "_commit: 1.0.0", "_commit: 0.9.0")
    answer(moved, f"_src_path: {repository}", f"_src_path: {repository.parent}/gone")
    for project in (lost, moved):
        commit(project)
    for name, old in (("README.md", "## Test it"), ("pyproject.toml", "skip_covered = true")):
        path = repository / "template" / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, f"{old}\n# And more."))
    commit(repository, tag="1.1.0")

    before = children_cpu()
    names = [str(path) for path in sorted(fleet.iterdir())]
    done = subprocess.run(command("check", "--json", *names), capture_output=True, check=False)
    cores = min(2, os.cpu_count() or 1)
    seconds = (children_cpu() - before) / cores

    found = {path["project"].rpartition("/")[2]: path for path in json.loads(done.stdout)}
    assert len(found) == 100
    problems = {name: each["problem"] for name, each in found.items() if each["problem"]}
    assert problems.keys() == {path.name for path in (dirty, plain, lost, moved)}
    assert "notes.txt has changes that are not committed" in problems[dirty.name]
    assert "is not under version control" in problems[plain.name]
    assert "has no version '0.9.0'" in problems[lost.name]
    assert f"The template is no longer at {repository.parent}/gone" in problems[moved.name]
    states = [each["state"] for each in found.values()]
    assert states.count("behind") >= 90, states
    assert seconds < 60, f"{seconds:.1f} seconds on {cores} processors"


def rows(template: Path) -> list[dict[str, Answer]]:
    """Give a hundred sets of answers."""
    choose = random.Random(1).choice  # noqa: S311
    known = options(template)
    return [{name: choose(values) for name, values in known.items()} for _ in range(100)]
