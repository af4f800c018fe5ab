"""Services are formatted and linted whatever their package is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from matrix.covering import sample
from matrix.rendering import render
from matrix.static import ruff
from servicewright.variants import variants

if TYPE_CHECKING:
    from pathlib import Path

# So many variants are looked at, and the longest name that a package may have.
VARIANTS = 12
LONGEST = "abcdefghi_" * 4 + "abcdefghij"
# Names before and behind all others.
NAMES = ["a", "zzz", "a_name_of_more_than_thirty_letters", LONGEST]


@pytest.fixture(scope="module", params=NAMES)
def services(
    request: pytest.FixtureRequest, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Services whose packages are called so."""
    directory = tmp_path_factory.mktemp("names")
    for variant in sample(variants(template), VARIANTS):
        answers = {**variant.answers, "package_name": request.param}
        render(template, directory / variant.id, answers)
    return directory


def test_a_service_is_formatted_whatever_it_is_called(services: Path) -> None:
    assert ruff("format", "--check", services) == ""
    assert ruff("check", services) == ""


def test_what_is_too_long_is_found(services: Path) -> None:
    wrong = services / "wrong.py"
    wrong.write_text(f'"""Says what is not formatted."""\n\nvalue = [{"1, " * 60}1]\n')
    try:
        assert ruff("format", "--check", services) != ""
    finally:
        wrong.unlink()
