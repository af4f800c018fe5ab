#{% filter fitted %}
#{% filter imports %}
"""The tables of the database. The README says what to do for more of them, and for changes."""

import datetime as dt
import enum
from decimal import Decimal
from typing import ClassVar
from uuid import UUID
from zlib import crc32

from sqlalchemy import JSON, BigInteger, Constraint, DateTime, Dialect, Enum, ForeignKey, MetaData, String, Table, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from .tokens import Role


def name_of_check(check: Constraint, _: Table) -> str:
    """Name a check without a name after its condition."""
    condition = str(getattr(check, "sqltext", ""))
    return f"{crc32(condition.encode()):08x}"


class Base(DeclarativeBase):
    """What all tables have in common."""

    # A migration can only change or drop what has a name.
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(check)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
            "check": name_of_check,
        }
    )
    # Members of an enum are stored as text, by their names: a new one needs no change of a type.
    type_annotation_map: ClassVar = {enum.Enum: Enum(enum.Enum, native_enum=False, length=50)}


class Money(TypeDecorator[Decimal]):
    """An amount with two decimals, stored as whole cents: SQLite has no exact decimal type."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        """Turn an amount into cents."""
        return None if value is None else int(value.scaleb(2))

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        """Turn cents into an amount."""
        return None if value is None else Decimal(value).scaleb(-2)
#{% if kept | selectattr("has_moment") | list %}


class Moment(TypeDecorator[dt.datetime]):
    """A date and time with its zone, stored in UTC: SQLite has no zones."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Leave out the zone."""
        return None if value is None else value.astimezone(dt.UTC).replace(tzinfo=None)

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Say which zone it is in."""
        return None if value is None else value.replace(tzinfo=dt.UTC)
#{% endif %}
#{% if when.jwt %}


class User(Base):
    """A user as it is stored."""

    __tablename__ = "users"
    #{% if when.sqlite %}
    # No id is given again: an access token may still name who had it.
    __table_args__ = ({"sqlite_autoincrement": True},)
    #{% endif %}

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(100), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    roles: Mapped[list[Role]] = mapped_column(JSON)


class Login(Base):
    """A login as it is stored: what the current refresh token of it is, nobody can read here."""

    __tablename__ = "logins"

    id: Mapped[str] = mapped_column(String(50), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    secret_hash: Mapped[str] = mapped_column(String(64))
    # In seconds since 1970.
    ends: Mapped[int] = mapped_column(BigInteger)
#{% endif %}
#{% for resource in kept %}
#{% filter about(resource) %}


class Widget(Base):
    """[[ resource.a_label | capitalize ]] as it is stored."""

    __tablename__ = "widgets"

    id: Mapped[int] = mapped_column(primary_key=True)
    #{% for field in resource.fields %}
    [[ field.column ]]
    #{% endfor %}
#{% endfilter %}
#{% endfor %}
#{% endfilter %}
#{% endfilter %}
