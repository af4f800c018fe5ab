"""Which addresses of databases can be set."""

import pytest
from pydantic import ValidationError

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.settings import Settings
#{% endfilter %}


@pytest.mark.parametrize(
    ("given", "known"),
    [
        #{% if when.postgresql %}
        ("postgresql://ada:secret@host:5432/name", "postgresql://ada:secret@host:5432/name"),
        ("postgresql+psycopg://host/name", "postgresql+psycopg://host/name"),
        ("postgres://ada:secret@host/name", "postgresql://ada:secret@host/name"),
        #{% else %}
        ("sqlite:///orders.db", "sqlite:///orders.db"),
        ("sqlite+pysqlite:////data/orders.db", "sqlite+pysqlite:////data/orders.db"),
        #{% endif %}
    ],
)
def test_an_address(given: str, known: str) -> None:
    assert Settings(database_url=given).database_url == known


@pytest.mark.parametrize(
    "given",
    [
        #{% if when.postgresql %}
        "",
        "postgresql://ada:secret@host:x/name",
        #{% else %}
        "sqlite://orders.db",
        "sqlite:///orders.db?timeout=secret",
        #{% endif %}
        "orders.db",
        "mysql://ada:secret@host/name",
    ],
)
def test_what_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(ValidationError, match="it must be an address such as") as refused:
        Settings(database_url=given)

    assert "secret" not in str(refused.value)
