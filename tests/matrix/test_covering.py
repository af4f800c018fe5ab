"""A set of variants in which each pair of answers occurs, where the others are not run.

They run as a user runs them: in an interpreter that is started for them, and PostgreSQL too.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from matrix.covering import SUITES, combinations, default_set, missing, small_set
from matrix.environments import Environments
from matrix.plugin import CACHE, ROOT
from matrix.suites import Runner
from servicewright.variants import Space, Variant, variants

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from matrix.rendering import Renderer
    from servicewright.questions import Answer

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
THIS = f"{sys.version_info.major}.{sys.version_info.minor}"


def covering(template: Path) -> list[Variant]:
    """Choose variants in which each two answers to different questions meet."""
    return small_set(variants(template), 2)


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


# Questions of which one is not always asked.
FEW = """
framework: {choices: [flask, fastapi], default: flask}
database: {choices: [none, sqlite, postgresql], default: none}
admin: {type: bool, default: false, when: "{{ database != 'none' }}"}
cors: {type: bool, default: false}
"""


@pytest.fixture
def few(tmp_path: Path) -> Space:
    """A space of some variants."""
    (tmp_path / "copier.yml").write_text(FEW)
    return variants(tmp_path)


def meetings(some: Iterable[Variant], strength: int) -> set[frozenset[tuple[str, Answer]]]:
    """List the answers that meet, so many at a time."""
    return {
        frozenset(answers)
        for variant in some
        for answers in itertools.combinations(variant.answers.items(), strength)
    }


def test_each_two_answers_meet() -> None:
    every = variants(ROOT)
    chosen = covering(ROOT)

    # Four answers to one question and three to another alone are twelve pairs.
    assert len(chosen) <= 24
    assert meetings(chosen, 2) == meetings(every, 2)


def test_each_two_answers_meet_that_can(few: Space) -> None:
    chosen = small_set(few, 2)

    assert len(chosen) < len(few)
    assert meetings(chosen, 2) == meetings(few, 2)


def test_the_default_run_takes_all_variants_while_there_are_few(few: Space) -> None:
    names = {variant.id for variant in default_set(few)}

    assert len(names) == len(few) == 20
    assert names == {variant.id for variant in few}


def test_any_few_answers_meet_in_the_default_run() -> None:
    every = variants(ROOT)
    chosen = default_set(every)

    assert len({variant.id for variant in chosen}) == len(chosen) == min(SUITES, len(every))
    assert meetings(chosen, 3) == meetings(every, 3)
    assert chosen == default_set(variants(ROOT))
    # One more, and there would be more of them.
    met = next(number for number in (3, 4, 5, 6) if missing(every, chosen, number + 1))
    assert len(small_set(every, met)) <= SUITES < len(small_set(every, met + 1))


def test_the_default_run_does_not_grow() -> None:
    larger = variants(ROOT)
    chosen = default_set(larger)

    assert len(larger) > 10_000
    assert len({variant.id for variant in chosen}) == len(chosen) == SUITES
    assert missing(larger, chosen, 3) == []
    # Of the answers to one question more most meet, but there is no time for all.
    some = list(random.Random(0).sample(list(combinations(larger, 4)), 1000))  # noqa: S311
    possible = [answers for answers in some if larger.first(dict(answers))]
    met = [
        answers
        for answers in possible
        if any(set(answers) <= variant.answers.items() for variant in chosen)
    ]
    assert 0.85 * len(possible) < len(met) < len(possible)


def test_many_questions_are_no_work(tmp_path: Path) -> None:
    more = "".join(f"dummy_{number}: {{type: bool, default: false}}\n" for number in range(20))
    (tmp_path / "copier.yml").write_text((ROOT / "copier.yml").read_text() + more)
    every = variants(tmp_path)
    started = time.process_time()

    assert len(default_set(every)) == SUITES
    assert time.process_time() - started < 20


def test_what_a_sample_lacks_is_added(few: Space) -> None:
    chosen = list(few)[:5]
    added = missing(few, chosen, 2)

    assert meetings(chosen, 2) < meetings(few, 2)
    assert meetings([*chosen, *added], 2) == meetings(few, 2)


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
