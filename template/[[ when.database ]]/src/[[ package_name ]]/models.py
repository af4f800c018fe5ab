"""The tables of the database."""

from decimal import Decimal

from sqlalchemy import JSON, BigInteger, Dialect, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator


class Base(DeclarativeBase):
    """What all tables have in common."""


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


class Item(Base):
    """An item as it is stored."""

    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    price: Mapped[Decimal] = mapped_column(Money)
    tags: Mapped[list[str]] = mapped_column(JSON)
    internal_note: Mapped[str] = mapped_column(String(500))
