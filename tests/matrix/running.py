"""Runs the suites of variants, and says what is wrong with them."""

from __future__ import annotations

import resource
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matrix.reading import circumstances, today
from matrix.report import Run

if TYPE_CHECKING:
    from pathlib import Path

    from matrix.environments import Environments
    from matrix.postgresql import PostgreSQL
    from matrix.reading import Passes
    from matrix.rendering import Renderer
    from matrix.suites import Result, Runner
    from servicewright.variants import Variant

TEST = "tests/matrix/test_suites.py::test_suite"


@dataclass(frozen=True)
class Suites:
    """Runs suites of variants, but those that have passed with the very same bytes.

    Attributes:
        run_name: A name of this run of the tests that no other has.
        failed: Where the trees of variants that fail are kept.
        timeout: How many seconds a suite may take.
    """

    renderer: Renderer
    environments: Environments
    runner: Runner
    postgresql: PostgreSQL
    passes: Passes
    run_name: str
    failed: Path
    timeout: float = 120

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
                tree.path,
                environment,
                variables=variables,
                arguments=arguments,
                timeout=self.timeout,
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
            date=found.date if found else today(),
            earlier=found is not None and found.run != self.run_name,
        )
        return about, result


def explain(suites: Suites, run: Run, result: Result | None) -> str:
    """Say what is wrong with a variant and how to look into it."""
    tree = suites.renderer.tree(run.id)
    kept = suites.failed / run.id
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(tree.path, kept)
    answers = " ".join(
        f"--data {name}={str(value).lower() if isinstance(value, bool) else value}"
        for name, value in run.answers.items()
    )
    return "\n".join(
        [
            *run.problems,
            (result.log if result else "").rstrip(),
            "",
            f"Answers:   {answers}",
            f"Tree:      {kept}",
            f'Reproduce: uv run pytest "{TEST}[{run.id}]"',
        ]
    )


def children_cpu() -> float:
    """Give the seconds of processor time of the processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
