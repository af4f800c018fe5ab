"""Renders the variants with Copier, each of them once, into one directory."""

from __future__ import annotations

import json
import os
import shutil
import time
import tomllib
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import jinja2
import pytest
from copier import _main, _template
from copier._main import Worker

from matrix.forms import Forms, without_git
from matrix.standing import Standing, standing, with_others
from servicewright.variants import Variant, fair, variants

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from matrix.forms import Project

# The name of all projects' packages: it differs from what would be made of the project's name.
PACKAGE = "orders"

# What all variants have in common. Git and the machine are asked for nothing.
SAME_ANSWERS = {
    "project_name": "Example",
    "package_name": PACKAGE,
    "description": "A service of the matrix.",
    "author_name": "Robin Example",
    "author_email": "robin@example.com",
    # The lowest: what runs and is typed for it does so for all later ones.
    "python_version": "3.11",
}


load_configuration = _template.load_template_config

# What Jinja made of the template's files, paths and questions.
COMPILED: dict[tuple[object, ...], Any] = {}

# What is in files of trees.
CONTENTS: dict[bytes, bytes] = {}


@dataclass(frozen=True)
class Tree:
    """A rendered variant.

    Attributes:
        variant: The variant.
        path: The directory of the project.
    """

    variant: Variant
    path: Path

    @cached_property
    def files(self) -> dict[str, bytes]:
        """All files with their contents, named by their paths, in order.

        What Python compiles for processes that suites start is not among them.
        """
        return {
            path.relative_to(self.path).as_posix(): shared(path.read_bytes())
            for path in sorted(self.path.rglob("*"))
            if "__pycache__" not in path.parts and path.is_file()
        }

    @cached_property
    def pyproject(self) -> dict[str, Any]:
        """The settings of the project and of its tools."""
        return tomllib.loads(self.files["pyproject.toml"].decode())

    @property
    def requirements(self) -> tuple[str, ...]:
        """What the project declares to need when it is developed."""
        declared = {
            *self.pyproject["project"]["dependencies"],
            *self.pyproject["dependency-groups"]["dev"],
        }
        return tuple(sorted(declared))


def shared(content: bytes) -> bytes:
    """Give the same object for what is equal: most files are in many trees."""
    return CONTENTS.setdefault(content, content)


@contextmanager
def cheap_copies() -> Iterator[None]:
    """Leave out of Copier's work what is the same for each copy of a template without git.

    Copier compiles each template anew for each copy, renders the names of folders anew for each
    file, and runs git for each file it writes. That is nine tenths of its time. What is written is
    the same, as a test shows.
    """
    compile_template = jinja2.Environment.compile

    def compile_once(
        environment: jinja2.Environment,
        source: Any,
        name: str | None = None,
        filename: str | None = None,
        *options: Any,
        **named_options: Any,
    ) -> Any:
        if not isinstance(source, str):
            return compile_template(environment, source, name, filename, *options, **named_options)
        # Copier uses two kinds of environment: the template's, and one with Jinja's own marks.
        key = (source, name, filename, environment.block_start_string, options, *named_options)
        if key not in COMPILED:
            COMPILED[key] = compile_template(
                environment, source, name, filename, *options, **named_options
            )
        return COMPILED[key]

    render_string: Callable[..., str] = vars(Worker)["_render_string"]

    def render_once(worker: Worker, string: str, extra_context: Any = None) -> str:
        # What a `yield` does to Copier is more than its text.
        if extra_context or "yield" in string:
            return render_string(worker, string, extra_context)
        known: dict[str, str] = vars(worker).setdefault("_rendered_strings", {})
        if string not in known:
            known[string] = render_string(worker, string)
        return known[string]

    with without_git(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(Worker, "_render_string", render_once)
        patch.setattr(_template, "load_template_config", configuration)
        patch.setattr(jinja2.Environment, "compile", compile_once)
        patch.setattr(_main, "is_git_available", lambda: False)
        yield


def configuration(path: Path) -> dict[str, Any]:
    """Load copier.yml as Copier does, once for each state of it."""
    return deepcopy(_configuration(path, path.stat().st_mtime_ns))


@cache
def _configuration(path: Path, _: int) -> dict[str, Any]:
    loaded: dict[str, Any] = load_configuration(path)
    return loaded


class Renderer:
    """Renders the variants of a template when they are asked for.

    Several processes may share the directory: each tree appears in it whole.

    Args:
        template: The template.
        directory: Where to.
        answers: Answers besides those of the variants.
    """

    def __init__(
        self, template: Path, directory: Path, answers: Mapping[str, Any] | None = None
    ) -> None:
        self._template = template
        self._directory = directory
        self._answers = answers or {}
        self._variants = variants(template)
        self._trees: dict[str, Tree] = {}

    def all(self, part: str | None = None) -> list[Tree]:
        """Give the trees of the variants that stand for all, or of the Kth of N parts of all.

        Those of a part have those of the other framework with them, to be compared.
        """
        if part is None:
            return [self.tree(name) for name in self.standing.names]
        some = (self._variants[number] for number in fair(self._variants, part))
        return [self.tree(variant.id) for variant in with_others(self._variants, some)]

    @cached_property
    def standing(self) -> Standing:
        """The variants that stand for all; one process chooses them for the others."""
        kept = self._directory / ".standing.json"
        if not kept.exists():
            self._directory.mkdir(parents=True, exist_ok=True)
            chosen = standing(self._variants, self._render)
            draft = kept.with_suffix(f".{os.getpid()}")
            draft.write_text(json.dumps(chosen._asdict()))
            draft.rename(kept)
        return Standing(**json.loads(kept.read_text()))

    def tree(self, name: str) -> Tree:
        """Give the tree of the variant with an id."""
        if name not in self._trees:
            variant = self._variants.named(name)
            self._trees[name] = Tree(variant, self._directory / variant.id)
        tree = self._trees[name]
        if not tree.path.exists():
            self._render(tree.variant)
        return tree

    def _render(self, variant: Variant) -> Project:
        started = time.process_time()
        answers = {**SAME_ANSWERS, **variant.answers, **self._answers}
        project = forms(self._template.resolve()).project(answers)
        draft = self._directory / f".{variant.id}-{os.getpid()}"
        project.write(draft)
        # Before the tree: whoever finds that finds this too.
        draft_of_cpu = self._directory / f".{variant.id}-{os.getpid()}-cpu"
        draft_of_cpu.write_text(str(time.process_time() - started))
        draft_of_cpu.rename(self._cpu(variant.id))
        try:
            draft.rename(self._directory / variant.id)
        except OSError:
            # Another process was faster.
            shutil.rmtree(draft)
        return project

    def cpu(self, name: str) -> float:
        """Give the seconds of processor time that a tree took, whichever process rendered it."""
        return float(self._cpu(name).read_text())

    def _cpu(self, name: str) -> Path:
        return self._directory / f".{name}-cpu"


@cache
def forms(template: Path) -> Forms:
    """Give what renders the projects of a template."""
    return Forms(template)


def render(template: Path, destination: Path, answers: dict[str, Any]) -> None:
    """Copy the template with the given answers, and the same answers to all other questions."""
    forms(template.resolve()).project(SAME_ANSWERS | answers).write(destination)
