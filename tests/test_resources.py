"""The answer to the question ``resources``: what can be said, and what is wrong with the rest."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
import resources
import yaml
from hypothesis import given
from hypothesis import strategies as st
from resources import Field, Resource, read, resources_problem

from servicewright import resources as commands

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ITEM = {"name": "item", "fields": [{"name": "text(100)"}]}


def test_the_default_is_the_items(template: Path) -> None:
    question = yaml.safe_load((template / "copier.yml").read_text())["resources"]

    assert read(question["default"]) == [resources.ITEM]
    assert resources_problem(question["default"]) == ""
    assert resources_problem([]) == ""


def test_a_resource_on_one_line_or_as_data() -> None:
    text = "order(customer: text(100), total: money, placed_at: datetime = now, item: item?)"
    data = {
        "name": "order",
        "fields": [
            {"customer": "text(100)"},
            {"total": "money"},
            {"placed_at": "datetime = now"},
            {"item": "items?"},
        ],
    }

    (_, order), (_, same) = read([ITEM, text]), read([ITEM, data])

    assert order == same
    assert order == Resource(
        "order",
        "orders",
        (
            Field("customer", "text", length=100),
            Field("total", "money"),
            Field("placed_at", "datetime", default="now"),
            Field("item", "reference", target="item", optional=True),
        ),
    )


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("text", {"kind": "text", "length": 200}),
        ('text(5) = "a b"', {"kind": "text", "length": 5, "default": "a b"}),
        ("long_text? searched", {"optional": True, "marks": frozenset({"searched"})}),
        ("integer = -7", {"default": -7}),
        ("number = 1.5", {"default": 1.5}),
        ("money = 5", {"default": Decimal("5.00")}),
        ("yes_no = no", {"default": False}),
        ("date = 2026-01-31", {"default": date(2026, 1, 31)}),
        ("date = today", {"default": "today"}),
        (
            "datetime = 2026-01-31T10:00:00+00:00",
            {"default": datetime(2026, 1, 31, 10, tzinfo=UTC)},
        ),
        ("choice(new, done) = new", {"choices": ("new", "done"), "default": "new"}),
        ("uuid unique indexed", {"marks": frozenset({"unique", "indexed"})}),
        ("uuid = new", {"default": "new"}),
        (f"uuid = {UUID(int=7)}", {"default": UUID(int=7)}),
        ("list = []", {"default": [], "length": 100}),
        ('list(5) like "oak"', {"length": 5, "example": ["oak"]}),
        ("text write-only", {"marks": frozenset({"write-only"})}),
        ("item?", {"kind": "reference", "target": "item", "optional": True}),
        ("items", {"kind": "reference", "target": "item"}),
    ],
)
def test_fields(text: str, field: dict[str, Any]) -> None:
    # White space does not matter, and no order of marks does.
    for written in (f"order(it: {text})", f" order ( it:{text} ) "):
        (found,) = read([ITEM, written])[1].fields
        assert {name: getattr(found, name) for name in field} == field


def test_plurals() -> None:
    names = ["box", "city", "day", "lamp", "batch", "order_line"]
    plurals = [resource.plural for resource in read([f"{name}(it: text)" for name in names])]

    assert plurals == ["boxes", "cities", "days", "lamps", "batches", "order_lines"]
    assert read(["person/people(it: text)"])[0].plural == "people"
    assert read([{"name": "person", "plural": "people", "fields": [{"it": "text"}]}]) == read(
        ["person/people(it: text)"]
    )


@given(st.text("abehsuxyz_", max_size=6))
def test_command_and_template_make_the_same_plurals(name: str) -> None:
    assert commands.plural_of(name) == resources.plural_of(name)


def test_what_is_referred_to_comes_first() -> None:
    found = read(["line(of: order, item: item)", "order(it: text)", ITEM, "box(it: text)"])

    assert [resource.name for resource in found] == ["order", "item", "line", "box"]


def test_a_resource_may_refer_to_its_own_kind() -> None:
    (found,) = read(["category(name: text, parent: categories?, next: category? unique)"])

    assert [field.target for field in found.fields] == ["", "category", "category"]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("order(it: item write-only)", "order.it: a reference cannot be write-only"),
        ("order(q: item)", "order.q: q is what lists search for: choose another name"),
        ("order(it: orders)", "order.it: the first of its kind has none to refer to: make it "),
        ("order(it: order unique)", "make it optional, as in it: order?."),
        ("order(it: text(9) unique)", "order.it: a text of 9 cannot be unique or searched"),
        ("order(it: choice(new, done) unique)", "order.it: a choice cannot be unique"),
        (f"order({'f' * 31}: text)", "30 characters at most"),
        (
            "order(total: mony)",
            "order.total: 'mony' is neither a type nor a resource: did you mean",
        ),
        ("order(total: thing)", "order.total: 'thing' is neither a type nor a resource: take text"),
        ("order(total: text(", "order.total: ',' is missing before 'the end', at character 19"),
        ("order", "'order': '(' is missing before 'the end', at character 6"),
        ("order(total)", "'order(total)': ':' is missing before ')', at character 12"),
        ("order(total: money) now", "order.total: nothing may follow, not 'now', at character 20"),
        ("order(to$al: money)", "'order(to$al: money)': ':' is missing before '$'"),
        ("order(total: mo$ney)", "order.total: '$' is not understood, at character 16"),
        ("order()", "order: it takes 1 to 40 fields, not 0"),
        ("order(total: )", "order.total: its type is missing, at character 13"),
        ("Order(total: money)", "Order: 'Order' is no name"),
        ("order(_total: money)", "order._total: '_total' is no name"),
        (f"{'o' * 22}(total: money)", "21 characters at most"),
        ("order(total: text(0))", "order.total: text takes one number, as in text(100)"),
        ("order(total: text(1, 2))", "order.total: text takes one number"),
        ("order(total: text(1001))", "order.total: a text has at most 1000 characters"),
        ("order(total: money(5))", "order.total: money takes nothing in brackets"),
        ("order(total: money uniq)", "'uniq' is none of unique, indexed, searched, write-only"),
        ("order(total: money uniq)", "(did you mean 'unique'?)"),
        ("order(total: choice(new))", "order.total: choice takes two words or more"),
        ("order(total: choice)", "order.total: choice takes two words or more"),
        ("order(total: choice(new, new))", "order.total: choice takes two words or more"),
        ("order(total: choice(new, Done))", "order.total: 'Done' is no choice"),
        ("order(total: choice(new, done) = old)", "order.total: 'old' is no default of choice"),
        ("order(total: money = cheap)", "order.total: 'cheap' is no default of money"),
        ("order(total: money = 0)", "order.total: '0' is no default of money"),
        ("order(total: money = 1.999)", "order.total: '1.999' is no default of money"),
        ("order(total: money = NaN)", "order.total: 'NaN' is no default of money"),
        ("order(total: integer = 2147483648)", "is no default of integer"),
        ("order(total: number = inf)", "order.total: 'inf' is no default of number"),
        ("order(total: yes_no = maybe)", "order.total: 'maybe' is no default of yes_no"),
        ("order(total: datetime = 2026-01-01T10:00)", "is no default of datetime"),
        ("order(total: money = now)", "order.total: 'now' is no default of money"),
        ("order(total: datetime like now)", "order.total: 'now' is no example of datetime"),
        ('order(total: text(2) = "abc")', "order.total: '\"abc\"' is no default of text"),
        ('order(total: list(2) like "abc")', "is no example of list"),
        ('order(total: text = "a\\u0000")', "is no default of text"),
        ("order(total: list = 5)", "order.total: '5' is no default of list"),
        ("order(total: item = 5)", "order.total: a reference has no default and no example"),
        ('order(total: text? = "x")', "order.total: what has a default needs no ?"),
        ('order(total: text unique = "x")', "order.total: what is unique cannot have a default"),
        ("order(total: list unique)", "order.total: a list cannot be unique"),
        ("order(total: money searched)", "order.total: a money cannot be searched"),
        ("order(total: item searched)", "order.total: a reference cannot be searched"),
        ("order(total: text searched write-only)", "who can search a text can read it"),
        ("order(class: text)", "order.class: Python has class itself"),
        ("order(order: text)", "order.order: order is a word of SQL"),
        ("order(id: integer)", "order.id: every resource has an id already"),
        ("order(json: text)", "order.json: pydantic or SQLAlchemy has json itself"),
        ("order(model_name: text)", "order.model_name: pydantic or SQLAlchemy has"),
        ("order(total: money, total: text)", "order.total: there are two of this name"),
        ("list(total: money)", "list: Python has list itself"),
        ("setting(total: money)", "setting: the service has such a name itself"),
        ("log(total: money)", "log: the service has logs itself: give it another plural"),
        ("news/news(total: money)", "news: several of them are called news too"),
        ("order/values(total: money)", "order: values is a word of SQL: give it another plural"),
        ("item(total: money)", "item: there are two resources of this name"),
        ("order/items(total: money)", "item and order: several are called items of both"),
        ("item_create(total: money)", "resources: two of them would have a class ItemCreate"),
        (7, "resource 2: it must be a text such as order(total: money)"),
        ({"name": "order"}, "order: fields must be a list, such as [total: money]"),
        ({"name": "order", "felds": []}, "order: 'felds' is none of name, plural and fields"),
        ({"name": "order", "fields": ["total"]}, "order: 'total' is no field, such as total"),
        ({"name": "order", "fields": [{"total": None}]}, "order.total: its type is missing"),
        ({"name": "order", "fields": [{"total": "money, x"}]}, "nothing may follow, not ','"),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence_with_the_place(entry: Any, said: str) -> None:
    problem = resources_problem([ITEM, entry])

    assert said in problem
    assert problem.endswith((".", "?", "?)."))
    assert "\n" not in problem


@pytest.mark.parametrize("answer", [None, "order(total: money)", {"name": "order"}, 7])
def test_the_answer_is_a_list(answer: Any) -> None:
    assert resources_problem(answer).startswith("resources must be a list, such as [")


def test_none_is_called_like_a_module_of_the_service(template: Path) -> None:
    checks: dict[str, Callable[[Any], str]] = {
        "[[ when.jwt ]]": partial(resources.auth_problem, "jwt"),
        "[[ when.oidc ]]": partial(resources.auth_problem, "oidc"),
        "[[ when.bearer ]]": partial(resources.auth_problem, "oidc"),
        "[[ when.telemetry ]]": partial(resources.telemetry_problem, "yes"),
        "[[ when.celery ]]": partial(resources.tasks_problem, "celery"),
    }
    files = [
        path.relative_to(template)
        for path in template.glob("template/**/src/[[][[] package_name ]]/**/*.py")
        if "yield" not in path.name and not {"migrations", "__init__.py"} & {*path.parts}
    ]
    # A resource has a file of tests, too.
    files += [
        path.relative_to(template)
        for path in template.glob("template/**/tests/test_*.py")
        if "yield" not in path.name
    ]
    taken = [
        (
            path.stem.removeprefix("test_"),
            [check for folder, check in checks.items() if folder in path.parts],
        )
        for path in files
    ]
    free = [
        name
        for name, own in taken
        for answer in [[f"thing/{name}(it: text)"]]
        if not any(check(answer) for check in (resources_problem, *own))
    ]

    assert {"settings", "texts"} <= {name for name, _ in taken}
    assert free == []


def test_there_are_not_too_many() -> None:
    many = [f"thing_{number}(it: money)" for number in range(21)]

    assert "there may be 20 at most, not 21" in resources_problem(many)
    assert len(read(many[:20])) == 20


def test_a_circle_is_refused() -> None:
    assert "a_a, b_b refer to each other in a circle" in resources_problem(
        ["a_a(it: b_b)", "b_b(it: a_a)"]
    )


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
WORDS = st.lists(
    st.sampled_from(
        [
            *resources.KINDS,
            *resources.MARKS,
            *"()?=,:",
            "item",
            "now",
            "like",
            '"x"',
            "5",
            "[]",
            "é",
        ]
    )
)


@given(ANYTHING | WORDS.map(lambda words: [f"order({' '.join(words)})"]))
def test_any_answer_is_read_or_refused_in_a_sentence(answer: Any) -> None:
    problem = resources_problem(answer)

    assert problem == "" or problem.endswith((".", "?", "?)."))
