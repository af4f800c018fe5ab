"""How resources are written: lines with names of any length, broken as a formatter breaks them."""

from __future__ import annotations

import subprocess
import sys

import pytest
from resources import read
from writing import Written, about, fitted

LINES = [
    "value = short",
    f"def create(body: {'A' * 40}, store: {'B' * 40}, request: Request) -> None: ...",
    f"def create(body: {'A' * 60}, store: {'B' * 60}, request: Request) -> None: ...",
    f"def create(self, body: {'A' * 40}) -> tuple[{'B' * 40}, dict[str, str]]: ...",
    f"def create({'a' * 100}: int) -> None: ...",
    f"{'A' * 40} = Annotated[{'B' * 40}, Depends({'c' * 40})]",
    f"{'a' * 40} = {{'{'b' * 30}': 1, '{'c' * 30}': 2}}".replace("'", '"'),
    f"{'a' * 40} = [{'b' * 30} for {'b' * 30} in {'c' * 30} if q in {'b' * 30}]",
    f"{'a' * 40} = {'a' * 40}.where(or_({'b' * 40}.icontains(q), {'c' * 40}.icontains(q)))",
    f"from .{'a' * 30} import {'B' * 40}, {'C' * 40}",
]


@pytest.mark.parametrize("line", LINES)
def test_lines_are_broken_as_a_formatter_does(line: str) -> None:
    formatted = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length=100", "-"],
        input=f"{line}\n",
        capture_output=True,
        text=True,
        check=True,
    )

    assert fitted(f"{line}\n") == formatted.stdout
    assert len(line) > 100 or fitted(line) == line


def test_code_about_widgets_is_about_a_resource() -> None:
    (found,) = read(["order_line(note: text searched, total: money)"])
    code = (
        "class WidgetPage(Widget):\n    widgets = widget_id\n    def page(PARAMETERS): ARGUMENTS\n"
    )

    assert about(code, Written(found, [found])) == (
        "class OrderLinePage(OrderLine):\n    order_lines = order_line_id\n"
        "    def page(q: str | None, limit: int, offset: int): query.q, query.limit, query.offset\n"
    )


def test_what_is_called_as_code_for_a_resource_keeps_its_name() -> None:
    found = read(
        ["widget_part(it: text)", 'order(widget: widget_part, widgets: text like "PARAMETERS")']
    )
    order = Written(found[1], found)
    widget, widgets = order.fields

    assert about(f"Widget: {widget.column}", order) == (
        'Order: widget: Mapped[int] = mapped_column(ForeignKey("widget_parts.id"), index=True)'
    )
    assert about(f"widgets: {widgets.created} {order.sent}", order) == (
        'orders: widgets: Widgets {"widgets": "PARAMETERS"}'
    )
    assert about(f"Widget: {Written(found[0], found).labels}", order) == "Order: widget parts"


def test_a_default_that_is_a_moment_is_in_utc_as_what_is_sent_becomes() -> None:
    found = read(["order(at: datetime = 2026-01-31T10:00:00+02:00)"])
    (field,) = Written(found[0], found).fields

    assert 'fromisoformat("2026-01-31T08:00:00+00:00")' in field.created


@pytest.mark.parametrize(
    ("name", "expected"),
    [("item", "an item"), ("order_line", "an order line"), ("user", "a user"), ("box", "a box")],
)
def test_articles(name: str, expected: str) -> None:
    (found,) = read([f"{name}(total: money)"])

    assert Written(found, [found]).a_label == expected
