"""What the tests of the contract share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from contract.services import Services

if TYPE_CHECKING:
    from matrix.environments import Environments
    from matrix.rendering import Renderer


@pytest.fixture(scope="session")
def services(renderer: Renderer, environments: Environments) -> Services:
    """What makes services."""
    return Services(renderer, environments)
