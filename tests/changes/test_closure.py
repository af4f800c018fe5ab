"""An updated project is, byte for byte, what a fresh copy with the new answers is."""

from __future__ import annotations

import itertools
import warnings
from typing import TYPE_CHECKING, Any

import copier
import pytest
import yaml
from repositories import commit, git

from conftest import ROOT
from servicewright import questions
from servicewright.variants import shard, variants

from .updates import (
    Projects,
    Step,
    asked,
    contents,
    covering,
    everything,
    meeting,
    options,
    some,
    steps,
    update,
    without_migrations,
)

if TYPE_CHECKING:
    from servicewright.questions import Answer

SINGLE, TRIPLES = 1, 3


def rows(strength: int | None) -> list[list[Step]]:
    """Group the changes that start from the same other answers: they share their renders."""
    grouped: dict[Any, list[Step]] = {}
    found = steps(ROOT, strength)
    for step in some(found) if strength == SINGLE else found:
        grouped.setdefault((step.option, step.others), []).append(step)
    return list(grouped.values())


def name(row: list[Step]) -> str:
    """Name a group after its question and what the other answers are."""
    return "-".join([row[0].option, *(str(answer) for _, answer in row[0].others)])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test for each group of this shard."""
    if "row" in metafunc.fixturenames:
        strength = {
            "test_closure": SINGLE,
            "test_closure_over_triples": TRIPLES,
            "test_closure_over_everything": None,
        }[metafunc.function.__name__]
        if strength is None and "not exhaustive" in metafunc.config.getoption("markexpr"):
            # So many that it takes a minute to name them.
            metafunc.parametrize("row", [])
            return
        part = shard(rows(strength), metafunc.config.getoption("shard", "1/1"))
        metafunc.parametrize("row", part, ids=name)


def test_the_changes_are_all_there_are() -> None:
    known = options(ROOT)
    expected = {
        (option, before, after)
        for option, answers in known.items()
        for before, after in itertools.permutations(answers, 2)
    }
    for strength in (SINGLE, TRIPLES):
        found = steps(ROOT, strength)
        assert {(step.option, step.before, step.after) for step in found} == expected
        for option in known:
            covered: set[frozenset[tuple[str, Answer]]] = {
                frozenset(answers)
                for step in found
                if step.option == option
                for answers in itertools.combinations(step.others, strength)
            }
            expected_to_meet = meeting(variants(ROOT), option, strength)
            assert covered == {answers for answers, _ in expected_to_meet}
    by_default = some(steps(ROOT, SINGLE))
    assert {(step.option, step.before, step.after) for step in by_default} == expected


def test_the_changes_start_from_what_is_asked() -> None:
    every = questions.read(ROOT)
    answers = everything(ROOT)
    without = asked(every, {**answers, "background_tasks": "none"})

    assert without.keys() == answers.keys() - {"storage"}
    for step in steps(ROOT, SINGLE):
        assert asked(every, step.start) == step.start


def check(row: list[Step], projects: Projects) -> None:
    """Expect closure for all changes of a group."""
    for step in row:
        project = projects.copy(step.start)
        update(project, **{step.option: step.after})
        assert git(project, "ls-files", "--unmerged") == ""
        # Tables that a database has stay in its migrations.
        read = without_migrations if step.option == "auth" else contents
        found, expected = read(project), read(projects.fresh(step.end))
        wrong = [path for path in found.keys() | expected if found.get(path) != expected.get(path)]
        assert not wrong, f"{step.option} from {step.before} to {step.after}: {wrong}"


def test_closure(row: list[Step], projects: Projects) -> None:
    check(row, projects)


@pytest.mark.thorough
def test_closure_over_triples(row: list[Step], projects: Projects) -> None:
    check(row, projects)


@pytest.mark.exhaustive
def test_closure_over_everything(row: list[Step], projects: Projects) -> None:
    check(row, projects)


def test_what_is_kept_makes_no_difference(projects: Projects) -> None:
    start = everything(ROOT)
    cheap, whole = projects.copy(start), projects.copy(start)
    update(cheap, framework="fastapi", database="none")
    with warnings.catch_warnings(action="ignore"):
        copier.run_update(
            whole,
            data={"framework": "fastapi", "database": "none"},
            vcs_ref=copier.VcsRef.CURRENT,
            defaults=True,
            overwrite=True,
            unsafe=True,
            quiet=True,
        )
    assert contents(cheap) == contents(whole)


@pytest.mark.parametrize("option", options(ROOT))
def test_on_and_off_and_on_again(option: str, projects: Projects) -> None:
    # What is on has the most to lose.
    start = everything(ROOT)
    project = projects.copy(start)
    for answer in sorted(options(ROOT)[option], key=lambda answer: answer == start[option]):
        # What was not asked for a while is asked again.
        update(project, **asked(questions.read(ROOT), start | {option: answer}))
        commit(project)
    # Tables that went and came again did so in migrations.
    aside = ["src/orders/migrations/versions", ".copier-answers.yml"] if option == "auth" else []
    assert without_migrations(project) == without_migrations(projects.fresh(start))
    assert git(project, "diff", "HEAD~1", "--stat") != ""
    first = git(project, "rev-list", "--max-parents=0", "HEAD")
    without = [f":(exclude){path}" for path in aside]
    assert git(project, "diff", "--stat", first, "--", ".", *without) == ""


@pytest.mark.parametrize("kept", [[], ["order(total: money, note: text?)"]], ids=["none", "orders"])
@pytest.mark.parametrize(
    "others",
    covering(options(ROOT), SINGLE),
    ids=lambda others: "-".join(str(answer) for _, answer in others),
)
def test_other_resources_and_back(
    kept: list[str], others: tuple[tuple[str, Answer], ...], projects: Projects
) -> None:
    start: dict[str, Any] = dict(others)
    changed: dict[str, Any] = start | {"resources": kept}
    default = yaml.safe_load((ROOT / "copier.yml").read_text())["resources"]["default"]
    project = projects.copy(start)

    update(project, resources=kept)
    commit(project)
    other = without_migrations(project)
    update(project, resources=default)
    commit(project)

    assert other == without_migrations(projects.fresh(changed))
    assert without_migrations(project) == without_migrations(projects.fresh(start))
    assert not (projects.fresh(changed) / "tests/test_items.py").exists()


def test_resources_move_to_the_other_framework_and_back(projects: Projects) -> None:
    answers: dict[str, Any] = everything(ROOT)
    answers["resources"] = [
        "person/people(name: text searched)",
        "order(total: money, at: datetime?)",
    ]
    project = projects.copy(answers | {"framework": "flask"})

    update(project, framework="fastapi")
    commit(project)
    moved = contents(project)
    update(project, framework="flask")
    commit(project)

    assert moved == contents(projects.fresh(answers | {"framework": "fastapi"}))
    assert (project / "src/orders/people.py").is_file()
    assert git(project, "diff", "HEAD~1", "--stat") != ""
    assert git(project, "diff", "HEAD~2", "--stat") == ""
