"""Every variant's own suite passes in an environment with exactly what the variant declares."""

from __future__ import annotations

import json
import resource
import shutil
from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest
import scheduling

from matrix.plugin import CACHE, ROOT
from matrix.report import PROPERTY, Run
from servicewright.variants import Variant, shard, variants

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from matrix.environments import Environments
    from matrix.postgresql import PostgreSQL
    from matrix.rendering import Renderer, Tree
    from matrix.suites import Result, Runner


TEST = "tests/matrix/test_suites.py::test_suite"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test for each variant of this shard."""
    part = shard(variants(ROOT), metafunc.config.getoption("shard"))
    part.sort(key=scheduling.requirements)
    metafunc.parametrize("variant", part, ids=[variant.id for variant in part])


def test_suite(  # noqa: PLR0913, PLR0917 - each is a fixture
    variant: Variant,
    renderer: Renderer,
    environments: Environments,
    runner: Runner,
    postgresql: PostgreSQL,
    scratch: Path,
    record_property: Callable[[str, object], None],
) -> None:
    tree = renderer.tree(variant.id)
    before = children_cpu()
    environment = environments.get(tree.requirements)
    made = children_cpu() - before

    # Suites that see the same files have the same outcome.
    seen = scratch / "outcomes" / tree.fingerprint
    seen.parent.mkdir(exist_ok=True)
    same_as, result = None, None
    if seen.exists():
        same_as, problems, tests = json.loads(seen.read_text())
    else:
        variables = postgresql.variables(tree.requirements, environment)
        result = runner.run(tree.path, environment, variables=variables)
        problems, tests = result.problems, result.tests
        draft = seen.with_suffix(f".{variant.id}")
        draft.write_text(json.dumps([variant.id, problems, tests]))
        draft.rename(seen)
    run = Run(
        id=variant.id,
        answers=dict(variant.answers),
        same_as=same_as,
        tests=tests,
        problems=problems,
        seconds=result.seconds if result else 0.0,
        cpu={
            "render": renderer.cpu(variant.id),
            "environment": made,
            "suite": result.cpu if result else 0.0,
        },
    )
    record_property(PROPERTY, asdict(run))
    if problems:
        pytest.fail(explain(tree, problems, result, same_as), pytrace=False)


@pytest.mark.exhaustive
def test_suite_covers_every_line_and_branch(
    variant: Variant,
    renderer: Renderer,
    environments: Environments,
    runner: Runner,
    postgresql: PostgreSQL,
) -> None:
    tree = renderer.tree(variant.id)
    environment = environments.get(tree.requirements)
    assert tree.pyproject["tool"]["coverage"]["run"]["branch"] is True
    assert tree.pyproject["tool"]["coverage"]["report"]["fail_under"] == 100

    result = runner.run(
        tree.path,
        environment,
        variables=postgresql.variables(tree.requirements, environment),
        arguments=["--cov"],
    )

    assert "Required test coverage of 100.0% reached" in result.log, result.log
    assert result.problems == [], result.log


def explain(tree: Tree, problems: list[str], result: Result | None, same_as: str | None) -> str:
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
            *problems,
            f"Same files as {same_as}, which was run." if same_as else "",
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
