"""What the tests of the contract share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from contract.services import Services

if TYPE_CHECKING:
    from matrix.environments import Environments
    from matrix.rendering import Renderer


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest of a marker."""
    config.addinivalue_line("markers", "long: takes minutes, and runs only with -m long")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes long, unless markers are chosen."""
    if not config.getoption("markexpr"):
        short = [item for item in items if not item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=[item for item in items if item not in short])
        items[:] = short


@pytest.fixture(scope="session")
def services(renderer: Renderer, environments: Environments) -> Services:
    """What makes services."""
    return Services(renderer, environments)
