"""Writes projects of one template one after the other, each in a tenth of the time of the first.

Copier reads a template anew for each project, compiles all that is in it, renders the names of
folders once for each file below them, and asks git about every file. What is written is the same.
Methods of Copier's that are replaced here are its own affair: where a later version has others, it
does their work again, as it does for ``copier copy``.
"""

from __future__ import annotations

import warnings
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from copier import Phase
from copier._main import Worker
from copier.errors import CopierWarning

from servicewright import git
from servicewright.projects import told_in_a_sentence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from servicewright.templates import Source


def write(source: Source, destination: Path, answers: Mapping[str, Any]) -> None:
    """Write a project with certain answers, and the default ones to all other questions.

    Args:
        source: The template, a directory without a history that does not change.
        destination: Where nothing is.
        answers: The answers.

    Raises:
        ServicewrightError: Copier refuses.
    """
    with (
        warnings.catch_warnings(action="ignore", category=CopierWarning),
        told_in_a_sentence(source),
        git.environment(ask=False),
        _worker(source.location, destination, answers) as worker,
    ):
        # What Copier found out for the first project.
        known = _known(source.location)
        vars(worker).update(template=known.template, jinja_env=known.jinja_env)
        worker.run_copy()


class _Worker(Worker):
    """Does once what is the same for all files of a project."""

    @property
    def answers_relpath(self) -> Path:
        """Where the answers file is."""
        return self._answers_file if self._has_asked else super().answers_relpath

    @cached_property
    def _answers_file(self) -> Path:
        return super().answers_relpath

    @cached_property
    def _strings(self) -> dict[str, str]:
        return {}

    @property
    def _has_asked(self) -> bool:
        return Phase.current() is Phase.RENDER

    def _render_string(self, string: str, extra_context: dict[str, Any] | None = None) -> str:
        # What a `yield` does to Copier is more than its text.
        if extra_context or "yield" in string or not self._has_asked:
            return super()._render_string(string, extra_context)
        self._forget_yield()
        if string not in self._strings:
            self._strings[string] = super()._render_string(string)
        return self._strings[string]

    def _render_file(self, *arguments: Any, **named: Any) -> None:
        self._forget_yield()
        super()._render_file(*arguments, **named)

    def _sync_git_index_executable_bit(self, *_: Any) -> None:
        """Leave out what is for repositories: there is none."""

    def _forget_yield(self) -> None:
        # Copier does so when it compiles a text.
        self.jinja_env.preprocess("")


@lru_cache(maxsize=8)
def _known(template: str) -> Worker:
    return _worker(template, Path(), {})


def _worker(template: str, destination: Path, answers: Mapping[str, Any]) -> Worker:
    return _Worker(
        src_path=template,
        dst_path=destination,
        data=dict(answers),
        defaults=True,
        overwrite=True,
        unsafe=True,
        quiet=True,
        skip_tasks=True,
    )
