"""What a service keeps is added, removed and changed, with migrations and the user's edits kept."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from commands import refusal, remembered, run
from matrix.specifications import FIELDS, NAMES, kind, resource
from matrix.static import ruff
from repositories import commit, git

from conftest import ROOT
from servicewright import changes, migrations, resources
from servicewright.variants import variants

from . import edits
from .updates import Projects, cheap_updates, contents, update, without_migrations

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from servicewright.resources import Resource

ORDER = "order(customer: text(100), total: money, placed_at: datetime = now, item: item?)"
VERSIONS = "src/orders/migrations/versions"
ANSWERS: dict[str, Any] = {"framework": "fastapi", "database": "sqlite", "docker": False}


@pytest.fixture
def project(projects: Projects) -> Path:
    """Give a project that keeps items and orders."""
    path = projects.copy(ANSWERS)
    make(path, lambda known: resources.added(known, [ORDER]))
    return path


def make(project: Path, edit: Callable[[Sequence[Resource]], Sequence[Resource]]) -> changes.Change:
    """Change what a project keeps as the commands do, and commit that."""
    with cheap_updates():
        change = changes.prepare_resources(project, edit)
        change.make()
    assert not change.conflicts
    commit(project)
    return change


def versions(project: Path) -> list[str]:
    """List the migrations."""
    return sorted(path.name for path in (project / VERSIONS).glob("0*.py"))


# The command line


@pytest.mark.parametrize("example", [True, False])
def test_a_new_service_keeps_what_is_named(
    template_repository: Path, tmp_path: Path, *, example: bool
) -> None:
    specification = ORDER if example else ORDER.replace(", item: item?", "")
    without = [] if example else ["--no-example"]
    made = run(
        *("new", tmp_path / "shop", "--template", template_repository, "--defaults"),
        *("--resource", specification, "--resource", "box/crates(size: integer)", *without),
    )

    assert made.exit_code == 0, made.stderr
    kept = remembered(tmp_path / "shop")["resources"]
    assert isinstance(kept, list)
    assert kept[-2:] == [specification, "box/crates(size: integer)"]
    assert [one["name"] for one in kept[:-2]] == (["item"] if example else [])
    assert (tmp_path / "shop/src/shop/crates.py").exists()
    assert (tmp_path / "shop/src/shop/items.py").exists() == example


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--resource", "order(a: tet)"], "order.a: 'tet' is neither a type nor a resource"),
        (["--resource", "order(a: tet)"], "did you mean 'text'?\n"),
        (["--resource", "order"], "'order' is no resource: write NAME(FIELD: TYPE, ...)"),
        (["--resource", "order(total)"], "order: 'total' is no field: write NAME: TYPE"),
        (["--resource", "item(a: text)"], "item is there already"),
        (["--resource", "class(a: text)"], "class: Python has class itself"),
        (["--resource", "order(from: text)"], "order.from: Python has from itself"),
        (["--resource", "order(select: text)"], "order.select: select is a word of SQL"),
        (
            ["--resource", "box(crate: crate?)", "--resource", "crate(box: box?)"],
            "box, crate refer to each other in a circle",
        ),
        (
            ["--resource", "box(a: text)", "--resource", "crate/boxes(a: text)"],
            "called boxes of both",
        ),
        (["--set", "resources=[", "--resource", ORDER], "resources cannot be read"),
        (["--set", "resources=[]", "--no-example"], "leave out --no-example"),
    ],
)
def test_what_cannot_be_kept(
    template: Path, tmp_path: Path, arguments: list[str], said: str
) -> None:
    new = ["new", str(tmp_path / "shop"), "--template", str(template), "--defaults"]
    result = run(*new, *arguments)

    assert result.exit_code in {1, 2}
    assert said in refusal(result, result.exit_code)
    assert not (tmp_path / "shop").exists()


def test_other_templates_keep_nothing(small: Path, tmp_path: Path) -> None:
    result = run("new", tmp_path / "shop", "--template", small, "--resource", ORDER)

    assert "This template knows no resources" in refusal(result, 2)


def test_resources_come_change_and_go(project: Path) -> None:
    assert versions(project) == ["0001_create_items.py", "0002_create_orders.py"]
    before = contents(project)
    here = ("--project", project)

    dry = run("change", "order", "+note: text?", "--dry-run", *here)
    assert dry.exit_code == 0, dry.stderr
    assert f"{VERSIONS}/0003_change_orders.py" in dry.stdout
    assert contents(project) == before

    added = run("change", "orders", "+note: text", "+paid: yes_no?", "total: money?", *here)
    assert added.exit_code == 0, added.stderr
    told = "What rows get that are in a database:\n  orders.note: nothing, which is an empty text\n"
    assert told in added.stdout
    assert contents(project) != before
    commit(project)

    kept = run("change", "order", "-note", "customer: text(20)", *here)
    assert kept.exit_code == 1
    assert "orders.customer: what is longer than 20 characters is cut" in kept.stdout
    assert "orders.note, with what is in it" in kept.stdout
    assert kept.stderr == (
        "Error: Nothing was changed, because data would go: give --yes to let it go.\n"
    )
    gone = run("change", "order", "-note", "--yes", *here)
    assert gone.exit_code == 0, gone.stderr
    commit(project)
    assert run("add", "box(size: integer)", *here).exit_code == 0
    commit(project)
    assert run("remove", "orders", "items", "-y", *here).exit_code == 0

    assert remembered(project)["resources"] == ["box(size: integer)"]
    assert versions(project)[2:] == [
        "0003_change_orders.py",
        "0004_change_orders.py",
        "0005_create_boxes.py",
        "0006_drop_orders.py",
        "0007_drop_items.py",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add", "order(a: text)"], "order is there already: change it with `servicewright change"),
        (["add", "box(a: oder)"], "did you mean 'order'?"),
        (["add", "box"], "'box' is no resource"),
        (["remove", "item"], "item cannot go, because order.item refers to it"),
        (["remove", "ordr"], "There is no resource 'ordr': did you mean 'order'?"),
        (["remove", "x"], "There is no resource 'x': there are item, order."),
        (["change", "order"], "Nothing to change in order"),
        (["change", "order", "-totl"], "order has no field 'totl': did you mean 'total'?"),
        (["change", "order", "-xyz"], "order has no field 'xyz': its fields are customer, total"),
        (["change", "order", "xyz: text"], "write '+xyz: text' to add it."),
        (["change", "order", "+total: text"], "order.total is there already"),
        (["change", "order", "+total"], "'total' is no field: write NAME: TYPE"),
        (["change", "order", "total: mony"], "order.total: 'mony' is neither"),
    ],
)
def test_what_cannot_be_changed(projects: Projects, arguments: list[str], said: str) -> None:
    path = projects.fresh(ANSWERS | {"resources": ["item(name: text)", ORDER]})
    before = contents(path)

    with cheap_updates():
        result = run(*arguments, "--project", path)

    assert result.exit_code in {1, 2}
    assert said in refusal(result, result.exit_code)
    assert contents(path) == before


def test_projects_that_are_not_committed_are_refused(projects: Projects) -> None:
    path = projects.copy(ANSWERS)
    (path / "README.md").write_text("mine")

    assert "not committed" in refusal(run("add", "box(a: text)", "--project", path), 1)


# Migrations of the owner's


def test_a_migration_follows_the_owners_own(project: Path) -> None:
    own = edits.numbered(edits.MIGRATION, {"resources": ["item", "order"]})
    (project / VERSIONS / "0003_create_customers.py").write_text(own)
    commit(project)

    make(project, lambda known: resources.changed(known, "order", ["+note: text?"]))

    text = (project / VERSIONS / "0004_change_orders.py").read_text()
    assert 'down_revision = "0003"' in text
    assert str(remembered(project)["migrated"]).endswith(" as 0004 after 0003']")
    with cheap_updates():
        changes.prepare_answers(project, [("framework", "flask")]).make()
    assert (project / VERSIONS / "0004_change_orders.py").read_text() == text


def test_two_migrations_that_none_follows(project: Path) -> None:
    (project / VERSIONS / "0002_create_customers.py").write_text(
        edits.numbered(edits.MIGRATION, {"resources": ["item"]}).replace(
            'revision = "0002"', 'revision: str = "a1"', 1
        )
    )
    commit(project)

    # Not every change leaves one.
    other = run("set", project, "cors=true", "--dry-run")
    said = refusal(run("add", "box(a: text)", "--project", project), 1)

    assert other.exit_code == 0, other.stderr
    assert "no migration follows 0002 and a1" in said
    assert "alembic merge heads" in said


def test_a_migration_of_a_feature_follows_the_owners_own(project: Path) -> None:
    own = edits.numbered(edits.MIGRATION, {"resources": ["item", "order"]})
    (project / VERSIONS / "0003_create_customers.py").write_text(own)
    commit(project)

    with cheap_updates():
        changes.prepare_answers(project, [("auth", "jwt")]).make()

    text = (project / VERSIONS / "0004_create_users.py").read_text()
    assert 'down_revision = "0003"' in text


def test_migrations_are_read_as_they_are_written(tmp_path: Path) -> None:
    folder = tmp_path / "src/shop/migrations/versions"
    folder.mkdir(parents=True)
    assert migrations.place_of_next(tmp_path, []) == []
    (folder / "a.py").write_text('revision: str = "a"\ndown_revision: str | None = None\n')
    (folder / "b.py").write_text('revision = "b"\ndown_revision = ("a",)\n')
    (folder / "c.py").write_text('revision = "c"\ndown_revision = "a"\n')
    (folder / "0007_d.py").write_text('revision = "0007"\ndown_revision = ("b", "c")\n')
    (folder / "e.py").write_text("revision = (")
    (folder / "f.py").write_text("revision = name()\n")

    assert migrations.place_of_next(tmp_path, ["x"]) == ["as 0008 after 0007"]
    migrations.check_place_of_next(tmp_path)
    (folder / "g.py").write_text('revision = "g"\ndown_revision = "b"\n')
    assert migrations.place_of_next(tmp_path, ["x"]) == []


# Tables of the owner's

TABLE = f"{edits.MODEL}    labels: Mapped[list[str]] = mapped_column(JSON)\n"


def test_tables_of_the_owners_stay_behind_all_that_changes(project: Path) -> None:
    models = project / edits.MODELS
    models.write_text(models.read_text() + TABLE)
    commit(project)
    steps: list[Callable[[Sequence[Resource]], Sequence[Resource]]] = [
        lambda known: resources.added(known, ["box(size: integer, fee: money, holds: order?)"]),
        lambda known: resources.changed(known, "order", ["+note: text", "-item", "total: number"]),
        # JSON was imported for the items alone, and for the owner's table since.
        lambda known: resources.removed(known, ["item"]),
        lambda known: resources.changed(known, "box", ["-fee", "size: datetime", "-holds"]),
        lambda known: resources.removed(known, ["box"]),
        lambda known: resources.removed(known, ["order"]),
        lambda known: resources.added(known, ["box(size: integer)"]),
    ]
    for step in steps:
        make(project, step)

        assert models.read_text().endswith(TABLE)
        assert ruff("check", "--select", "F", models) == ""


# Any order


def other_resources(known: Sequence[Resource], chance: random.Random) -> list[Resource]:
    """Add, remove or change something."""
    move = chance.choice(["add", "remove", "change", "change"]) if known else "add"
    if move == "add":
        # Customers are what the owner keeps in a table of their own.
        names = ["guest" if name == "customer" else name for name in NAMES]
        free = [name for name in names if name not in {one.name for one in known}]
        targets = [one.name for one in known]
        return resources.added(known, [resource(chance.choice(free), targets, chance)])
    if move == "remove":
        free = [
            one.name
            for one in known
            if not any(
                field for other in known if other is not one for field in other.refers_to(one)
            )
        ]
        return resources.removed(known, [chance.choice(free)])
    one = chance.choice(known)
    fields = dict(one.fields)
    moves = [f"+{name}: {kind(chance)}" for name in FIELDS if name not in fields][:1]
    if len(fields) > 1:
        moves.append(f"-{chance.choice([*fields])}")
    own = [name for name in fields if f"-{name}" not in moves]
    moves.append(f"{chance.choice(own)}: {kind(chance)}")
    return resources.changed(known, one.name, moves)


@pytest.mark.parametrize(
    "seed",
    [pytest.param(seed, marks=pytest.mark.thorough if seed > 1 else ()) for seed in range(30)],
)
def test_changes_in_any_order_end_in_what_a_fresh_copy_gives(seed: int, projects: Projects) -> None:
    chance = random.Random(seed)  # noqa: S311
    answers: dict[str, Any] = dict(chance.choice(variants(ROOT)).answers)
    start = dict(answers)
    plain, edited = projects.copy(start), projects.copy(start)
    edits.edit(edited, start)
    commit(edited)
    for _ in range(4):
        known = resources.read(remembered(plain)["resources"])
        kept = other_resources(known, chance)
        answers["resources"] = [one.answer for one in kept]
        update(plain, resources=answers["resources"])
        commit(plain)
        make(edited, lambda _, kept=kept: kept)  # type: ignore[misc]

        assert without_migrations(plain) == without_migrations(projects.fresh(answers))
        assert edits.lost(edited, start, start) == []
    before = {name: text for name, text in contents(plain).items() if migrations.is_one(name)}
    other = {"flask": "fastapi", "fastapi": "flask"}[answers["framework"]]
    update(plain, framework=other)
    commit(plain)
    after = {name: text for name, text in contents(plain).items() if migrations.is_one(name)}
    assert after == before
    update(plain, framework=answers["framework"])
    git(plain, "add", "--all")
    assert git(plain, "diff", "--staged", "HEAD~1") == ""
