"""The variants' own suites pass in environments with exactly what the variants declare.

A default run takes a covering set of them (see covering.py), ``--suites 800`` a larger one,
``--all`` all, ``-m exhaustive`` all with their coverage, and
``tests/matrix/test_suites.py::test_suite[flask-cors]`` that one.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING

import pytest
import scheduling

from matrix.covering import default_set
from matrix.plugin import ROOT
from matrix.report import PROPERTY
from matrix.running import explain
from servicewright.variants import Variant, fair, variants

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matrix.running import Suites

NAMED = re.compile(r"test_suites\.py::test_suite\w*\[(.+)\]")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test for each variant of this shard: of the default set, or of all that there are."""
    space = variants(ROOT)
    number = metafunc.config.getoption("suites")
    if number < 1:
        raise pytest.UsageError("--suites says how many suites are run: 1 or more.")
    every: Sequence[Variant] = space if wants_all(metafunc) else covering(number)
    chosen = [every[place] for place in fair(every, metafunc.config.getoption("shard"))]
    # One that is named is run whether or not it is among them.
    named = {name for text in metafunc.config.args for name in NAMED.findall(text)}
    named -= {variant.id for variant in chosen}
    for name in sorted(named):
        with suppress(KeyError):  # pytest says that it finds no such test
            chosen.append(space.named(name))
    chosen.sort(key=scheduling.requirements)
    metafunc.parametrize("variant", chosen, ids=[variant.id for variant in chosen])


@cache
def covering(number: int) -> list[Variant]:
    """Choose the variants whose suites are run, once for all tests."""
    return default_set(variants(ROOT), number)


def wants_all(metafunc: pytest.Metafunc) -> bool:
    """Say whether all variants are asked for, or a test that is not left out goes through them."""
    every = metafunc.definition.get_closest_marker("exhaustive") is not None
    every = every and "not exhaustive" not in metafunc.config.getoption("markexpr")
    return every or bool(metafunc.config.getoption("--all"))


def test_suite(
    variant: Variant, suites: Suites, record_property: Callable[[str, object], None]
) -> None:
    run, result = suites.run(variant)

    record_property(PROPERTY, asdict(run))
    if run.problems:
        pytest.fail(explain(suites, run, result), pytrace=False)


@pytest.mark.exhaustive
def test_suite_covers_every_line_and_branch(
    variant: Variant, suites: Suites, record_property: Callable[[str, object], None]
) -> None:
    tree = suites.renderer.tree(variant.id)
    assert tree.pyproject["tool"]["coverage"]["run"]["branch"] is True
    assert tree.pyproject["tool"]["coverage"]["report"]["fail_under"] == 100

    run, result = suites.run(variant, "--cov")

    record_property(PROPERTY, asdict(run))
    if run.problems:
        pytest.fail(explain(suites, run, result), pytrace=False)
    assert result is None or "Required test coverage of 100.0% reached" in result.log, result.log
