"""An interrupt leaves a project as it was, or changed as a whole: signals that really come."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from commands import command, refusal, remembered, run
from repositories import commit, git

from .conftest import append
from .test_commands import state

if TYPE_CHECKING:
    from pathlib import Path

# Copier renders four times: today's answers, the new ones over them, the new ones alone, and we
# render today's once more where files are going to go.
RENDERS = range(1, 5)

WAIT = """
import os, pathlib, time
from copier_template_extensions import ContextHook

class Wait(ContextHook):
    def hook(self, context):
        if context["_copier_phase"] == "render":
            context["wait"] = wait

def wait():
    folder = pathlib.Path(os.environ.get("RENDERS", "/missing"))
    if folder.is_dir():
        number = len(list(folder.iterdir())) + 1
        (folder / str(number)).touch()
        if number == int(os.environ["STOP_AT"]):
            time.sleep(60)
    return ""
"""

# Stands in for git: waits before or in the middle of the step that changes the project.
GIT = """#!/bin/sh
case "$*" in "read-tree -m -u "*)
    touch {marker}
    {action}
esac
exec {git} "$@"
"""


@pytest.fixture
def place_for_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have all temporary files in one directory, to see what is left of them."""
    directory = tmp_path / "temporary"
    directory.mkdir()
    monkeypatch.setenv("TMPDIR", str(directory))
    return directory


@pytest.fixture
def small(small: Path) -> Path:
    """Let the template wait while it is rendered."""
    config = small / "copier.yml"
    config.write_text(
        "_jinja_extensions:\n"
        "  - copier_template_extensions.TemplateExtensionLoader\n"
        "  - wait.py:Wait\n" + config.read_text()
    )
    (small / "wait.py").write_text(WAIT)
    append(small / "template" / "notes.txt", "[[ wait() ]]")
    git(small, "tag", "--delete", "1.0.0")
    commit(small, tag="1.0.0")
    return small


def interrupted(arguments: list[str], marker: Path, number: signal.Signals) -> tuple[int, str, str]:
    """Run a program and send it a signal once a file appears.

    A Ctrl-C goes to the program and all that it has started, as in a terminal.
    """
    program = subprocess.Popen(
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not marker.exists():
        assert time.monotonic() < deadline
        assert program.poll() is None, program.communicate()
        time.sleep(0.01)
    if number == signal.SIGINT:
        os.killpg(program.pid, number)
    else:
        program.send_signal(number)
    stdout, stderr = program.communicate(timeout=60)
    return program.returncode, stdout, stderr


@pytest.mark.parametrize("stop_at", RENDERS)
def test_an_interrupt_while_a_change_is_prepared_leaves_the_project_as_it_was(
    project: Path, place_for_copies: Path, monkeypatch: pytest.MonkeyPatch, stop_at: int
) -> None:
    before = state(project)
    renders = project.parent / "renders"
    renders.mkdir()
    number = signal.SIGTERM if stop_at == 2 else signal.SIGINT
    monkeypatch.setenv("RENDERS", str(renders))
    monkeypatch.setenv("STOP_AT", str(stop_at))

    code, stdout, stderr = interrupted(command("set", "docker=no"), renders / str(stop_at), number)

    assert (code, stdout) == (128 + number, "")
    assert stderr == "Interrupted: nothing was changed.\n"
    assert state(project) == before
    assert list(place_for_copies.iterdir()) == []

    monkeypatch.delenv("RENDERS")
    assert run("set", "docker=no").exit_code == 0
    assert not (project / "Dockerfile").exists()


@pytest.mark.parametrize("delay", [0.3, 0.6, 0.9, 1.2, 1.5])
def test_an_interrupt_at_any_time_leaves_a_whole(
    project: Path, place_for_copies: Path, delay: float
) -> None:
    before = state(project)
    program = subprocess.Popen(
        command("set", "docker=no"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    time.sleep(delay)
    os.killpg(program.pid, signal.SIGINT)
    program.communicate(timeout=60)
    if state(project) != before:
        assert git(project, "diff", "--staged", "--name-only").split() == [
            ".copier-answers.yml",
            "Dockerfile",
            "deploy/run.sh",
        ]
        assert git(project, "diff", "--name-only") == ""
    assert not list(place_for_copies.glob("servicewright-*"))


@pytest.fixture
def slow_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Path:
    """Put a git on the path that does something else at the step that changes the project.

    Returns:
        A file that appears then.
    """
    tools = tmp_path / "tools"
    tools.mkdir()
    marker = tmp_path / "changing"
    real = shutil.which("git")
    assert real is not None
    script = GIT.format(marker=marker, git=real, action=request.param)
    (tools / "git").write_text(script)
    (tools / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    return marker


@pytest.mark.parametrize("slow_git", ["sleep 1"], indirect=True)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_step_that_changes_the_project_is_not_interrupted(
    project: Path, slow_git: Path, number: signal.Signals
) -> None:
    code, _, stderr = interrupted(command("set", "docker=no"), slow_git, number)

    assert (code, stderr) == (0, "")
    assert remembered(project)["docker"] is False
    assert git(project, "diff", "--name-only") == ""
    assert not (project / ".git" / "index.lock").exists()


FULL_DISK = (
    "rm app.txt; mkdir deploy; echo half > Dockerfile; "
    "echo 'fatal: No space left on device' >&2; exit 128"
)


@pytest.mark.parametrize("slow_git", [FULL_DISK], indirect=True)
def test_a_step_that_fails_half_way_is_taken_back(
    project: Path, slow_git: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("PATH", os.environ["PATH"].partition(":")[2])
        assert run("set", "docker=no").exit_code == 0
        commit(project)
    before = state(project)

    result = run("set", "docker=yes", "framework=flask")

    assert slow_git.exists()
    assert "No space left on device" in refusal(result, 1)
    assert state(project) == before
