"""Whoever adds a feature as CONTRIBUTING.md says has to do nothing else."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from matrix.plugin import CACHE
from repositories import commit_copy, git

from conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

SECTION = re.compile(r"^## Add a feature\n(.*?)^## ", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
FOLDER = "template/[[ when.license ]]"


def blocks() -> dict[str, str]:
    """Give the blocks of the section, by their language: there is one of each."""
    section = SECTION.search((ROOT / "CONTRIBUTING.md").read_text())
    assert section is not None
    found = [
        (language, re.sub(f"^{indent}", "", text, flags=re.MULTILINE))
        for indent, language, text in BLOCK.findall(section[1])
    ]
    assert len(dict(found)) == len(found)
    return dict(found)


def commands() -> list[str]:
    """List the commands that the section says to run."""
    return blocks()["console"].splitlines()


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clone this repository and add the feature there by the steps of the section."""
    clone = tmp_path_factory.mktemp("contributing") / "clone"
    commit_copy(ROOT, clone)
    text = (ROOT / "CONTRIBUTING.md").read_text()
    steps = blocks()
    with (clone / "copier.yml").open("a") as file:
        file.write(f"\n{steps['yaml']}")
    (clone / FOLDER).mkdir()
    for name, language in (("LICENSE.txt", "text"), ("feature.toml", "toml")):
        assert f"`{FOLDER}/{name}`" in text
        (clone / FOLDER / name).write_text(steps[language])
    changelog = (clone / "CHANGELOG.md").read_text()
    assert "## [Unreleased]\n\n### Added\n\n" in changelog
    (clone / "CHANGELOG.md").write_text(
        changelog.replace("### Added\n\n", f"### Added\n\n{steps['markdown']}", 1)
    )
    return clone


def run(clone: Path, command: str) -> str:
    """Run a command in the clone, with what this run has and the clone's own code."""
    words = shlex.split(command)
    assert words[:2] == ["uv", "run"]
    done = subprocess.run(
        [sys.executable, "-m", *words[2:]],
        cwd=clone,
        env={
            **{name: value for name, value in os.environ.items() if "XDIST" not in name},
            "PYTHONPATH": str(clone / "src"),
            "MATRIX_CACHE": str(CACHE),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_a_feature_is_a_folder_a_question_and_a_line(clone: Path) -> None:
    changed = git(clone, "status", "--porcelain", "--untracked-files=normal").splitlines()

    assert sorted(line.split(maxsplit=1)[1].strip('"') for line in changed) == [
        "CHANGELOG.md",
        "copier.yml",
        f"{FOLDER}/",
    ]


def test_it_has_the_file_if_it_is_asked_for(clone: Path, tmp_path: Path) -> None:
    for answer, expected in (("yes", True), ("no", False)):
        project = tmp_path / answer
        run(clone, f"uv run servicewright new {project} --template . --set license={answer}")
        assert (project / "LICENSE.txt").is_file() is expected
        assert not (project / "feature.toml").exists()


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(
            command,
            # It goes through twice as many variants as there are.
            marks=pytest.mark.thorough if "tests/matrix" in command else (),
        )
        for command in commands()
    ],
)
def test_the_commands_pass(clone: Path, command: str) -> None:
    printed = run(clone, command)

    assert "license" in printed or " passed" in printed


def test_what_is_forgotten_is_found(clone: Path) -> None:
    feature = clone / FOLDER / "feature.toml"
    text = feature.read_text()
    feature.unlink()
    try:
        with pytest.raises(AssertionError, match="test_each_folder_says_what_its_feature_is"):
            run(clone, "uv run pytest -n 0 tests/test_extension.py -k each_folder")
    finally:
        feature.write_text(text)
