"""The items: list, create, read, replace, change and delete them."""

from flask import Blueprint, url_for

#{% if when.basic_auth %}
from ..authentication import login_required
#{% endif %}
from ..dependencies import get_store
from ..items import ItemCreate, ItemId, ItemPage, ItemPublic, ItemQuery, ItemUpdate
from ..openapi import operation

items_blueprint = Blueprint("items", __name__, url_prefix="/items")


@items_blueprint.get("")
@operation()
def list_items(query: ItemQuery) -> ItemPage:
    """List items, those whose name contains a text if one is given."""
    items, total = get_store().page(query.q, query.limit, query.offset)
    page = {"items": items, "total": total, "limit": query.limit, "offset": query.offset}
    return ItemPage.model_validate(page)


@items_blueprint.post("")
#{% if when.basic_auth %}
@login_required
#{% endif %}
@operation(status=201)
def create_item(body: ItemCreate) -> tuple[ItemPublic, dict[str, str]]:
    """Create an item."""
    item = get_store().add(body)
    return ItemPublic.model_validate(item), {"Location": url_for(".read_item", item_id=item.id)}


@items_blueprint.get("/<item_id>")
@operation(errors=[404])
def read_item(item_id: ItemId) -> ItemPublic:
    """Read one item."""
    return ItemPublic.model_validate(get_store().get(item_id))


@items_blueprint.put("/<item_id>")
#{% if when.basic_auth %}
@login_required
#{% endif %}
@operation(errors=[404])
def replace_item(item_id: ItemId, body: ItemCreate) -> ItemPublic:
    """Replace an item."""
    return ItemPublic.model_validate(get_store().replace(item_id, body))


@items_blueprint.patch("/<item_id>")
#{% if when.basic_auth %}
@login_required
#{% endif %}
@operation(errors=[404])
def update_item(item_id: ItemId, body: ItemUpdate) -> ItemPublic:
    """Change some fields of an item."""
    return ItemPublic.model_validate(get_store().update(item_id, body))


@items_blueprint.delete("/<item_id>")
#{% if when.basic_auth %}
@login_required
#{% endif %}
@operation(status=204, errors=[404])
def delete_item(item_id: ItemId) -> None:
    """Delete an item."""
    get_store().delete(item_id)
