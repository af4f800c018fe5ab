"""What the builder writes is what the command writes, and itself what the template writes."""

from __future__ import annotations

import io
import os
import statistics
import subprocess
import sys
import time
import urllib.request
import zipfile
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
import yaml
from commands import refusal, run
from fastapi.testclient import TestClient
from matrix.covering import sample
from matrix.rendering import SAME_ANSWERS, render
from servicewright_builder.app import create_app
from servicewright_builder.settings import Settings

from builder.conftest import BUILDER
from servicewright import projects, questions, templates
from servicewright.forms import one_line
from servicewright.in_memory import Renderer
from servicewright.variants import variants

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matrix.rendering import Renderer as Variants

# So many variants are compared.
COMPARED = 12
RESOURCES = [
    {"name": "bottle", "fields": [{"label": "text(80) searched"}, {"litres": "number like 0.7"}]},
    "shelf/shelves(name: text(40) unique, made: date = today)",
]
# What its owner has changed, by file: how many lines of the template are no longer there.
EDITED = {
    ".dockerignore": 4,
    ".env.example": 1,
    "Dockerfile": 12,
    "README.md": 3,
    "kubernetes/README.md": 1,
    "kubernetes/deployment.yaml": 4,
    "pyproject.toml": 0,
    "src/servicewright_builder/custom.py": 0,
    "src/servicewright_builder/routes/pages.py": 3,
    "src/servicewright_builder/settings.py": 1,
    "src/servicewright_builder/templates/home.html": 0,
}


def written(directory: Path) -> dict[str, bytes]:
    """Read all files below a directory."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def fill(form: Renderer, answers: Mapping[str, Any]) -> None:
    """Answer the questions that have an answer, and leave the others to the template."""
    form.chosen = {}
    for question in form.questions:
        if question.name in answers:
            answer = answers[question.name]
            form.answer(question, one_line(answer) if question.is_data else answer)


@pytest.fixture(scope="module")
def form(template: Path) -> Renderer:
    return Renderer(template, "service", {"_src_path": str(template)})


def test_variants_are_written_in_memory_as_copier_writes_them(
    form: Renderer, renderer: Variants, template: Path
) -> None:
    for variant in sample(variants(template), COMPARED):
        tree = renderer.tree(variant.id)
        fill(form, {**SAME_ANSWERS, **variant.answers})
        files = form.render()

        source = yaml.safe_load(tree.files[".copier-answers.yml"])["_src_path"]
        answers = files[".copier-answers.yml"].decode()
        files[".copier-answers.yml"] = projects.with_address(answers, source).encode()
        assert files == tree.files, variant.id
        # The archive has no others.
        modes = {path.stat().st_mode & 0o777 for path in tree.path.rglob("*") if path.is_file()}
        assert modes == {0o644}


@pytest.mark.parametrize("framework", ["fastapi", "flask"])
@pytest.mark.parametrize("resources", [RESOURCES, []], ids=["resources", "none"])
def test_resources_are_written_in_memory_as_copier_writes_them(
    form: Renderer, template: Path, tmp_path: Path, framework: str, resources: list[Any]
) -> None:
    answers = {"framework": framework, "resources": resources}
    render(template, tmp_path / "service", answers)
    fill(form, {**SAME_ANSWERS, **answers})

    assert form.render() == written(tmp_path / "service")


def test_the_template_is_not_needed_any_more(template_repository: Path) -> None:
    form = Renderer(template_repository, "service", {})
    before = form.render()

    for path in template_repository.rglob("*"):
        if path.is_file():
            path.unlink()
    fill(form, {"framework": "flask"})

    assert form.render().keys() != before.keys()


@pytest.mark.parametrize(
    "answers",
    [
        {"framework": "flask", "database": "postgresql", "project_name": "Bücher & mehr"},
        {"pages": True, "docker": False, "resources": RESOURCES, "author_name": "Zoë O'Neil"},
    ],
    ids=["flask", "resources"],
)
def test_an_archive_is_what_the_command_writes(
    address: str, tmp_path: Path, answers: dict[str, Any]
) -> None:
    source = templates.locate()
    given = {
        name: one_line(answer) if isinstance(answer, list) else answer
        for name, answer in answers.items()
    }
    query = urlencode({name: questions.word(answer) for name, answer in given.items()})

    with urllib.request.urlopen(  # noqa: S310 - our own
        f"{address}service.zip?{query}", timeout=60
    ) as answer:
        archive = zipfile.ZipFile(io.BytesIO(answer.read()))
    project = projects.create(source, tmp_path / "service", given, ask=False)

    files = written(project.path)
    folder = str(yaml.safe_load(files[".copier-answers.yml"])["package_name"]).replace("_", "-")
    archived = {name.removeprefix(f"{folder}/"): archive.read(name) for name in archive.namelist()}
    if source.is_dirty:
        # Copier names each copy of what is not committed otherwise.
        for each in (files, archived):
            lines = each[".copier-answers.yml"].splitlines()
            each[".copier-answers.yml"] = b"\n".join(ln for ln in lines if b"_commit" not in ln)
    assert archived == files


def test_a_port_that_is_taken(address: str) -> None:
    port = address.rstrip("/").rpartition(":")[2]

    sentence = refusal(run("builder", "--no-browser", "--port", port), 2)

    assert sentence == (
        f"Error: The builder cannot be at 127.0.0.1:{port}: Address already in use. "
        "Choose another --host or --port.\n"
    )


def test_a_place_that_is_none() -> None:
    port = refusal(run("builder", "--no-browser", "--port", "99999"), 2)
    host = refusal(run("builder", "--no-browser", "--host", "nowhere.invalid"), 2)

    assert port == "Error: --port takes 0 to 65535, not 99999.\n"
    assert host.startswith("Error: The builder cannot be at nowhere.invalid:8000: ")


def test_without_the_extra() -> None:
    # As find_spec tells of what is not installed.
    program = "import sys; sys.modules['uvicorn'] = None; from servicewright.__main__ import run; "
    arguments = [sys.executable, "-c", f"{program}sys.argv[1:] = ['builder']; run()"]

    done = subprocess.run(arguments, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr == (
        "Error: The builder needs uvicorn, which is not installed: install this package again with "
        "[builder] behind the name or the path that it comes from.\n"
    )


def test_the_builder_is_what_the_template_writes(form: Renderer) -> None:
    """Where this fails, `uv run servicewright update builder` brings what is new."""
    fill(form, yaml.safe_load((BUILDER / ".copier-answers.yml").read_bytes()))
    files = form.render()
    del files[".copier-answers.yml"]

    edited = {
        path: len(set(content.splitlines()) - set((BUILDER / path).read_bytes().splitlines()))
        for path, content in files.items()
        if (BUILDER / path).read_bytes() != content
    }

    assert edited == EDITED


@pytest.mark.thorough
def test_every_answer_is_shown_at_once(template: Path) -> None:
    # Processor time: what else the machine does is nobody's fault.
    taken: dict[str, float] = {}
    with TestClient(create_app(Settings.model_construct())) as client:
        client.get("/draft")
        before = ""
        for question in questions.read(template):
            for answer in question.answers or ():
                query = {question.name: questions.word(answer), "before": before}
                started = time.process_time()
                shown = client.get("/draft", params=query)
                taken[f"{question.name}={answer}"] = time.process_time() - started
                before = shown.json()["link"]

    assert len(taken) > 20
    assert statistics.median(taken.values()) < 0.1
    assert max(taken.values()) < 0.2, taken


@pytest.mark.thorough
def test_the_builder_passes_its_own_suite() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=BUILDER,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
