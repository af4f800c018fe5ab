"""Projects of every released version can be updated to the working tree."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from typing import TYPE_CHECKING
from zipfile import ZipFile

import copier
import pytest
from matrix.rendering import SAME_ANSWERS
from packaging.version import Version
from repositories import commit, git

from conftest import ROOT

from .updates import contents, options

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

RELEASES = ROOT / "RELEASES"


def releases(text: str) -> list[tuple[str, str]]:
    """Read the list of releases: tags with the names of their commits."""
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    return [(tag, name) for tag, name in lines]


# What a template consists of.
PARTS = ("copier.yml", "extensions", "template")

LISTED = releases(RELEASES.read_text())
# The last commit stands for a release, so that the test tests something before there is one.
VERSIONS = {**dict(LISTED), "0.0.1": "HEAD"}


def test_the_list_of_releases_is_read() -> None:
    text = f"# Tags.\n\n0.1.0 {'a' * 40}\n0.2.0rc1 {'b' * 40}\n"
    assert releases(text) == [("0.1.0", "a" * 40), ("0.2.0rc1", "b" * 40)]
    assert releases("# None yet.\n") == []


def test_the_list_of_releases_is_in_order() -> None:
    for tag, name in LISTED:
        assert str(Version(tag)) == tag, "a tag is a version in the normal form of PEP 440"
        assert re.fullmatch("[0-9a-f]{40}", name)
        assert git(ROOT, "cat-file", "-t", name) == "commit"
    tags = [Version(tag) for tag, _ in LISTED]
    assert tags == sorted(tags)


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="the history is not here")
@pytest.mark.parametrize("position", [0, -1], ids=["first answers", "last answers"])
@pytest.mark.parametrize("tag", VERSIONS)
def test_a_project_of_a_release_is_updated_to_the_working_tree(
    tag: str, position: int, template: Path, tmp_path: Path
) -> None:
    repository = tmp_path / "template"
    extract(VERSIONS[tag], repository)
    commit(repository, tag=tag)
    answers = {name: values[position] for name, values in options(repository).items()}
    project = tmp_path / "project"
    make(repository, project, answers, tag)
    commit(project)

    for part in PARTS:
        shutil.rmtree(repository / part, ignore_errors=True)
    shutil.copytree(template, repository, dirs_exist_ok=True)
    commit(repository)
    copier.run_update(
        project, vcs_ref="HEAD", defaults=True, overwrite=True, unsafe=True, quiet=True
    )

    assert git(project, "ls-files", "--unmerged") == ""
    make(repository, tmp_path / "fresh", answers, "HEAD")
    assert contents(project) == contents(tmp_path / "fresh")


def extract(commit_name: str, directory: Path) -> None:
    """Write the template as it was in a commit."""
    archive = subprocess.run(
        ["git", "-C", str(ROOT), "archive", "--format=zip", commit_name, *PARTS],
        capture_output=True,
        check=True,
    )
    with ZipFile(io.BytesIO(archive.stdout)) as files:
        files.extractall(directory)


def make(repository: Path, project: Path, answers: Mapping[str, object], ref: str) -> None:
    """Make a project of a version."""
    copier.run_copy(
        str(repository),
        project,
        data={**SAME_ANSWERS, **answers},
        vcs_ref=ref,
        defaults=True,
        unsafe=True,
        quiet=True,
    )
