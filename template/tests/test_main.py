"""The application that a server runs."""

from importlib import import_module

#{% if when.database %}
import pytest

#{% endif %}

#{% if when.database %}
def test_is_made_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, empty_database_url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database_url)

#{% else %}
def test_is_made_of_the_environment() -> None:
#{% endif %}
    main = import_module("[[ package_name ]].main")

    assert callable(main.app)
