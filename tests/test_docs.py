"""The documentation is built without a warning, and what it says can be done is done."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from repositories import commit_copy

from conftest import ROOT
from servicewright import questions

if TYPE_CHECKING:
    from pathlib import Path

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clone this repository, as the documentation takes it for granted."""
    clone = tmp_path_factory.mktemp("docs") / "clone"
    commit_copy(ROOT, clone)
    return clone


def build(clone: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """Build the site as its configuration says."""
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "sphinx",
            "-W",
            "--keep-going",
            "-q",
            str(clone / "docs"),
            str(site),
        ],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_site_is_built_without_warnings(clone: Path, tmp_path: Path) -> None:
    done = build(clone, tmp_path)

    assert done.returncode == 0, done.stderr
    reference = (tmp_path / "questions.html").read_text()
    for question in questions.read(ROOT):
        assert f">{question.name}<" in reference
    for framework in ("fastapi", "flask"):
        assert "create_app" in (tmp_path / "examples" / framework / "index.html").read_text()

    guide = clone / "docs" / "guide.md"
    text = guide.read_text()
    guide.write_text(f"{text}\n[Nowhere](nowhere.md)\n")
    try:
        done = build(clone, tmp_path)
    finally:
        guide.write_text(text)
    assert done.returncode != 0
    assert "nowhere.md" in done.stderr


@pytest.mark.thorough
def test_the_life_of_a_project_is_as_it_is_told(clone: Path, tmp_path: Path) -> None:
    script = ["set -euo pipefail"]
    for language, text in BLOCK.findall((ROOT / "docs" / "life.md").read_text()):
        if language == "console":
            script.append(text)
        else:
            path, _, code = text.partition("\n")
            script.append(f"cat > {shlex.quote(path.removeprefix('# '))} <<'END'\n{code}END\n")
    commands = tmp_path / "bin"
    commands.mkdir()
    command = commands / "servicewright"
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m servicewright "$@"\n')
    command.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}

    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=tmp_path,
        env={
            **kept,
            "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(clone / "src"),
            "PYTEST_ADDOPTS": "",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert done.stdout.count(" passed") == 4, done.stdout
    assert "Nothing is newer" in done.stdout
