"""A set of variants in which each pair of answers occurs, where the others are not run.

They run as a user runs them: in an interpreter that is started for them, and PostgreSQL too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import covertable
import pytest
from changes.updates import options

from matrix.environments import Environments
from matrix.plugin import CACHE, ROOT
from matrix.suites import Runner
from servicewright.variants import Variant, variants

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matrix.rendering import Renderer

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
THIS = f"{sys.version_info.major}.{sys.version_info.minor}"


def covering(template: Path) -> list[Variant]:
    """Choose variants in which each two answers to different questions meet."""
    chosen = covertable.make(options(template), strength=2)
    return [variant for variant in variants(template) if dict(variant.answers) in chosen]


@cache
def find_python(version: str) -> str | None:
    """Look for an interpreter of a version; uv, the search path and pyenv are asked for it."""
    if version == THIS:
        return sys.executable
    found = subprocess.run(
        ["uv", "python", "find", "--no-project", version],
        capture_output=True,
        text=True,
        check=False,
    )
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [
        found.stdout.strip(),
        shutil.which(f"python{version}"),
        *(str(path) for path in sorted(pyenv.glob(f"{version}.*/bin/python"))),
    ]
    program = "import sys; print('{0}.{1}'.format(*sys.version_info))"
    for candidate in filter(None, candidates):
        told = subprocess.run(
            [candidate, "-c", program], capture_output=True, text=True, check=False
        )
        if told.stdout.strip() == version:
            return candidate
    return None


@pytest.fixture(scope="module")
def fresh_runner(scratch: Path) -> Iterator[Runner]:
    """What runs suites as a user does."""
    with Runner(scratch / "fresh", fresh=True) as runner:
        yield runner


def test_each_two_answers_meet() -> None:
    chosen = covering(ROOT)
    met = {
        frozenset([(one, v.answers[one]), (other, v.answers[other])])
        for v in chosen
        for one in v.answers
        for other in v.answers
    }

    every = variants(ROOT)
    assert len(chosen) <= 12
    for v in every:
        for one in v.answers:
            for other in v.answers:
                assert frozenset([(one, v.answers[one]), (other, v.answers[other])]) in met


@pytest.mark.thorough
@pytest.mark.parametrize("variant", covering(ROOT), ids=lambda variant: variant.id)
@pytest.mark.parametrize(
    ("python", "resolution"),
    [*((python, "highest") for python in PYTHONS), (THIS, "lowest-direct")],
    ids=[*PYTHONS, "lowest"],
)
def test_suite(
    renderer: Renderer, fresh_runner: Runner, variant: Variant, python: str, resolution: str
) -> None:
    interpreter = find_python(python)
    if interpreter is None:
        pytest.skip(f"CPython {python} is not on this machine.")
    tree = renderer.tree(variant.id)
    environments = Environments(CACHE / "environments", interpreter, resolution)

    result = fresh_runner.run(tree.path, environments.get(tree.requirements), timeout=300)

    if result.problems:
        pytest.fail("\n".join([*result.problems, result.log]), pytrace=False)
