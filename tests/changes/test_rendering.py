"""What is written without doing things again is what Copier writes."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import copier
import pytest
from copier import _template, _vcs
from matrix.rendering import SAME_ANSWERS
from repositories import commit

from servicewright import changes, rendering
from servicewright.errors import ServicewrightError
from servicewright.templates import Source

from .conftest import append

RESOURCES = [
    {"name": "invoice", "fields": [{"total": "money"}]},
    {"name": "customer", "fields": [{"mail": "text(100)"}]},
]


def written(directory: Path) -> dict[str, tuple[int, bytes]]:
    """Read all files below a directory, and their modes."""
    return {
        path.relative_to(directory).as_posix(): (
            path.stat().st_mode,
            path.read_bytes() if path.is_file() else b"(folder)",
        )
        for path in sorted(directory.rglob("*"))
    }


def as_copier(template: Path, destination: Path, answers: dict[str, Any]) -> None:
    """Write a project as ``copier copy`` does."""
    copier.run_copy(
        str(template), destination, data=answers, defaults=True, unsafe=True, quiet=True
    )


def test_projects_are_as_copier_writes_them(template: Path, tmp_path: Path) -> None:
    source = Source(str(template), directory=template)
    taken = []
    different: list[dict[str, Any]] = [
        {"framework": "fastapi", "resources": RESOURCES},
        {"framework": "flask", "resources": [], "auth": "basic", "pages": True},
        {"framework": "fastapi", "database": "none", "modular": False, "docker": False},
    ]
    for number, answers in enumerate(different):
        paths = [tmp_path / side / str(number) / "shop" for side in ("ours", "copier")]
        started = time.process_time()
        rendering.write(source, paths[0], {**SAME_ANSWERS, **answers})
        ended = time.process_time()
        as_copier(template, paths[1], {**SAME_ANSWERS, **answers})
        taken.append((ended - started) / (time.process_time() - ended))
        assert written(paths[0]) == written(paths[1])
    assert taken[-1] < 0.5


def test_other_templates_are_written_too(small: Path, tmp_path: Path) -> None:
    """Names that are made in a loop, which our template asks Copier for in another way."""
    template = tmp_path / "other"
    shutil.copytree(small, template, ignore=lambda *_: {".git"})
    for name in (
        "{% yield each from ['a', 'b'] %}[[ each ]]{% endyield %}/inside/[[ project_name ]].txt",
        "{% yield each from ['c'] %}[[ each ]].txt{% endyield %}",
        "docker/{% yield each from [] %}[[ each ]].txt{% endyield %}",
        "docker/last.txt",
    ):
        path = template / "template" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("[[ each or 'nothing' ]] of [[ project_name ]]\n")
    source = Source(str(template), directory=template)
    for number, name in enumerate(("One", "Two", "Three")):
        answers: dict[str, Any] = {"project_name": name, "docker": number == 1}
        paths = [tmp_path / side / str(number) / "shop" for side in ("ours", "copier")]
        rendering.write(source, paths[0], answers)
        as_copier(template, paths[1], answers)
        found = written(paths[0])
        assert found == written(paths[1])
        assert found[f"a/inside/{name}.txt"][1].decode() == f"a of {name}\n"
    with pytest.raises(ServicewrightError, match="project_name must not be empty"):
        rendering.write(source, tmp_path / "refused", {"project_name": ""})
    assert not (tmp_path / "refused").exists()


def test_each_version_of_a_template_is_fetched_once_for_an_update(
    small: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(small / "template" / "app.txt", "a new line of [[ project_name ]]\n")
    commit(small, tag="1.1.0")
    fetched: list[Path] = []

    def noting(url: str, ref: str, *, location: str) -> str:
        fetched.append(Path(location))
        return _vcs.clone(url, ref, location=location)

    monkeypatch.setattr(_template, "clone", noting)

    updated = changes.prepare_version(project)

    # Both versions, and what the project remembers.
    assert len(fetched) == 3
    assert not any(path.exists() for path in fetched)
    assert updated is not None
    updated.make()
    assert (project / "app.txt").read_text().endswith("a new line of Orders\n")
