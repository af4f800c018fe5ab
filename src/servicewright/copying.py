"""Copier, without what it does again for each file and each project.

It fetches a template and compiles all of its files anew for each project, which are four for an
update, renders the names of folders once for each file below them, and asks git about every file.
What is written is the same. Methods of Copier's that are replaced here are its own affair: where a
later version has others, it does their work again, as it does for ``copier copy``.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from copier import Phase, _main
from jinja2 import BytecodeCache

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import CodeType

    from copier._jinja_ext import SandboxedEnvironment
    from copier._template import Template
    from jinja2.bccache import Bucket

_Templates = dict[tuple[str, str | None], "Template"]

_fetched: ContextVar[_Templates | None] = ContextVar("_fetched", default=None)


@contextmanager
def fetched_once() -> Iterator[None]:
    """Fetch each version of a template once for all projects that are written meanwhile."""
    templates: _Templates = {}
    token = _fetched.set(templates)
    try:
        yield
    finally:
        _fetched.reset(token)
        for template in templates.values():
            template._cleanup()  # noqa: SLF001 - what a worker does at its end


class Worker(_main.Worker):
    """Does once what is the same for all files of a project, or for a version of the template."""

    @cached_property
    def template(self) -> Template:
        """The template, which is fetched when it is asked for."""
        template = super().template
        known = _fetched.get()
        if known is None:
            return template
        # It is removed when all projects are written.
        self._cleanup_hooks.remove(template._cleanup)  # noqa: SLF001
        return known.setdefault((template.url, template.ref), template)

    @cached_property
    def jinja_env(self) -> SandboxedEnvironment:
        """What renders files, which are compiled once for each version of a template."""
        environment = super().jinja_env
        if self.template.commit_hash:
            environment.bytecode_cache = _compiled(self.template.url, self.template.commit_hash)
        return environment

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
        """Leave out what git is told of modes: the index of no repository here is kept."""

    def _forget_yield(self) -> None:
        # Copier does so when it compiles a text.
        self.jinja_env.preprocess("")


class _Compiled(BytecodeCache):
    """What Jinja made of the files of a version, by their paths in it."""

    def __init__(self) -> None:
        self._code: dict[str, CodeType] = {}

    def get_cache_key(self, name: str, filename: str | None = None) -> str:  # noqa: ARG002
        """Name a file: it is in another directory for each project."""
        return name

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give what was made of a file, if anything."""
        bucket.code = self._code.get(bucket.key)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was made of a file."""
        if bucket.code is not None:
            self._code[bucket.key] = bucket.code


@lru_cache(maxsize=2)
def _compiled(url: str, commit: str) -> _Compiled:  # noqa: ARG001
    return _Compiled()
