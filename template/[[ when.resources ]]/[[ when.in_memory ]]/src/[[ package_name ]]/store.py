#{% filter fitted %}
#{% filter imports %}
#{% for resource in kept %}
#{% filter about(resource) %}
"""Where the [[ kept | map(attribute='labels') | join(' and the ') ]] are kept: in memory, until the process ends."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import count
from threading import Lock
from uuid import UUID

from .widgets import WidgetCreate, WidgetNotFoundError, WidgetUpdate
from .problems import ConflictError


@dataclass(kw_only=True)
class Widget:
    """[[ resource.a_label | capitalize ]] as it is stored."""

    id: int
    #{% for field in resource.fields %}
    [[ field.kept ]]
    #{% endfor %}


class WidgetStore:
    """Finds and changes [[ resource.labels ]]; safe to use from several threads."""

    def __init__(self) -> None:
        self._widgets: dict[int, Widget] = {}
        self._ids = count(1)
        self._lock = Lock()

    def page(self, PARAMETERS) -> tuple[Sequence[Widget], int]:
        """Give the [[ resource.labels ]][[ " whose " ~ resource.found_by ~ " contains ``q``" if resource.searched ]], and how many there are without the limit."""
        with self._lock:
            widgets = list(self._widgets.values())
        #{% if resource.searched %}
        if q:
            [[ resource.selection ]]
        #{% endif %}
        return widgets[offset : offset + limit], len(widgets)

    def get(self, widget_id: int) -> Widget:
        """Find [[ resource.a_label ]], or raise WidgetNotFoundError."""
        try:
            return self._widgets[widget_id]
        except KeyError:
            raise WidgetNotFoundError(widget_id) from None

    def add(self, data: WidgetCreate) -> Widget:
        """Store a new [[ resource.label ]]."""
        with self._lock:
            widget = Widget(id=next(self._ids), **data.model_dump())
            #{% if resource.unique %}
            self._check(widget)
            #{% endif %}
            self._widgets[widget.id] = widget
        return widget

    def replace(self, widget_id: int, data: WidgetCreate) -> Widget:
        """Store ``data`` in place of [[ resource.a_label ]], or raise WidgetNotFoundError."""
        with self._lock:
            self.get(widget_id)
            widget = Widget(id=widget_id, **data.model_dump())
            #{% if resource.unique %}
            self._check(widget)
            #{% endif %}
            self._widgets[widget_id] = widget
        return widget

    def update(self, widget_id: int, changes: WidgetUpdate) -> Widget:
        """Change some fields of [[ resource.a_label ]], or raise WidgetNotFoundError."""
        with self._lock:
            widget = replace(self.get(widget_id), **changes.model_dump(exclude_unset=True))
            #{% if resource.unique %}
            self._check(widget)
            #{% endif %}
            self._widgets[widget_id] = widget
        return widget

    def delete(self, widget_id: int) -> None:
        """Forget [[ resource.a_label ]], or raise WidgetNotFoundError."""
        with self._lock:
            self.get(widget_id)
            del self._widgets[widget_id]
    #{% if resource.searched | length > 1 %}

    def _matches(self, widget: Widget, q: str) -> bool:
        """Tell whether one of the texts contains ``q``."""
        [[ resource.texts ]]
        return any(q.lower() in text.lower() for text in texts)
    #{% endif %}
    #{% if resource.unique %}

    def _check(self, widget: Widget) -> None:
        """Refuse what there may be once only, and is there."""
        others = [other for other in self._widgets.values() if other.id != widget.id]
        [[ resource.refusals ]]
    #{% endif %}
#{% endfilter %}
#{% endfor %}
#{% endfilter %}
#{% endfilter %}
