"""The files for developing together are valid, and do what they say: their commands are run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from changes.conftest import write_small
from commands import remembered, run
from matrix.rendering import render
from matrix.test_workflow import audit
from repositories import commit, git
from schemas import check_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

COMBINATIONS: dict[str, dict[str, Any]] = {
    f"{tooling}-{framework}-{database}{'-docker' * docker}": {
        "tooling": tooling,
        "framework": framework,
        "database": database,
        "docker": docker,
        "auth": "basic",
    }
    for tooling in ("github", "gitlab")
    for framework, database in (("fastapi", "sqlite"), ("flask", "postgresql"))
    for docker in (False, True)
}
# The schemas by which files are checked.
SCHEMAS = {
    ".github/workflows/ci.yml": "vendor.github-workflows",
    ".github/workflows/template.yml": "vendor.github-workflows",
    ".github/dependabot.yml": "vendor.dependabot",
    ".gitlab-ci.yml": "vendor.gitlab-ci",
    "renovate.json": "vendor.renovate",
    ".devcontainer/workspace.yaml": "vendor.compose-spec",
}
# What each schema does not allow, in the place of what it does.
MISSPELT = {
    "vendor.github-workflows": ("runs-on:", "run-on:"),
    "vendor.dependabot": ("package-ecosystem:", "ecosystem:"),
    "vendor.gitlab-ci": ("script:", "scripts:"),
    "vendor.renovate": ('"enabled": false', '"enabled": "no"'),
    "vendor.compose-spec": ("network_mode:", "network:"),
}


@pytest.fixture(scope="module")
def projects(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Services with tooling."""
    directory = tmp_path_factory.mktemp("tooling")
    for name, answers in COMBINATIONS.items():
        render(template, directory / name, answers)
    return {name: directory / name for name in COMBINATIONS}


@pytest.mark.parametrize("file", SCHEMAS)
def test_a_file_is_what_its_reader_expects(
    projects: dict[str, Path], file: str, tmp_path: Path
) -> None:
    schema = SCHEMAS[file]
    different = {
        path.read_text(): path
        for project in projects.values()
        if (path := project / file).is_file()
    }
    assert different
    assert check_schema(schema, different.values()) == ""

    text = next(iter(different))
    right, wrong = MISSPELT[schema]
    assert right in text
    misspelt = tmp_path / file
    misspelt.parent.mkdir(parents=True, exist_ok=True)
    misspelt.write_text(text.replace(right, wrong))
    assert check_schema(schema, [misspelt]) != ""


@pytest.mark.parametrize("file", ["ci.yml", "template.yml"])
def test_the_workflows_are_safe(projects: dict[str, Path], file: str, tmp_path: Path) -> None:
    for name in ("github-fastapi-sqlite-docker", "github-flask-postgresql"):
        done = audit(projects[name] / ".github" / "workflows" / file, tmp_path)
        assert done.returncode == 0, done.stdout


def test_each_kind_of_host_has_its_own_files(projects: dict[str, Path]) -> None:
    for name, project in projects.items():
        github = name.startswith("github")
        assert (project / ".github").exists() == github
        assert (project / ".gitlab-ci.yml").exists() != github
        assert (project / "renovate.json").exists() != github
        ecosystems = project / ".github" / "dependabot.yml"
        if github:
            listed = yaml.safe_load(ecosystems.read_text())["updates"]
            assert {one["package-ecosystem"] for one in listed} == {
                *("github-actions", "uv"),
                *(("docker", "docker-compose") if name.endswith("docker") else ()),
            }


def scripts(project: Path) -> dict[str, list[str]]:
    """Give the commands of each job of a project's continuous integration."""
    workflow = project / ".github" / "workflows" / "ci.yml"
    if workflow.exists():
        jobs = yaml.safe_load(workflow.read_text())["jobs"]
        return {
            name: [step["run"] for step in job["steps"] if "run" in step]
            for name, job in jobs.items()
        }
    jobs = yaml.safe_load((project / ".gitlab-ci.yml").read_text())
    return {name: job["script"] for name, job in jobs.items() if "script" in job}


def test_what_is_checked_is_what_the_readme_says(projects: dict[str, Path]) -> None:
    for project in projects.values():
        told = (project / "README.md").read_text()
        _, *checks = scripts(project)["check"]
        assert checks
        assert set(checks) <= set(told.splitlines())


def test_a_container_to_work_in(projects: dict[str, Path]) -> None:
    for name, project in projects.items():
        about = json.loads((project / ".devcontainer" / "devcontainer.json").read_text())
        assert about["forwardPorts"] == [8000 if "fastapi" in name else 5000]
        if "postgresql" in name:
            files = [project / ".devcontainer" / file for file in about["dockerComposeFile"]]
            known = {
                service
                for file in files
                for service in yaml.safe_load(file.read_text())["services"]
            }
            assert about["service"] in known
            workspace = yaml.safe_load(files[1].read_text())["services"]["workspace"]
            assert workspace["network_mode"] == "service:database"
            assert about["workspaceFolder"] == workspace["volumes"][0].partition(":")[2]
            assert known == {"database", "workspace"}
        else:
            assert about["image"] == "docker.io/library/python:3.11"


@pytest.fixture(params=["github-fastapi-sqlite-docker", "gitlab-flask-postgresql-docker"])
def committed(request: pytest.FixtureRequest, template: Path) -> Iterator[Path]:
    """A service as it is checked out, with its lock file."""
    # The suite of the service makes pytest's own directory one that its PostgreSQL cannot enter.
    with TemporaryDirectory() as directory:
        project = Path(directory) / "orders"
        render(template, project, COMBINATIONS[request.param])
        subprocess.run(["uv", "lock", "--quiet"], cwd=project, check=True)
        commit(project)
        yield project
        # What was run leaves nothing that is not ignored.
        assert git(project, "status", "--porcelain") == ""


def execute(project: Path, script: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    """Run commands as a runner does, which stops at the first that fails."""
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", "\n".join(script)],
        cwd=project,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.thorough
def test_the_commands_of_the_integration(committed: Path) -> None:
    """All but the search for vulnerabilities, which asks a server, and the container."""
    jobs = scripts(committed)
    done = execute(committed, jobs["check"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "100%" in done.stdout or "100.0%" in done.stdout

    (search,) = jobs["audit"]
    assert execute(committed, [f"{search} --help"]).returncode == 0

    # It fails where there is something to find.
    main = committed / "src" / "orders" / "app.py"
    main.write_text(f"import os\n{main.read_text()}")
    assert "F401" in execute(committed, jobs["check"]).stdout
    git(committed, "checkout", ".")


@pytest.mark.thorough
def test_the_hooks(committed: Path) -> None:
    hooks = ["uvx pre-commit run --all-files"]
    git(committed, "config", "core.autocrlf", "false")
    done = execute(committed, hooks)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("Passed") == 4

    main = committed / "src" / "orders" / "app.py"
    main.write_text(f"import os\n{main.read_text()}wrong: int = 'text'\n")
    done = execute(committed, hooks)
    assert done.returncode != 0
    # What can be mended is mended, and the rest is said.
    assert main.read_text().count("import os\n") == 0
    assert "Incompatible types in assignment" in done.stdout
    git(committed, "checkout", ".")


@pytest.mark.parametrize("file", ["github-fastapi-sqlite", "gitlab-fastapi-sqlite"])
def test_what_proposes_the_template_s_news(
    projects: dict[str, Path], file: str, tmp_path: Path
) -> None:
    """The script of the job, in a project that has an origin and whose template has news."""
    root = write_small(tmp_path)
    service = tmp_path / "orders"
    assert run("new", service, "--defaults", "--template", root).exit_code == 0
    commit(service)
    origin = tmp_path / "origin.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(service), str(origin))
    git(service, "remote", "add", "origin", str(origin))
    git(service, "fetch", "--quiet", "origin")
    (root / "template" / "notes.txt").write_text("new\n")
    commit(root, tag="1.1.0")

    if file.startswith("github"):
        workflow = projects[file] / ".github" / "workflows" / "template.yml"
        content = yaml.safe_load(workflow.read_text())
        steps = {step.get("name"): step for step in content["jobs"]["update"]["steps"]}
        script = [steps["Update on a branch"]["run"]]
        branch = content["env"]["BRANCH"]
    else:
        content = yaml.safe_load((projects[file] / ".gitlab-ci.yml").read_text())
        script = content["template"]["script"]
        branch = content["template"]["variables"]["BRANCH"]
        address = '"https://template:$TEMPLATE_TOKEN@$CI_SERVER_HOST/$CI_PROJECT_PATH.git"'
        assert address in script[-1]
        script[-1] = script[-1].replace(address, f'"{origin}"')
        git(origin, "config", "receive.advertisePushOptions", "true")
    copier = "uvx --with copier-template-extensions copier "
    assert any(copier in line for line in script)
    here = f'"{sys.executable}" -m copier '
    script = [line.replace(copier, here) for line in script]
    done = execute(
        service,
        script,
        BRANCH=branch,
        CI_SERVER_HOST="example.com",
        CI_COMMIT_SHA=git(service, "rev-parse", "HEAD"),
        CI_DEFAULT_BRANCH="main",
    )
    assert done.returncode == 0, done.stderr
    assert git(service, "show", f"{branch}:notes.txt") == "new"
    assert remembered(service)["_commit"] == "1.1.0"
    if file.startswith("gitlab"):
        assert git(origin, "show", f"{branch}:notes.txt") == "new"
