"""The workflow of this repository's CI is one that its runner would take."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from schemas import check_schema

from matrix.covering import default_set, missing
from matrix.plugin import ROOT
from servicewright.variants import fair, variants

WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
SCHEMA = "vendor.github-workflows"


@pytest.fixture
def workflow() -> dict[str, Any]:
    """The workflow."""
    workflow: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text())
    return workflow


@pytest.fixture
def jobs(workflow: dict[str, Any]) -> dict[str, Any]:
    """The jobs of the workflow."""
    jobs: dict[str, Any] = workflow["jobs"]
    return jobs


def test_schema(tmp_path: Path) -> None:
    assert check_schema(SCHEMA, [WORKFLOW]) == ""

    wrong = tmp_path / "ci.yml"
    wrong.write_text(WORKFLOW.read_text().replace("runs-on:", "run-on:"))
    assert check_schema(SCHEMA, [wrong]) != ""


def audit(workflow: Path, directory: Path) -> subprocess.CompletedProcess[str]:
    """Look for what makes a workflow unsafe."""
    program = shutil.which("zizmor", path=str(Path(sys.executable).parent))
    assert program is not None
    # Actions are pinned to a version: their commits would have to be renewed with each of them.
    configuration = directory / "zizmor.yml"
    policies = {"unpinned-uses": {"config": {"policies": {"*": "ref-pin"}}}}
    configuration.write_text(yaml.safe_dump({"rules": policies}))
    return subprocess.run(
        [program, "--offline", "--config", str(configuration), str(workflow)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_security(tmp_path: Path) -> None:
    done = audit(WORKFLOW, tmp_path)
    assert done.returncode == 0, done.stdout

    wrong = tmp_path / ".github" / "workflows" / "ci.yml"
    wrong.parent.mkdir(parents=True)
    wrong.write_text(WORKFLOW.read_text().replace('"$SHARD"', "${{ github.head_ref }}"))
    assert "template-injection" in audit(wrong, tmp_path).stdout


@pytest.mark.parametrize("job", ["suites", "exhaustive", "prove"])
def test_the_shards_are_all_parts_of_the_whole(jobs: dict[str, Any], job: str) -> None:
    parts = jobs[job]["strategy"]["matrix"]["shard"]

    assert parts == [f"{number}/{len(parts)}" for number in range(1, len(parts) + 1)]


def test_suites_in_which_any_four_answers_meet_are_run_for_each_push(
    jobs: dict[str, Any],
) -> None:
    (run,) = (step["run"] for step in jobs["suites"]["steps"] if "pytest" in step.get("run", ""))
    number = int(run.split()[run.split().index("--suites") + 1])
    chosen = default_set(variants(ROOT), number)

    assert len(chosen) == number >= 700
    assert missing(variants(ROOT), chosen, 4) == []
    for part in jobs["suites"]["strategy"]["matrix"]["shard"]:
        assert 50 <= len(fair(chosen, part)) <= 120


def test_all_suites_are_run_once_a_week_and_each_machine_has_time_for_its_own(
    jobs: dict[str, Any],
) -> None:
    for job in (jobs["exhaustive"], jobs["prove"]):
        assert "schedule" in job["if"]
        for part in job["strategy"]["matrix"]["shard"]:
            # Of four processors each takes twenty seconds for a suite.
            assert len(fair(variants(ROOT), part)) * 20 / 4 <= job["timeout-minutes"] * 60 / 2


def test_what_has_passed_is_kept_and_left_alone_once_a_week(jobs: dict[str, Any]) -> None:
    steps = jobs["suites"]["steps"]
    (cache,) = (step for step in steps if step.get("uses", "").startswith("actions/cache@"))
    (run,) = (step for step in steps if "pytest" in step.get("run", ""))

    kept = [ROOT / path for path in cache["with"]["path"].split()]
    assert kept == [ROOT / ".cache" / "matrix" / name for name in ("passed", "durations.json")]
    assert "$AGAIN" in run["run"]
    assert run["env"]["AGAIN"].startswith("${{ github.event_name == 'schedule' && '--again' ||")


def test_all_pythons_and_systems(jobs: dict[str, Any]) -> None:
    template = yaml.safe_load((ROOT / "copier.yml").read_text())

    suites = jobs["suites"]["strategy"]["matrix"]
    assert suites["python"] == template["python_version"]["choices"]
    assert jobs["suites"]["runs-on"] == "ubuntu-latest"
    systems = {name.partition("-")[0] for name in jobs["covering"]["strategy"]["matrix"]["system"]}
    assert systems == {"ubuntu", "macos", "windows"}


def test_a_push_does_not_end_the_weekly_run(workflow: dict[str, Any]) -> None:
    assert workflow["concurrency"]["cancel-in-progress"] is True
    assert "github.event_name" in workflow["concurrency"]["group"]


def test_what_cannot_be_proved_is_told(jobs: dict[str, Any]) -> None:
    prove, tell = jobs["prove"], jobs["tell"]

    assert prove["strategy"]["matrix"]["versions"] == ["newest", "lowest"]
    (run,) = (step for step in prove["steps"] if "servicewright prove" in step.get("run", ""))
    assert "--again" in run["run"]
    assert "'--lowest'" in run["env"]["LOWEST"]
    (kept,) = (step for step in prove["steps"] if "artifact" in step.get("uses", ""))
    assert kept["if"] == "always()"
    assert tell["needs"] == "prove"
    assert tell["if"].startswith("failure()")
    (taken,) = (step for step in tell["steps"] if "artifact" in step.get("uses", ""))
    (said,) = (step["run"] for step in tell["steps"] if "failures.py" in step.get("run", ""))
    assert f"failures.py {taken['with']['path']} " in said
    assert (ROOT / "tests" / "matrix" / "failures.py").exists()
    assert tell["permissions"]["issues"] == "write"
    assert jobs.keys() - {"tell"} == {
        name for name, job in jobs.items() if "permissions" not in job
    }


def files_at(path: Path) -> list[Path]:
    """List the files of tests at a path."""
    return [path] if path.is_file() else list(path.rglob("test_*.py"))


def test_every_test_is_run_by_some_job(jobs: dict[str, Any]) -> None:
    commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    ignored = [
        word
        for command in commands
        for flag, word in zip(command.split(), command.split()[1:], strict=False)
        if flag == "--ignore"
    ]

    assert ignored
    for path in ignored:
        assert (ROOT / path).exists()
        assert any(f"pytest {path}" in command for command in commands)

    parts = jobs["thorough"]["strategy"]["matrix"]["part"]
    taken = [file for part in parts for path in ROOT.glob(part) for file in files_at(path)]
    assert sorted(taken) == sorted(files_at(ROOT / "tests"))
