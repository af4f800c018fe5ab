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


def is_known(url: str) -> bool:
    """Tell whether the driver can read an address."""
    try:
        address = make_url(url)
        if address.drivername not in DRIVERS:
            return False
        address.get_dialect()().create_connect_args(address)
    except (ArgumentError, ValueError):
        return False
    return True


def usable(url: str) -> str:
    """Refuse what names no database of the kind that the tables are made for."""
    #{% if when.postgresql %}
    # Many platforms still give this older form.
    if url.startswith("postgres://"):
        url = url.replace("postgres", "postgresql", 1)
    #{% endif %}
    if not is_known(url):
        raise ValueError(f"it must be an address such as {EXAMPLE}")
    return url


DatabaseUrl = Annotated[str, AfterValidator(usable)]
