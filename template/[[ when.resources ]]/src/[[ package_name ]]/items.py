"""The example resource: what clients send and receive. Change it or delete it."""

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from .problems import NotFoundError

# Ids and offsets are whole numbers of 32 bits.
LARGEST_INTEGER = 2**31 - 1


def _with_cents(price: Decimal) -> Decimal:
    return price.quantize(Decimal("0.01"))


# No text may hold a NUL character: much software takes it for the end of the text.
WITHOUT_NUL = r"^[^\x00]*$"

ItemId = Annotated[int, Field(ge=1, le=LARGEST_INTEGER)]
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=WITHOUT_NUL, examples=["Chair"])]
Note = Annotated[str, Field(max_length=500, pattern=WITHOUT_NUL)]
Price = Annotated[
    Decimal,
    Field(gt=0, max_digits=10, decimal_places=2, examples=["49.90"]),
    AfterValidator(_with_cents),
]
Tag = Annotated[str, Field(min_length=1, max_length=30, pattern=WITHOUT_NUL)]
Tags = Annotated[list[Tag], Field(max_length=10)]


class ItemCreate(BaseModel):
    """A new item, or all of an item that replaces another."""

    name: Name
    price: Price
    tags: Tags = []
    # Accepted and stored, but never sent back: no answer has this field.
    internal_note: Note = ""


class ItemUpdate(BaseModel):
    """Changes to an item: what is left out stays as it is."""

    # Defaults are not stored. A field that null clears is one of, for example, `Note | None`.
    name: Name = Field(default_factory=str)
    price: Price = Field(default_factory=Decimal)
    tags: Tags = Field(default_factory=list)
    internal_note: Note = Field(default_factory=str)


class ItemPublic(BaseModel):
    """An item as clients see it."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    price: Decimal
    tags: list[str]


class ItemQuery(BaseModel):
    """Which items to list."""

    q: Annotated[str | None, Field(max_length=100, pattern=WITHOUT_NUL)] = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    offset: Annotated[int, Field(ge=0, le=LARGEST_INTEGER)] = 0


class ItemPage(BaseModel):
    """Some of the items, and how many there are."""

    items: list[ItemPublic]
    total: int
    limit: int
    offset: int


class ItemNotFoundError(NotFoundError):
    """No item has this id."""

    def __init__(self, item_id: int) -> None:
        super().__init__(f"Item {item_id} not found")
