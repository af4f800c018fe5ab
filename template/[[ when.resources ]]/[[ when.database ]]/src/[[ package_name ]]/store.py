"""Where the items are kept: in the database."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from .items import ItemCreate, ItemNotFoundError, ItemUpdate
from .models import Item


class ItemStore:
    """Finds and changes items within one database session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def page(self, q: str | None, limit: int, offset: int) -> tuple[Sequence[Item], int]:
        """Give the items whose name contains ``q``, and how many there are without the limit."""
        items = select(Item)
        if q:
            items = items.where(Item.name.icontains(q, autoescape=True))
        total = self._session.scalar(select(func.count()).select_from(items.subquery()))
        page = self._session.scalars(items.order_by(Item.id).limit(limit).offset(offset))
        return page.all(), total or 0

    def get(self, item_id: int, *, to_change: bool = False) -> Item:
        """Find an item, or raise ItemNotFoundError; one to change waits for others' changes."""
        item = self._session.get(Item, item_id, with_for_update=to_change or None)
        if item is None:
            raise ItemNotFoundError(item_id)
        return item

    def add(self, data: ItemCreate) -> Item:
        """Store a new item."""
        item = Item(**data.model_dump())
        self._session.add(item)
        self._session.flush()
        return item

    def replace(self, item_id: int, data: ItemCreate) -> Item:
        """Store ``data`` in place of an item, or raise ItemNotFoundError."""
        item = self.get(item_id, to_change=True)
        for name, value in data.model_dump().items():
            setattr(item, name, value)
        return item

    def update(self, item_id: int, changes: ItemUpdate) -> Item:
        """Change some fields of an item, or raise ItemNotFoundError."""
        item = self.get(item_id, to_change=True)
        for name, value in changes.model_dump(exclude_unset=True).items():
            setattr(item, name, value)
        return item

    def delete(self, item_id: int) -> None:
        """Forget an item, or raise ItemNotFoundError."""
        self._session.delete(self.get(item_id, to_change=True))
