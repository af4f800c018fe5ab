"""Writes services in memory: what Copier writes to a disk, many times faster."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import jinja2
import yaml

from servicewright.forms import REMEMBERED, Form

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from servicewright.questions import Answer


class Renderer(Form):
    """The form of a template with all that is written for it, which needs no disk from then on.

    Copier reads and compiles the template anew for each service and asks git about each file. Here
    this is done once; what is written is the same, as a test shows.

    Args:
        template: The directory of the template, which may go afterwards.
        folder: The name of the directory that services are written to.
        remembered: What services remember besides the answers.

    Raises:
        jinja2.TemplateError: The template needs more of Copier than there is here.
        ValueError: It has a question, or leaves out files in a way, that is not understood.
    """

    def __init__(self, template: Path, folder: str, remembered: Mapping[str, str]) -> None:
        super().__init__(template, folder, {})
        self._remembered = remembered
        self._questions = {question.name: question for question in self.questions}
        excluded = yaml.safe_load((template / "copier.yml").read_bytes()).get("_exclude", [])
        if not all(pattern.startswith("/") for pattern in excluded):
            raise ValueError(excluded)
        self._excluded = {pattern.removeprefix("/") for pattern in excluded}
        # Copier brings it along for all templates.
        self._environment.add_extension("jinja2_ansible_filters.AnsibleCoreFiltersExtension")
        self._prefix = self._root.relative_to(template)
        texts, self._others = {}, {}
        for path in self._paths:
            content = (self._root / path).read_bytes()
            try:
                texts[(self._prefix / path).as_posix()] = content.decode()
            except UnicodeDecodeError:
                self._others[path] = content
        self._environment.loader = jinja2.DictLoader(texts)
        self._environment.cache = {}
        # It parses code, which is the same for many answers.
        self._environment.filters["imports"] = lru_cache(REMEMBERED)(
            self._environment.filters["imports"]
        )
        for name in texts:
            self._environment.get_template(name)

    def known(self) -> dict[str, Answer]:
        """Give the answers to all questions, those that are not asked included."""
        return self._known()

    def render(self) -> dict[str, bytes]:
        """Write the service with the answers as they are: its files by their paths, in order."""
        known = self._known()
        remembered = {
            name: answer
            for name, answer in self._values(known)
            if self._holds(self._questions[name], "when", known)
        }
        context = self._context(known) | {"_copier_answers": {**self._remembered, **remembered}}
        files = {}
        for path, source, made in self._written(context):
            if path in self._excluded:
                continue
            content = self._others.get(source)
            if content is None:
                template = self._environment.get_template((self._prefix / source).as_posix())
                content = template.render(**context, **made).encode()
            files[path] = content
        return dict(sorted(files.items()))
