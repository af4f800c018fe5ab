"""What may name the database."""

from typing import Annotated

from pydantic import AfterValidator
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

#{% if when.postgresql %}
EXAMPLE = "postgresql://user:password@host/database"
DRIVERS = {"postgresql", "postgresql+psycopg"}
#{% else %}
EXAMPLE = "sqlite:///[[ package_name ]].db"
DRIVERS = {"sqlite", "sqlite+pysqlite"}
#{% endif %}


def usable(url: str) -> str:
    """Refuse what names no database of the kind that the tables are made for."""
    #{% if when.postgresql %}
    # Many platforms still give this older form.
    if url.startswith("postgres://"):
        url = url.replace("postgres", "postgresql", 1)
    #{% endif %}
    try:
        known = make_url(url).drivername in DRIVERS
    except (ArgumentError, ValueError):
        known = False
    if not known:
        raise ValueError(f"it must be an address such as {EXAMPLE}")
    return url


DatabaseUrl = Annotated[str, AfterValidator(usable)]
