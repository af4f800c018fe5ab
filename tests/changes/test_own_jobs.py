"""A user's own jobs stay where those of the service go to workers, and where they come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from contract.services import FRAMEWORKS
from matrix.rendering import PACKAGE, Tree
from repositories import commit, git

from conftest import ROOT
from servicewright import changes
from servicewright.variants import Variant

from .updates import Projects, cheap_updates, everything, update

if TYPE_CHECKING:
    from pathlib import Path

    from matrix.environments import Environments
    from matrix.suites import Runner

    from servicewright.questions import Answer

# The job, which knows no framework, and how each framework starts it.
JOB = '''"""A job of one's own."""

from pathlib import Path


def note(word: str) -> None:
    """Note a word."""
    Path("noted").write_text(word)
'''
CUSTOM = {
    "fastapi": '''"""What is your own: add routers, middleware and error handlers here."""

from fastapi import BackgroundTasks, FastAPI

from .noting import note


def init_app(app: FastAPI) -> None:
    """Install your own parts."""

    @app.post("/notes/{word}", include_in_schema=False)
    def start_note(word: str, background_tasks: BackgroundTasks) -> str:
        background_tasks.add_task(note, word)
        return word
''',
    "flask": '''"""What is your own: add blueprints, middleware and error handlers here."""

from flask import Flask

from .background import run_after_response
from .noting import note


def init_app(app: Flask) -> None:
    """Install your own parts."""

    @app.post("/notes/<word>")
    def start_note(word: str) -> str:
        run_after_response(note, word)
        return word
''',
}
TEST = '''"""The job of one's own."""

import time
from pathlib import Path

from httpx2 import Client


def test_a_word_is_noted(client: Client) -> None:
    assert client.post("/notes/hello").status_code == 200

    deadline = time.monotonic() + 10
    while not Path("noted").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert Path("noted").read_text() == "hello"
'''
# And one for workers.
TASK = '''

@celery.task(base=Job)
def send_invoice(number: int) -> None:
    """Send an invoice."""
'''


@pytest.fixture(params=FRAMEWORKS)
def start(request: pytest.FixtureRequest) -> dict[str, Answer]:
    """Give the answers of a project that has all there is, with jobs in the process."""
    return everything(ROOT, framework=request.param, storage="directory")


def with_own_job(projects: Projects, start: dict[str, Answer]) -> Path:
    """Make a project with a job of its user's."""
    project = projects.copy(start)
    source = project / "src" / PACKAGE
    (source / "noting.py").write_text(JOB)
    (source / "custom.py").write_text(CUSTOM[str(start["framework"])])
    (project / "tests" / "test_noting.py").write_text(TEST)
    commit(project)
    return project


def test_an_own_job_stays_on_the_way_to_workers_and_back(
    start: dict[str, Answer], projects: Projects
) -> None:
    project = with_own_job(projects, start)

    update(project, background_tasks="celery")
    source = project / "src" / PACKAGE
    assert (source / "tasks.py").exists()
    assert (source / "custom.py").read_text() == CUSTOM[str(start["framework"])]
    assert (source / "noting.py").read_text() == JOB
    commit(project)

    update(project, background_tasks="in_process")
    git(project, "add", "--all")
    assert git(project, "diff", "--staged", "HEAD~1") == ""


@pytest.mark.thorough
def test_an_own_job_runs_beside_those_of_workers(
    start: dict[str, Answer], projects: Projects, environments: Environments, runner: Runner
) -> None:
    project = with_own_job(projects, start)

    update(project, background_tasks="celery")

    end = {**start, "background_tasks": "celery"}
    tree = Tree(Variant(f"own-job-{start['framework']}", end), project)
    result = runner.run(project, environments.get(tree.requirements))
    assert not result.problems, (result.problems, result.log)


def test_a_job_for_workers_does_not_go_without_a_word(
    start: dict[str, Answer], projects: Projects
) -> None:
    project = projects.copy({**start, "background_tasks": "celery"})
    tasks = project / "src" / PACKAGE / "tasks.py"
    tasks.write_text(tasks.read_text() + TASK)
    commit(project)

    with cheap_updates():
        change = changes.prepare_answers(project, [("background_tasks", "in_process")])

    assert f"src/{PACKAGE}/tasks.py" in change.edited
