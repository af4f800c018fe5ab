"""The files that variants are deployed with, as the tests of these files read them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import service
from matrix.rendering import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Callable

    from matrix.rendering import Renderer, Tree


@dataclass(frozen=True)
class Deployment:
    """A variant that is deployed."""

    tree: Tree

    @property
    def on(self) -> dict[str, bool]:
        """The features."""
        return service.features(self.tree.variant.answers)

    @property
    def must_be_set(self) -> set[str]:
        """The variables without which the service does not start."""
        variables = service.variables(self.on, "PACKAGE")
        return {variable.name for variable in variables if variable.default is None}

    @property
    def graceful_timeout(self) -> int:
        """How many seconds gunicorn gives its workers to end."""
        settings = self.text(f"src/{PACKAGE}/settings.py")
        found = re.search(r"web_graceful_timeout: Positive = \D*(\d+)", settings)
        assert found
        return int(found[1])

    def text(self, path: str) -> str:
        """Give a file of the project."""
        return self.tree.files[path].decode()


def different(renderer: Renderer, looked_at: Callable[[str], bool]) -> list[Tree]:
    """Give the trees of variants with the feature, those that differ in files looked at."""
    found = {}
    for tree in renderer.all():
        if tree.variant.answers["docker"]:
            files = tree.files.items()
            found[tuple((path, text) for path, text in files if looked_at(path))] = tree
    return list(found.values())
