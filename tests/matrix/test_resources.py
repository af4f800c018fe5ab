"""A service without resources, or with others, works as one with the items does.

Variants do not differ in resources, which are data. Here are those in which any two answers meet,
without resources, and random ones with resources at random: a few by default, 200 with
``-m thorough``. A failure names the number of what it was, and the least resources that fail.
"""

from __future__ import annotations

import random
import re
from itertools import count
from typing import TYPE_CHECKING

import pytest
import scheduling
import service
from resources import KINDS, MARKS, REFERENCE, auth_problem, read, tasks_problem, telemetry_problem
from writing import SHIELD

from matrix import static
from matrix.covering import small_set
from matrix.plugin import CACHE, ROOT, shared_template
from matrix.rendering import PACKAGE, Renderer, Tree
from matrix.running import Suites, explain
from matrix.specifications import smallest, specification
from matrix.test_static import OF_THE_FRAMEWORK, nothing_in
from servicewright.variants import variants

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from matrix.environments import Environments
    from matrix.postgresql import PostgreSQL
    from matrix.reading import Passes
    from matrix.suites import Runner
    from servicewright.variants import Variant

FRAMEWORKS = ("fastapi", "flask")
CHOSEN = sorted(small_set(variants(ROOT), 2), key=scheduling.requirements)

# Words of others that look like those of items.
FOREIGN = re.compile(
    r"ReadWriteMany|\.items\(|align-items|(?:set|del|pop)item|render_item|item_type|list-item"
    r"|\"items\": shirt"
    # A parameter that Alembic's hook is given.
    r"|\bitem: object|\((?:item)\b"
)


@pytest.fixture(scope="session")
def bare(scratch: Path) -> Renderer:
    """What renders the variants without resources."""
    return Renderer(shared_template(scratch), scratch / "bare", {"resources": []})


@pytest.fixture(scope="session")
def trees(bare: Renderer) -> list[Tree]:
    """The chosen variants, and their twins of the other framework."""
    names = {variant.id for variant in CHOSEN}
    twins = {re.sub("^flask|^fastapi", other_framework, name) for name in names}
    return [bare.tree(name) for name in sorted(names | twins)]


def other_framework(found: re.Match[str]) -> str:
    return {"flask": "fastapi", "fastapi": "flask"}[found[0]]


def words_of_items(trees: Iterable[Tree]) -> list[str]:
    """List the places that name items."""
    return [
        f"{tree.variant.id}: {path}: {line.strip()}"
        for tree in trees
        for path, content in tree.files.items()
        if path != ".copier-answers.yml"
        for line in [path, *content.decode().splitlines()]
        if re.search("item", FOREIGN.sub("", line), re.IGNORECASE)
    ]


def test_no_word_of_items_is_left(trees: list[Tree]) -> None:
    assert len(CHOSEN) < 40
    nothing_in(words_of_items(trees))


def test_words_of_items_are_found(renderer: Renderer) -> None:
    found = words_of_items([renderer.tree(CHOSEN[0].id)])

    assert any(f"src/{PACKAGE}/items.py" in finding for finding in found)
    assert any("README.md: | `POST /items`" in finding for finding in found)


def test_lint(trees: list[Tree]) -> None:
    nothing_in(static.lint(trees, "check", "--output-format=concise"))
    nothing_in(static.lint(trees, "format", "--check"))


def test_files_are_well_formed(trees: list[Tree]) -> None:
    nothing_in(static.each_file_once(trees, static.syntax))
    nothing_in(static.each_file_once(trees, static.layout))
    nothing_in(static.empty_directories(trees))
    nothing_in(static.wrong_variables(trees))
    nothing_in(static.differences_between_frameworks(trees, OF_THE_FRAMEWORK))


def test_types_and_dependencies(
    trees: list[Tree], environments: Environments, tmp_path: Path
) -> None:
    everything = environments.get(sorted({need for tree in trees for need in tree.requirements}))

    nothing_in(static.wrong_dependencies(trees, static.installed_with(everything)))
    chosen = static.covering(trees)
    nothing_in(static.wrong_types(chosen, everything, tmp_path, CACHE / "mypy"))


def test_features_are_on_or_off(trees: list[Tree]) -> None:
    for tree in trees:
        on = service.features({**tree.variant.answers, "resources": []})
        assert on["without_resources"]
        assert not on["resources"]
        assert not on["items_page"]
        assert ("src/orders/routes/pages.py" in tree.files) == bool(on["pages"] and on["modular"])


@pytest.mark.parametrize(
    "variant",
    [
        pytest.param(variant, id=variant.id, marks=pytest.mark.thorough if number % 9 else ())
        for number, variant in enumerate(CHOSEN)
    ],
)
def test_suite_covers_every_line_and_branch(  # noqa: PLR0913, PLR0917 - each is a fixture
    variant: Variant,
    environments: Environments,
    runner: Runner,
    postgresql: PostgreSQL,
    passes: Passes,
    scratch: Path,
) -> None:
    # What a suite leaves in its project is nothing to read.
    own = Renderer(shared_template(scratch), scratch / "bare-run", {"resources": []})
    suites = Suites(own, environments, runner, postgresql, passes, scratch.name, CACHE / "failed")

    covers_all(suites, variant)


def covers_all(suites: Suites, variant: Variant) -> None:
    """Expect that the suite of a variant passes, and reaches every line and branch."""
    run, result = suites.run(variant, "--cov")

    if run.problems:
        pytest.fail(explain(suites, run, result), pytrace=False)
    assert result is None or "Required test coverage of 100.0% reached" in result.log, result.log


# Resources at random

# How many are rendered, and the suites of how many of them are run, by default and thoroughly.
RENDERED, RUN, RUN_THOROUGHLY = 40, 2, 200


def variant_for(seed: int) -> Variant:
    """Choose a variant for resources at random, which may have names that some services need."""
    chance = random.Random(seed)  # noqa: S311
    resources = specification(seed)
    while True:
        variant = chance.choice(variants(ROOT))
        answers = variant.answers
        if not (
            auth_problem(str(answers["auth"]), resources)
            or telemetry_problem(answers["telemetry"], resources)
            or tasks_problem(str(answers["background_tasks"]), resources)
        ):
            return variant


def with_resources(seed: int, scratch: Path) -> Renderer:
    """Give what renders variants with resources at random."""
    resources = {"resources": specification(seed)}
    return Renderer(shared_template(scratch), scratch / f"read-{seed}", resources)


def test_specifications_are_of_all_kinds() -> None:
    found = [resource for seed in range(RENDERED) for resource in read(specification(seed))]
    fields = [field for resource in found for field in resource.fields]

    assert {field.kind for field in fields} == {*KINDS, REFERENCE}
    assert frozenset(MARKS) == frozenset().union(*(field.marks for field in fields))
    assert {field.optional for field in fields} == {False, True}
    assert specification(1) == specification(1) != specification(2)


def test_random_resources_are_linted(scratch: Path) -> None:
    trees = [with_resources(seed, scratch).tree(variant_for(seed).id) for seed in range(RENDERED)]

    for tree in trees:
        nothing_in(static.lint([tree], "check", "--output-format=concise"))
        nothing_in(static.lint([tree], "format", "--check"))
        nothing_in(static.each_file_once([tree], static.syntax))
        nothing_in(static.each_file_once([tree], static.layout))
        assert not [path for path, content in tree.files.items() if SHIELD.encode() in content]


def test_frameworks_share_random_resources(scratch: Path) -> None:
    for seed in range(0, RENDERED, 6):
        renderer, name = with_resources(seed, scratch), variant_for(seed).id
        trees = [renderer.tree(re.sub("^flask|^fastapi", each, name)) for each in FRAMEWORKS]
        plurals = [resource.plural for resource in read(specification(seed))]
        different = [f"src/{PACKAGE}/routes/{plural}.py" for plural in plurals]

        nothing_in(static.differences_between_frameworks(trees, [*OF_THE_FRAMEWORK, *different]))
        for plural in plurals:
            assert f"src/{PACKAGE}/{plural}.py" in trees[0].files
            assert f"tests/test_{plural}.py" in trees[1].files


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(seed, marks=pytest.mark.thorough if seed >= RUN else ())
        for seed in range(RUN_THOROUGHLY)
    ],
)
def test_suite_with_random_resources(  # noqa: PLR0913, PLR0917 - each is a fixture
    seed: int,
    environments: Environments,
    runner: Runner,
    postgresql: PostgreSQL,
    passes: Passes,
    scratch: Path,
    tmp_path: Path,
) -> None:
    variant, places = variant_for(seed), count()

    def problem(resources: list[str]) -> str:
        # What a suite leaves in its project is nothing to read, and nothing for the next.
        own = Renderer(
            shared_template(scratch),
            scratch / f"run-{seed}-{next(places)}",
            {"resources": resources},
        )
        # Each comes with about a hundred tests.
        limit = 120 + 60 * len(resources)
        place = CACHE / "failed"
        suites = Suites(own, environments, runner, postgresql, passes, scratch.name, place, limit)
        run, result = suites.run(variant, "--cov")
        if run.problems:
            return explain(suites, run, result)
        if result is not None and "Required test coverage of 100.0% reached" not in result.log:
            return result.log
        tree = own.tree(variant.id)
        environment = environments.get(tree.requirements)
        chosen = static.covering([tree])
        return "\n".join(static.wrong_types(chosen, environment, tmp_path, CACHE / "mypy"))

    expect_none(problem, specification(seed))


def expect_none(problem: Callable[[list[str]], str], resources: list[str]) -> None:
    """Expect no problem, and tell one with the least resources that have it."""
    if not problem(resources):
        return
    least = smallest(resources, lambda less: bool(problem(less)))
    lines = [problem(least), "", "The least resources that fail:", *least]
    pytest.fail("\n".join(lines), pytrace=False)


def test_resources_that_fail_become_few() -> None:
    def problem(resources: list[str]) -> str:
        fields = [field for resource in read(resources) for field in resource.fields]
        kinds = {field.kind for field in fields if "indexed" in field.marks}
        return "too many indexes" if {"money", "date"} & kinds else ""

    failing = [seed for seed in range(RENDERED) if problem(specification(seed))]
    assert failing
    for seed in failing:
        with pytest.raises(pytest.fail.Exception) as caught:
            expect_none(problem, specification(seed))

        assert re.fullmatch(
            r"too many indexes\n\nThe least resources that fail:\n"
            r"[\w/]+\(\w+: (money|date) indexed\)",
            str(caught.value),
        ), caught.value
    expect_none(problem, ["order(total: money)"])
