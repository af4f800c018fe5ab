"""A small template, and a project made from it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from commands import run
from repositories import commit

from .updates import Projects, forget

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIG = """
_subdirectory: template
_templates_suffix: ""
_envops:
  variable_start_string: "[["
  variable_end_string: "]]"
project_name:
  type: str
  default: Orders
  validator: "[[ 'project_name must not be empty.' if not project_name ]]"
framework:
  type: str
  choices: [fastapi, flask]
  default: fastapi
docker:
  type: bool
  default: true
"""

# What the small template holds: a file that an answer drops, one that each answer changes in a
# line of its own, and one that is the same whatever is answered.
CONTENT = {
    "[[ _copier_conf.answers_file ]]": "[[ _copier_answers | to_nice_yaml ]]",
    "[[ 'Dockerfile' if docker else '' ]]": "FROM python\nCOPY . .\n",
    "[[ 'deploy' if docker else '' ]]/run.sh": "run\n",
    "app.txt": "name [[ project_name ]]\n1\n2\n3\nframework [[ framework ]]\n4\n5\n6\n",
    ".gitignore": ".env\n.venv/\n",
    "notes.txt": "notes\n",
}


def write_small(directory: Path) -> Path:
    """Write the small template, and commit it as version 1.0.0."""
    root = directory / "small"
    for name, content in CONTENT.items():
        path = root / "template" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (root / "copier.yml").write_text(CONFIG)
    commit(root, tag="1.0.0")
    return root


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Give the small template."""
    return write_small(tmp_path)


@pytest.fixture
def project(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a project with the default answers and files that git ignores, and work in it."""
    path = tmp_path / "my orders"
    result = run("new", path, "--defaults", "--template", small)
    assert result.exit_code == 0, result.stderr
    commit(path)
    (path / ".env").write_text("SECRET=1\n")
    (path / ".venv").mkdir()
    (path / ".venv" / "python").write_text("python\n")
    monkeypatch.chdir(path)
    return path


def append(path: Path, text: str) -> None:
    """Write at the end of a file, as a user would."""
    with path.open("a") as file:
        file.write(text)


@pytest.fixture(scope="session")
def projects(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Projects]:
    """Give projects of the template as it is in the working tree."""
    directory = tmp_path_factory.mktemp("projects")
    repository = directory / "template"
    shutil.copytree(template, repository)
    commit(repository)
    yield Projects(repository, directory)
    forget()
