"""What docs/fleet has for many repositories is valid, and does what it says."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml
from changes.conftest import write_small
from commands import command, remembered, run
from matrix.test_workflow import SCHEMA, audit
from repositories import commit, git
from schemas import check_schema

from conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PRESET = ROOT / "docs" / "fleet" / "renovate.json"
WORKFLOW = ROOT / "docs" / "fleet" / "update.yml"
TOOL = "uvx servicewright"


def test_the_preset_is_one_of_renovates(tmp_path: Path) -> None:
    assert check_schema("vendor.renovate", [PRESET]) == ""
    wrong = tmp_path / "renovate.json"
    wrong.write_text(PRESET.read_text().replace('"git-tags"', "1"))
    assert check_schema("vendor.renovate", [wrong]) != ""


def test_the_workflow_is_valid_and_safe(tmp_path: Path) -> None:
    assert check_schema(SCHEMA, [WORKFLOW]) == ""
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(WORKFLOW.read_text().replace("runs-on:", "run-on:"))
    assert check_schema(SCHEMA, [wrong]) != ""

    path = tmp_path / ".github" / "workflows" / "update.yml"
    path.parent.mkdir(parents=True)
    path.write_text(WORKFLOW.read_text())
    done = audit(path, tmp_path)
    assert done.returncode == 0, done.stdout
    path.write_text(WORKFLOW.read_text().replace("persist-credentials: false", "ref: main"))
    assert audit(path, tmp_path).returncode != 0


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make a project of a small template that has a newer version."""
    root = write_small(tmp_path)
    service = tmp_path / "orders"
    assert run("new", service, "--defaults", "--template", root).exit_code == 0
    commit(service)
    (root / "template" / "notes.txt").write_text("new\n")
    commit(root, tag="1.1.0")
    return service


def test_what_renovate_runs_updates_a_project(project: Path) -> None:
    preset = json.loads(PRESET.read_text())
    (manager,) = preset["customManagers"]
    answers = project / ".copier-answers.yml"
    pattern = manager["matchStrings"][0].replace("(?<", "(?P<")
    found = re.search(pattern, answers.read_text())
    assert found is not None
    assert found.groupdict() == {
        "currentValue": "1.0.0",
        "packageName": str(remembered(project)["_src_path"]),
    }
    # Renovate writes the version first, as anywhere.
    answers.write_text(answers.read_text().replace("1.0.0", "1.1.0"))
    for line in preset["packageRules"][0]["postUpgradeTasks"]["commands"]:
        values = {"packageFile": answers.name, "packageFileDir": ".", "newVersion": "1.1.0"}
        for name, value in values.items():
            line = line.replace(f"{{{{{{{name}}}}}}}", value)  # noqa: PLW2901
        arguments = shlex.split(line.replace(TOOL, shlex.join(command())))
        subprocess.run(arguments, cwd=project, check=True)
    assert (project / "notes.txt").read_text() == "new\n"
    assert remembered(project)["_commit"] == "1.1.0"


def test_what_the_workflow_runs_leaves_a_branch(project: Path) -> None:
    workflow = yaml.safe_load(WORKFLOW.read_text())
    steps = {step.get("name"): step for step in workflow["jobs"]["update"]["steps"]}
    script = steps["Update on a branch"]["run"].replace(TOOL, shlex.join(command()))
    environment = {"BRANCH": workflow["env"]["BRANCH"]}

    def run_step() -> None:
        exports = "".join(f"export {name}={value}\n" for name, value in environment.items())
        subprocess.run(["bash", "-e", "-c", exports + script], cwd=project, check=True)

    (project / "notes.txt").write_text("mine\n")
    commit(project)
    run_step()
    assert "<<<<<<< before updating" in git(project, "show", "template-update:notes.txt")
    assert (project / "notes.txt").read_text() == "mine\n"
    git(project, "branch", "--delete", "--force", "template-update")
    (project / ".copier-answers.yml").unlink()
    commit(project)
    with pytest.raises(subprocess.CalledProcessError):
        run_step()
