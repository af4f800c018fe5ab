"""What is remembered of migrations, and what follows from other resources."""

from __future__ import annotations

from typing import TYPE_CHECKING

import copier
import pytest
from migrating import History, Own, Step, migrated_problem, tables_of
from resources import read, read_text
from service import FEATURES

if TYPE_CHECKING:
    from pathlib import Path

# The tables of features, as their folders say.
OWN = {each.name: Own.of(each.about["tables"]) for each in FEATURES if "tables" in each.about}


def history(*answers: list[str], remembered: list[str] | None = None) -> History:
    """Answer with one list of resources after the other."""
    found = History(remembered or [], read_text)
    for answer in answers:
        found.go_on_to(tables_of(read(answer)))
    return found


def moves(found: History) -> list[tuple[str, str, str, str]]:
    """Give what migrations do, what they are called and which ones they follow."""
    return [(step.verb, step.table, step.revision, step.former) for step in found.steps]


def test_tables_come_change_and_go_in_an_order_that_references_allow() -> None:
    found = history(
        ["item(name: text)", "order(item: item)"],
        ["order(total: money, box: box?)", "box(size: integer)"],
        [],
    )

    assert moves(found) == [
        ("create", "items", "0001", ""),
        ("create", "orders", "0002", "0001"),
        ("create", "boxes", "0003", "0002"),
        ("change", "orders", "0004", "0003"),
        ("drop", "items", "0005", "0004"),
        ("drop", "orders", "0006", "0005"),
        ("drop", "boxes", "0007", "0006"),
    ]


def test_a_table_that_refers_to_itself_comes_changes_and_goes() -> None:
    found = history(
        ["order(a: text, next: order?)", "box(holds: order, within: box?)"],
        ["order(a: text, next: order? unique)", "box(holds: order, within: box?)"],
        [],
    )

    assert [(step.verb, step.table) for step in found.steps] == [
        ("create", "orders"),
        ("create", "boxes"),
        ("change", "orders"),
        ("drop", "boxes"),
        ("drop", "orders"),
    ]
    assert history(remembered=found.remembered).steps == found.steps


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("order(a: text, b: text)", "order(b: text, a: text)"),
        ("order(a: text(20))", 'order(a: text(20) searched like "Ada")'),
        ("order(a: integer = 1)", "order(a: integer = 2)"),
        ("order(a: list(10))", "order(a: list(20) write-only)"),
        ("order(a: text unique)", "order(a: text unique indexed)"),
    ],
)
def test_what_is_not_of_the_table_needs_no_migration(before: str, after: str) -> None:
    assert len(history([before], [after]).steps) == 1


def test_what_was_made_is_read_as_it_was_remembered() -> None:
    answers = [
        ['item(name: text(20) = "a \\"b\\" ü \\\\", day: date = 2026-01-31, many: number = -2.5)'],
        [
            "item(name: text(20) unique, at: datetime = 2026-01-31T10:00:00+02:00)",
            "order(item: item?, key: uuid = new, state: choice(x, y) = x, b: yes_no = no)",
        ],
        ['order(item: item unique, n: money = 9.90, l: list = "oak")', "item(a: long_text?)"],
    ]

    found = history(*answers)
    again = history(remembered=found.remembered)

    assert again.steps == found.steps
    assert again.remembered == found.remembered
    assert found.remembered[-1] == 'orders(item: items unique, n: money = 9.90, l: list = "oak")'


def test_a_migration_follows_the_owners_own() -> None:
    first = history(["item(name: text)"]).remembered

    second = history(["item(name: text?)"], remembered=[*first, "as 0003 after 0002"])
    third = history([], remembered=second.remembered)

    assert second.remembered[-1] == "items(name: text(200)?) as 0003 after 0002"
    assert moves(third) == [
        ("create", "items", "0001", ""),
        ("change", "items", "0003", "0002"),
        ("drop", "items", "0004", "0003"),
    ]
    # Where it would follow that one anyway, nothing is to be remembered.
    plain = history(["item(name: text?)"], remembered=[*first, "as 0002 after 0001"])
    assert plain.remembered[-1] == "items(name: text(200)?)"
    # A place that nothing takes is forgotten.
    assert (
        history(["item(name: text)"], remembered=[*first, "as 0003 after 0002"]).remembered == first
    )


def said(before: str, after: str) -> list[str]:
    """Give what the docstring of a migration says."""
    return [line for line in history([before], [after]).steps[-1].told if line]


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        (
            "order(a: text)",
            "order(a: text, b: text)",
            ["Filled in:", "- orders.b: nothing, which is an empty text"],
        ),
        ("order(a: text)", "order(a: text, b: integer = 7)", ["Filled in:", "- orders.b: 7"]),
        ("order(a: text)", "order(a: text, b: integer?)", []),
        (
            "order(a: text)",
            "order(a: text, b: date unique)",
            ["Filled in:", "- orders.b: a new one each"],
        ),
        ("order(a: text, b: text)", "order(a: text)", ["Lost:", "- orders.b, with what is in it"]),
        (
            "order(a: text?)",
            "order(a: text)",
            ["Filled in:", "- orders.a: nothing, which is an empty text"],
        ),
        (
            "order(a: text(20))",
            "order(a: text(10))",
            ["Lost:", "- orders.a: what is longer than 10 characters is cut"],
        ),
        ("order(a: text(20))", "order(a: long_text)", []),
        ("order(a: integer)", "order(a: number)", []),
        (
            "order(a: text)",
            "order(a: text unique)",
            ["Needed:", "- orders.a is unique: no two rows may have the same"],
        ),
        ("order(a: choice(x, y))", "order(a: choice(x, y, z))", []),
        (
            "order(a: choice(x, y))",
            "order(a: choice(x, z) = z)",
            ["Lost:", "- orders.a: what is none of its choices becomes z"],
        ),
        (
            "order(a: text)",
            "order(a: integer)",
            ["Lost:", "- orders.a, with what is in it", "Filled in:", "- orders.a: 0"],
        ),
    ],
)
def test_a_migration_says_what_becomes_of_rows(before: str, after: str, lines: list[str]) -> None:
    assert said(before, after) == lines


def test_a_migration_says_what_must_be_so() -> None:
    found = history(
        ["item(name: text)", "order(total: money)"],
        ["item(name: text)", "order(total: money, item: item)"],
    )

    assert found.steps[-1].told[-1] == (
        "- orders.item is required, and nothing says to what rows refer"
    )
    assert history(["item(name: text)"], []).steps[-1].told[-1] == "- items, with all rows"


def create(found: History) -> list[str]:
    """Give the lines of what creates the last table."""
    step: Step = found.steps[-1]
    return step.upgrade


def test_a_constraint_whose_name_is_too_long_for_postgresql_is_shortened() -> None:
    short = create(history(["author(a: text)", f"book(author: author, {'f' * 30}: author)"]))
    long = create(history([f"{'a' * 21}(a: text)", f"{'b' * 21}({'f' * 30}: {'a' * 21})"]))

    assert [line.partition("name=")[2] for line in short if "ForeignKey" in line] == [
        '"fk_books_author_authors"),',
        f'"fk_books_{"f" * 30}_authors"),',
    ]
    name = f"fk_{'b' * 21}s_{'f' * 30}_{'a' * 21}s"
    assert [line for line in long if f'name=op.f("{name}")' in line]


def test_what_is_remembered_is_not_for_others_to_write() -> None:
    assert migrated_problem(["items(name: text(200))", "items() after x"], read_text) == ""
    for wrong in (["items"], [1], "items", ["items(name)"]):
        assert "which the template itself writes down" in migrated_problem(wrong, read_text)


def test_tables_of_a_feature_come_and_go_behind_the_others() -> None:
    found = History([], read_text, OWN)
    found.go_on_to({}, ["jwt"])
    assert [(step.revision, step.verb, step.table) for step in found.steps] == [
        ("0001", "create", "users")
    ]
    assert found.steps[0].docstring == "Create the tables of users and their logins."

    again = History([*found.remembered, "as 0003 after abc"], read_text, OWN)
    again.go_on_to(tables_of(read(["box(size: integer)"])), [])

    assert again.remembered == [
        "jwt: comes",
        "boxes(size: integer) as 0003 after abc",
        "jwt: goes",
    ]
    create, box, drop = again.steps
    assert (box.former, drop.revision, drop.former) == ("abc", "0004", "0003")
    assert [line for line in drop.told if line] == ["Lost:", "- users and their logins"]
    assert (drop.upgrade, drop.downgrade) == (create.downgrade, create.upgrade)
    assert drop.upgrade[-1] == 'op.drop_table("users")'


def test_a_feature_without_tables_is_refused() -> None:
    assert migrated_problem(["cors: comes"], read_text, OWN) != ""
    assert migrated_problem(["jwt: comes"], read_text, OWN) == ""


@pytest.mark.parametrize("given", [{}, {"database": "postgresql"}], ids=["sqlite", "postgresql"])
def test_a_database_is_told_what_it_alone_knows_of_a_feature(
    given: dict[str, str], template: Path, tmp_path: Path
) -> None:
    # By Copier itself, which asks for one answer after the other: SQLite is the default.
    copier.run_copy(
        str(template),
        tmp_path,
        data={"auth": "jwt", "package_name": "orders", **given},
        defaults=True,
        unsafe=True,
        quiet=True,
    )

    (migration,) = (tmp_path / "src/orders/migrations/versions").glob("*_create_users.py")
    assert ("sqlite_autoincrement" in migration.read_text()) == (not given)
