"""Tells pytest-xdist which tests belong in one process: those that share what is costly to make."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import service
from xdist.scheduler import LoadScopeScheduling

from servicewright.variants import Space, Variant, variants

if TYPE_CHECKING:
    import pytest
    from xdist.remote import Producer

ROOT = Path(__file__).resolve().parents[1]

# All tests of such a file need the same trees, types, answers, documents, browser, ports or images.
WHOLE_FILES = (
    "tests/contract/test_browser.py",
    "tests/contract/test_openapi.py",
    "tests/contract/test_parity.py",
    "tests/contract/test_readme.py",
    "tests/matrix/test_reading.py",
    "tests/matrix/test_static.py",
    "tests/matrix/test_static_checks.py",
    "tests/test_compose.py",
    "tests/test_contributing.py",
    "tests/test_images.py",
    "tests/test_kubernetes.py",
)
SUITE = re.compile(r"tests/matrix/(?:test_suites|proving)\.py::test_suite\w*\[(.+)\]")


def requirements(variant: Variant) -> tuple[str, ...]:
    """Say which variants can share an environment, and so a process that has imported it.

    This only makes the run faster. What a variant needs is read from its pyproject.toml.
    """
    on = service.features(variant.answers)
    return tuple(service.requirements(on, development=False))


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Gives each test to the next free process, but what belongs together to the same one.

    Marks would say it beside the tests, but only their names reach the process that decides:
    with pytest 9.2 ``--dist loadgroup`` ignores them (pytest-dev/pytest-xdist#1386).
    """

    @cached_property
    def _variants(self) -> Space:
        return variants(ROOT)

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file in WHOLE_FILES:
            return file
        suite = SUITE.fullmatch(nodeid)
        return " ".join(requirements(self._variants.named(suite[1]))) if suite else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """Use this scheduling in place of those that pytest-xdist has."""
    return Scheduling(config, log)
