"""What is particular to PostgreSQL."""

import pytest

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.settings import Settings
#{% endfilter %}


def test_an_address_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL")

    with pytest.raises(ValueError, match="Set DATABASE_URL"):
        Settings()
