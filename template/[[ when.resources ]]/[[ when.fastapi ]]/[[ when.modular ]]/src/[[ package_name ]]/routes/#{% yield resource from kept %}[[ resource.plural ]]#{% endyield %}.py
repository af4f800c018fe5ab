#{% filter fitted %}
#{% filter imports %}
#{% filter about(resource) %}
"""The [[ resource.labels ]]: list, create, read, replace, change and delete them."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response

from ..authentication import LoginRequired
from ..dependencies import WidgetStoreDep
from ..widgets import WidgetCreate, WidgetId, WidgetPage, WidgetPublic, WidgetQuery, WidgetUpdate
from ..problems import InvalidRequest, Problem
from ..routing import OneThreadRoute

widgets_router = APIRouter(
    prefix="/widgets",
    tags=["widgets"],
    route_class=OneThreadRoute,
    responses={422: {"model": InvalidRequest}},
)


@widgets_router.get("")
def list_widgets(query: Annotated[WidgetQuery, Query()], store: WidgetStoreDep) -> WidgetPage:
    """List [[ resource.labels ]][[ resource.chosen ]]."""
    widgets, total = store.page(ARGUMENTS)
    page = {"items": widgets, "total": total, "limit": query.limit, "offset": query.offset}
    return WidgetPage.model_validate(page)


#{% set conflict = [409] if resource.may_conflict else [] %}
#{% set kept_back = [409] if resource.is_target else [] %}
#{% if when.auth and conflict %}
@widgets_router.post(
    "",
    status_code=201,
    dependencies=[LoginRequired],
    responses=[[ resource.responses(401, *conflict) ]],
)
#{% elif when.auth %}
@widgets_router.post(
    "", status_code=201, dependencies=[LoginRequired], responses={401: {"model": Problem}}
)
#{% elif conflict %}
@widgets_router.post("", status_code=201, responses=[[ resource.responses(*conflict) ]])
#{% else %}
@widgets_router.post("", status_code=201)
#{% endif %}
def create_widget(body: WidgetCreate, store: WidgetStoreDep, request: Request, response: Response) -> WidgetPublic:
    """Create [[ resource.a_label ]]."""
    widget = store.add(body)
    # Below the path of the request, whatever prefix the router and the server have.
    response.headers["Location"] = f"{quote(request.scope['path'])}/{widget.id}"
    return WidgetPublic.model_validate(widget)


@widgets_router.get("/{widget_id}", responses={404: {"model": Problem}})
def read_widget(widget_id: WidgetId, store: WidgetStoreDep) -> WidgetPublic:
    """Read one [[ resource.label ]]."""
    return WidgetPublic.model_validate(store.get(widget_id))


#{% if when.auth %}
@widgets_router.put(
    "/{widget_id}",
    dependencies=[LoginRequired],
    responses=[[ resource.responses(401, 404, *conflict) ]],
)
#{% else %}
@widgets_router.put("/{widget_id}", responses=[[ resource.responses(404, *conflict) ]])
#{% endif %}
def replace_widget(widget_id: WidgetId, body: WidgetCreate, store: WidgetStoreDep) -> WidgetPublic:
    """Replace [[ resource.a_label ]]."""
    return WidgetPublic.model_validate(store.replace(widget_id, body))


#{% if when.auth %}
@widgets_router.patch(
    "/{widget_id}",
    dependencies=[LoginRequired],
    responses=[[ resource.responses(401, 404, *conflict) ]],
)
#{% else %}
@widgets_router.patch("/{widget_id}", responses=[[ resource.responses(404, *conflict) ]])
#{% endif %}
def update_widget(widget_id: WidgetId, body: WidgetUpdate, store: WidgetStoreDep) -> WidgetPublic:
    """Change some fields of [[ resource.a_label ]]."""
    return WidgetPublic.model_validate(store.update(widget_id, body))


@widgets_router.delete(
    "/{widget_id}",
    status_code=204,
    # Without a media type, so that an answer without a body does not claim to be JSON.
    response_class=Response,
    #{% if when.auth %}
    dependencies=[LoginRequired],
    responses=[[ resource.responses(401, 404, *kept_back) ]],
    #{% else %}
    responses=[[ resource.responses(404, *kept_back) ]],
    #{% endif %}
)
def delete_widget(widget_id: WidgetId, store: WidgetStoreDep) -> None:
    """Delete [[ resource.a_label ]]."""
    store.delete(widget_id)
#{% endfilter %}
#{% endfilter %}
#{% endfilter %}
