"""Where the items are kept: in memory, until the process ends."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import count
from threading import Lock

from .items import ItemCreate, ItemNotFoundError, ItemUpdate


@dataclass(kw_only=True)
class Item:
    """An item as it is stored."""

    id: int
    name: str
    price: Decimal
    tags: list[str]
    internal_note: str


class ItemStore:
    """Finds and changes items; safe to use from several threads."""

    def __init__(self) -> None:
        self._items: dict[int, Item] = {}
        self._ids = count(1)
        self._lock = Lock()

    def page(self, q: str | None, limit: int, offset: int) -> tuple[Sequence[Item], int]:
        """Give the items whose name contains ``q``, and how many there are without the limit."""
        with self._lock:
            items = list(self._items.values())
        if q:
            items = [item for item in items if q.lower() in item.name.lower()]
        return items[offset : offset + limit], len(items)

    def get(self, item_id: int) -> Item:
        """Find an item, or raise ItemNotFoundError."""
        try:
            return self._items[item_id]
        except KeyError:
            raise ItemNotFoundError(item_id) from None

    def add(self, data: ItemCreate) -> Item:
        """Store a new item."""
        with self._lock:
            item = Item(id=next(self._ids), **data.model_dump())
            self._items[item.id] = item
        return item

    def replace(self, item_id: int, data: ItemCreate) -> Item:
        """Store ``data`` in place of an item, or raise ItemNotFoundError."""
        with self._lock:
            self.get(item_id)
            item = self._items[item_id] = Item(id=item_id, **data.model_dump())
        return item

    def update(self, item_id: int, changes: ItemUpdate) -> Item:
        """Change some fields of an item, or raise ItemNotFoundError."""
        with self._lock:
            item = replace(self.get(item_id), **changes.model_dump(exclude_unset=True))
            self._items[item_id] = item
        return item

    def delete(self, item_id: int) -> None:
        """Forget an item, or raise ItemNotFoundError."""
        with self._lock:
            self.get(item_id)
            del self._items[item_id]
