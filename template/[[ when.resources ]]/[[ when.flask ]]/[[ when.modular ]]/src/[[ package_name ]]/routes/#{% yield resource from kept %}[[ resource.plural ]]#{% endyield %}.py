#{% filter fitted %}
#{% filter imports %}
#{% filter about(resource) %}
"""The [[ resource.labels ]]: list, create, read, replace, change and delete them."""

from flask import Blueprint, url_for

from ..authentication import login_required
from ..dependencies import get_widget_store
from ..widgets import WidgetCreate, WidgetId, WidgetPage, WidgetPublic, WidgetQuery, WidgetUpdate
from ..openapi import operation

widgets_blueprint = Blueprint("widgets", __name__, url_prefix="/widgets")


@widgets_blueprint.get("")
@operation()
def list_widgets(query: WidgetQuery) -> WidgetPage:
    """List [[ resource.labels ]][[ resource.chosen ]]."""
    widgets, total = get_widget_store().page(ARGUMENTS)
    page = {"items": widgets, "total": total, "limit": query.limit, "offset": query.offset}
    return WidgetPage.model_validate(page)


@widgets_blueprint.post("")
#{% if when.auth %}
@login_required
#{% endif %}
@operation([[ "status=201, errors=[409]" if resource.may_conflict else "status=201" ]])
def create_widget(body: WidgetCreate) -> tuple[WidgetPublic, dict[str, str]]:
    """Create [[ resource.a_label ]]."""
    widget = get_widget_store().add(body)
    return WidgetPublic.model_validate(widget), {"Location": url_for(".read_widget", widget_id=widget.id)}


@widgets_blueprint.get("/<widget_id>")
@operation(errors=[404])
def read_widget(widget_id: WidgetId) -> WidgetPublic:
    """Read one [[ resource.label ]]."""
    return WidgetPublic.model_validate(get_widget_store().get(widget_id))


@widgets_blueprint.put("/<widget_id>")
#{% if when.auth %}
@login_required
#{% endif %}
@operation(errors=[[ "[404, 409]" if resource.may_conflict else "[404]" ]])
def replace_widget(widget_id: WidgetId, body: WidgetCreate) -> WidgetPublic:
    """Replace [[ resource.a_label ]]."""
    return WidgetPublic.model_validate(get_widget_store().replace(widget_id, body))


@widgets_blueprint.patch("/<widget_id>")
#{% if when.auth %}
@login_required
#{% endif %}
@operation(errors=[[ "[404, 409]" if resource.may_conflict else "[404]" ]])
def update_widget(widget_id: WidgetId, body: WidgetUpdate) -> WidgetPublic:
    """Change some fields of [[ resource.a_label ]]."""
    return WidgetPublic.model_validate(get_widget_store().update(widget_id, body))


@widgets_blueprint.delete("/<widget_id>")
#{% if when.auth %}
@login_required
#{% endif %}
@operation(status=204, errors=[[ "[404, 409]" if resource.is_target else "[404]" ]])
def delete_widget(widget_id: WidgetId) -> None:
    """Delete [[ resource.a_label ]]."""
    get_widget_store().delete(widget_id)
#{% endfilter %}
#{% endfilter %}
#{% endfilter %}
