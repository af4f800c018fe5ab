"""Says at the end of a run how many recipes were tried, and how often."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

# What a test of a recipe says of itself.
PROPERTY = "recipe"


def tell(reporter: pytest.TerminalReporter) -> None:
    """Write the line."""
    runs: dict[str, int] = {}
    recipes = set()
    for outcome, reports in reporter.stats.items():
        for report in reports:
            properties = dict(getattr(report, "user_properties", ()))
            if PROPERTY in properties and report.when == "call":
                recipes.add(properties[PROPERTY])
                runs[outcome] = runs.get(outcome, 0) + 1
    if runs:
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(runs.items()))
        reporter.section("cookbook")
        reporter.line(f"{len(recipes)} recipes in {sum(runs.values())} runs: {outcomes}.")
