"""Chairs: what the routes of the tests list, store and change, whatever the service has."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, Field

from servicewright_builder.problems import NotFoundError

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

    id: int


class Chairs:
    """Finds and changes chairs in memory."""

    def __init__(self) -> None:
        self.stored: list[ChairPublic] = []

    def all(self) -> Sequence[ChairPublic]:
        return self.stored

    def get(self, chair_id: int) -> ChairPublic:
        for chair in self.stored:
            if chair.id == chair_id:
                return chair
        raise NotFoundError("No such chair")

    def add(self, data: Chair) -> ChairPublic:
        self.stored.append(ChairPublic(id=len(self.stored) + 1, **data.model_dump()))
        return self.stored[-1]

    def change(self, chair_id: int, changes: ChairChanges) -> ChairPublic:
        chair = self.get(chair_id)
        chair.name = changes.name
        return chair
