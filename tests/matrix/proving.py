"""All that is said to be proved of a variant: it is run by ``servicewright prove``.

A run of the tests does the same work, but what is alike in several variants is looked at once and
named after one of them. Here it is known of each.
"""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import scheduling

from matrix import static
from matrix.environments import installed
from matrix.plugin import CACHE, chosen
from matrix.reading import today
from matrix.recording import PROOF, TYPES
from matrix.report import PROPERTY
from matrix.running import explain
from servicewright.proofs import tree_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from matrix.environments import Environments
    from matrix.rendering import Renderer, Tree
    from matrix.running import Suites
    from servicewright.variants import Variant


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test for each variant that is to be proved."""
    if "variant" in metafunc.fixturenames:
        ordered = sorted(chosen(metafunc.config), key=scheduling.requirements)
        metafunc.parametrize("variant", ordered, ids=[variant.id for variant in ordered])


# First, because without it nothing is proved.
def test_types(
    renderer: Renderer,
    environments: Environments,
    pytestconfig: pytest.Config,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    trees = [renderer.tree(variant.id) for variant in chosen(pytestconfig)]
    wrong: dict[str, list[str]] = {}
    try:
        trees, everything = with_an_environment(trees, environments)
        if trees:
            some = static.covering(trees)
            findings = static.wrong_types(some, everything, tmp_path, CACHE / "mypy")
            wrong = static.affected(findings, trees) if findings else {}
    except OSError as error:
        wrong = {tree.variant.id: [f"Its types were not checked: {error}"] for tree in trees}

    record_property(TYPES, wrong)
    if wrong:
        lines = sorted({problem for problems in wrong.values() for problem in problems})
        pytest.fail("\n".join(lines[:20]), pytrace=False)


def with_an_environment(
    trees: Sequence[Tree], environments: Environments
) -> tuple[list[Tree], Path]:
    """Give an environment with all that projects declare, and the projects that can have it.

    Raises:
        EnvironmentError: There is none, although each of these projects can have one of its own.
    """
    able = list(trees)
    with suppress(OSError):
        return able, environments.get(needs(able))
    # A test of its own says of a project that it can have none.
    for tree in trees:
        try:
            environments.get(tree.requirements)
        except OSError:
            able.remove(tree)
    return able, environments.get(needs(able))


def needs(trees: Sequence[Tree]) -> list[str]:
    """List what any of some projects declares to need."""
    return sorted({need for tree in trees for need in tree.requirements})


def test_suite(
    variant: Variant, suites: Suites, record_property: Callable[[str, object], None]
) -> None:
    tree = suites.renderer.tree(variant.id)
    problems = static.lint([tree], "check", "--output-format=concise")
    problems += static.lint([tree], "format", "--check")
    about: dict[str, Any] = {
        "id": variant.id,
        "answers": dict(variant.answers),
        "tree": tree_hash(tree.files),
        "requirements": (),
        "tests": 0,
        "date": today(),
    }
    try:
        environment = suites.environments.get(tree.requirements)
    except OSError as error:
        problems.append(f"What it declares cannot be installed: {error}")
        record_property(PROOF, about | {"problems": problems})
        pytest.fail("\n".join(problems), pytrace=False)

    run, result = suites.run(variant)
    run = dataclasses.replace(run, problems=[*problems, *run.problems])

    record_property(PROPERTY, dataclasses.asdict(run))
    about |= {"requirements": installed(environment), "tests": run.tests, "date": run.date}
    record_property(PROOF, about | {"problems": run.problems})
    if run.problems:
        pytest.fail(explain(suites, run, result), pytrace=False)
