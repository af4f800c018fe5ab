"""The items: list, create, read, replace, change and delete them."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response

#{% if when.basic_auth %}
from ..authentication import LoginRequired
#{% endif %}
from ..dependencies import StoreDep
from ..items import ItemCreate, ItemId, ItemPage, ItemPublic, ItemQuery, ItemUpdate
from ..problems import InvalidRequest, Problem
from ..routing import OneThreadRoute

items_router = APIRouter(
    prefix="/items",
    tags=["items"],
    route_class=OneThreadRoute,
    responses={422: {"model": InvalidRequest}},
)


@items_router.get("")
def list_items(query: Annotated[ItemQuery, Query()], store: StoreDep) -> ItemPage:
    """List items, those whose name contains a text if one is given."""
    items, total = store.page(query.q, query.limit, query.offset)
    page = {"items": items, "total": total, "limit": query.limit, "offset": query.offset}
    return ItemPage.model_validate(page)


#{% if when.basic_auth %}
@items_router.post(
    "", status_code=201, dependencies=[LoginRequired], responses={401: {"model": Problem}}
)
#{% else %}
@items_router.post("", status_code=201)
#{% endif %}
def create_item(
    body: ItemCreate, store: StoreDep, request: Request, response: Response
) -> ItemPublic:
    """Create an item."""
    item = store.add(body)
    # Below the path of the request, whatever prefix the router and the server have.
    response.headers["Location"] = f"{quote(request.scope['path'])}/{item.id}"
    return ItemPublic.model_validate(item)


@items_router.get("/{item_id}", responses={404: {"model": Problem}})
def read_item(item_id: ItemId, store: StoreDep) -> ItemPublic:
    """Read one item."""
    return ItemPublic.model_validate(store.get(item_id))


#{% if when.basic_auth %}
@items_router.put(
    "/{item_id}",
    dependencies=[LoginRequired],
    responses={401: {"model": Problem}, 404: {"model": Problem}},
)
#{% else %}
@items_router.put("/{item_id}", responses={404: {"model": Problem}})
#{% endif %}
def replace_item(item_id: ItemId, body: ItemCreate, store: StoreDep) -> ItemPublic:
    """Replace an item."""
    return ItemPublic.model_validate(store.replace(item_id, body))


#{% if when.basic_auth %}
@items_router.patch(
    "/{item_id}",
    dependencies=[LoginRequired],
    responses={401: {"model": Problem}, 404: {"model": Problem}},
)
#{% else %}
@items_router.patch("/{item_id}", responses={404: {"model": Problem}})
#{% endif %}
def update_item(item_id: ItemId, body: ItemUpdate, store: StoreDep) -> ItemPublic:
    """Change some fields of an item."""
    return ItemPublic.model_validate(store.update(item_id, body))


@items_router.delete(
    "/{item_id}",
    status_code=204,
    # Without a media type, so that an answer without a body does not claim to be JSON.
    response_class=Response,
    #{% if when.basic_auth %}
    dependencies=[LoginRequired],
    responses={401: {"model": Problem}, 404: {"model": Problem}},
    #{% else %}
    responses={404: {"model": Problem}},
    #{% endif %}
)
def delete_item(item_id: ItemId, store: StoreDep) -> None:
    """Delete an item."""
    store.delete(item_id)
