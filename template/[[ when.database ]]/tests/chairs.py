"""Chairs: what the routes of the tests list, store and change, whatever the service has."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.problems import NotFoundError
#{% endfilter %}

Name = Annotated[str, Field(min_length=1)]


class Chair(BaseModel):
    """A new chair."""

    name: Name
    price: int


class ChairChanges(BaseModel):
    """Changes to a chair."""

    name: Name


class ChairPublic(Chair):
    """A chair as clients see it."""

    model_config = ConfigDict(from_attributes=True)

    id: int


class Tables(DeclarativeBase):
    """Tables that no migration knows."""


class StoredChair(Tables):
    """A chair as it is stored."""

    __tablename__ = "test_chairs"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    price: Mapped[int]


class Chairs:
    """Finds and changes chairs within one database session."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def all(self) -> Sequence[StoredChair]:
        return self.session.scalars(select(StoredChair).order_by(StoredChair.id)).all()

    def get(self, chair_id: int) -> StoredChair:
        chair = self.session.get(StoredChair, chair_id)
        if chair is None:
            raise NotFoundError("No such chair")
        return chair

    def add(self, data: Chair) -> StoredChair:
        chair = StoredChair(**data.model_dump())
        self.session.add(chair)
        self.session.flush()
        return chair

    def change(self, chair_id: int, changes: ChairChanges) -> StoredChair:
        chair = self.get(chair_id)
        chair.name = changes.name
        return chair
