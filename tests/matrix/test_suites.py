"""The variants' own suites pass in environments with exactly what the variants declare.

A default run takes a covering set of them (see covering.py), ``-m exhaustive`` takes all.
"""

from __future__ import annotations

import resource
import shutil
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import pytest
import scheduling

from matrix.covering import default_set
from matrix.plugin import CACHE, ROOT
from matrix.reading import Passes, circumstances
from matrix.report import PROPERTY, Run
from servicewright.variants import Variant, fair, variants

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from matrix.environments import Environments
    from matrix.postgresql import PostgreSQL
    from matrix.rendering import Renderer, Tree
    from matrix.suites import Result, Runner


TEST = "tests/matrix/test_suites.py::test_suite"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test for each variant of this shard: of the default set, or of all that there are."""
    every: Sequence[Variant] = variants(ROOT)
    if not wants_all(metafunc):
        every = default_set(variants(ROOT))
    chosen = [every[number] for number in fair(every, metafunc.config.getoption("shard"))]
    chosen.sort(key=scheduling.requirements)
    metafunc.parametrize("variant", chosen, ids=[variant.id for variant in chosen])


def wants_all(metafunc: pytest.Metafunc) -> bool:
    """Say whether a test is one that goes through every variant, and is not left out anyway."""
    every = metafunc.definition.get_closest_marker("exhaustive") is not None
    return every and "not exhaustive" not in metafunc.config.getoption("markexpr")


@dataclass(frozen=True)
class Suites:
    """Runs suites of variants, but those that have passed with the very same bytes."""

    renderer: Renderer
    environments: Environments
    runner: Runner
    postgresql: PostgreSQL
    passes: Passes
    run_name: str

    def run(self, variant: Variant, *arguments: str) -> tuple[Run, Result | None]:
        """Run the suite of a variant, or find that it has passed."""
        tree = self.renderer.tree(variant.id)
        before = children_cpu()
        environment = self.environments.get(tree.requirements)
        made = children_cpu() - before
        variables = self.postgresql.variables(tree.requirements, environment)
        where = circumstances(environment, variables, arguments)
        found, result = self.passes.find(tree, where), None
        if found is None:
            result = self.runner.run(
                tree.path, environment, variables=variables, arguments=arguments
            )
            if not result.problems:
                self.passes.add(tree, where, result.reads, result.tests)
        about = Run(
            id=variant.id,
            answers=dict(variant.answers),
            same_as=found.variant if found else None,
            tests=found.tests if found else result.tests if result else 0,
            problems=result.problems if result else [],
            seconds=result.seconds if result else 0.0,
            cpu={
                "render": self.renderer.cpu(variant.id),
                "environment": made,
                "suite": result.cpu if result else 0.0,
            },
            earlier=found is not None and found.run != self.run_name,
        )
        return about, result


@pytest.fixture(scope="session")
def suites(  # noqa: PLR0913, PLR0917 - each is a fixture
    renderer: Renderer,
    environments: Environments,
    runner: Runner,
    postgresql: PostgreSQL,
    passes: Passes,
    scratch: Path,
) -> Suites:
    """What runs the suites of this process."""
    return Suites(renderer, environments, runner, postgresql, passes, scratch.name)


def test_suite(
    variant: Variant, suites: Suites, record_property: Callable[[str, object], None]
) -> None:
    run, result = suites.run(variant)

    record_property(PROPERTY, asdict(run))
    if run.problems:
        pytest.fail(explain(suites.renderer.tree(variant.id), run, result), pytrace=False)


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
        pytest.fail(explain(tree, run, result), pytrace=False)
    assert result is None or "Required test coverage of 100.0% reached" in result.log, result.log


def explain(tree: Tree, run: Run, result: Result | None) -> str:
    """Say what is wrong with a variant and how to look into it."""
    kept = CACHE / "failed" / tree.variant.id
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(tree.path, kept)
    answers = " ".join(
        f"--data {name}={str(value).lower() if isinstance(value, bool) else value}"
        for name, value in tree.variant.answers.items()
    )
    return "\n".join(
        [
            *run.problems,
            (result.log if result else "").rstrip(),
            "",
            f"Answers:   {answers}",
            f"Tree:      {kept}",
            f'Reproduce: uv run pytest "{TEST}[{tree.variant.id}]"',
        ]
    )


def children_cpu() -> float:
    """Give the seconds of processor time of the processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
