#{% filter fitted %}
#{% filter imports %}
#{% for resource in kept %}
#{% filter about(resource) %}
"""Where the [[ kept | map(attribute='labels') | join(' and the ') ]] are kept: in memory, until the process ends."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import count
from threading import Lock
from uuid import UUID

from .widgets import WidgetCreate, WidgetNotFoundError, WidgetQuery, WidgetUpdate
from .problems import ConflictError


#{% if loop.first and kept | selectattr("is_linked") | list %}
# Held by whatever changes what refers to others, or is referred to.
LINKS = Lock()


#{% endif %}
@dataclass(kw_only=True)
class Widget:
    """[[ resource.a_label | capitalize ]] as it is stored."""

    id: int
    #{% for field in resource.fields %}
    [[ field.kept ]]
    #{% endfor %}


class WidgetStore:
    """Finds and changes [[ resource.labels ]]; safe to use from several threads."""

    #{% filter replace(", STORES", (", " ~ resource.needed_stores) if resource.targets else "") %}
    def __init__(self, STORES) -> None:
    #{% endfilter %}
        self._widgets: dict[int, Widget] = {}
        self._ids = count(1)
        #{% if resource.is_linked %}
        self._lock = LINKS
        #{% else %}
        self._lock = Lock()
        #{% endif %}
        #{% if resource.is_target %}
        # Each tells whether something refers to [[ resource.a_label ]].
        #{% if resource.own %}
        self.referrers: list[Callable[..., bool]] = [self._refers_to_widget]
        #{% else %}
        self.referrers: list[Callable[..., bool]] = []
        #{% endif %}
        #{% endif %}
        #{% for field in resource.targets %}
        #{% filter replace("TARGET", field.target) %}
        self._TARGET_store = TARGET_store
        TARGET_store.referrers.append(self._refers_to_TARGET)
        #{% endfilter %}
        #{% endfor %}

    def page(self, PARAMETERS) -> tuple[Sequence[Widget], int]:
        """Give the [[ resource.labels ]][[ resource.narrowed ]], and how many there are without the limit."""
        with self._lock:
            widgets = list(self._widgets.values())
        #{% if resource.searched %}
        if [[ resource.of_query + "q" ]]:
            [[ resource.selection ]]
        #{% endif %}
        #{% for field in resource.references %}
        #{% filter replace("FIELD", field.name) %}
        if query.FIELD is not None:
            widgets = [widget for widget in widgets if widget.FIELD == query.FIELD]
        #{% endfilter %}
        #{% endfor %}
        return widgets[[ resource.part ]], len(widgets)

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
            #{% if resource.may_conflict %}
            self._check(widget)
            #{% endif %}
            self._widgets[widget.id] = widget
        return widget

    def replace(self, widget_id: int, data: WidgetCreate) -> Widget:
        """Store ``data`` in place of [[ resource.a_label ]], or raise WidgetNotFoundError."""
        with self._lock:
            self.get(widget_id)
            widget = Widget(id=widget_id, **data.model_dump())
            #{% if resource.may_conflict %}
            self._check(widget)
            #{% endif %}
            self._widgets[widget_id] = widget
        return widget

    def update(self, widget_id: int, changes: WidgetUpdate) -> Widget:
        """Change some fields of [[ resource.a_label ]], or raise WidgetNotFoundError."""
        with self._lock:
            widget = replace(self.get(widget_id), **changes.model_dump(exclude_unset=True))
            #{% if resource.may_conflict %}
            self._check(widget)
            #{% endif %}
            self._widgets[widget_id] = widget
        return widget

    def delete(self, widget_id: int) -> None:
        """Forget [[ resource.a_label ]], or raise WidgetNotFoundError."""
        with self._lock:
            self.get(widget_id)
            #{% if resource.is_target %}
            if any(refers_to(widget_id) for refers_to in self.referrers):
                raise ConflictError("This does not fit what is stored")
            #{% endif %}
            del self._widgets[widget_id]
    #{% if resource.is_needed %}

    def has(self, widget_id: int) -> bool:
        """Tell whether there is [[ resource.a_label ]]."""
        return widget_id in self._widgets
    #{% endif %}
    #{% for field in resource.all_targets %}
    #{% filter replace("TARGET", field.target) %}

    def _refers_to_TARGET(self, TARGET_id: int) -> bool:
        #{% if field.is_own %}
        """Tell whether another [[ resource.label ]] refers to one."""
        #{% else %}
        """Tell whether [[ resource.a_label ]] refers to [[ field.target_label ]]."""
        #{% endif %}
        [[ resource.refers_to(field.target) ]]
    #{% endfilter %}
    #{% endfor %}
    #{% if resource.searched | length > 1 %}

    def _matches(self, widget: Widget, q: str) -> bool:
        """Tell whether one of the texts contains ``q``."""
        [[ resource.texts ]]
        return any(q.lower() in text.lower() for text in texts)
    #{% endif %}
    #{% if resource.may_conflict %}

    def _check(self, widget: Widget) -> None:
        #{% if resource.references %}
        """Refuse what does not fit what is stored."""
        #{% else %}
        """Refuse what there may be once only, and is there."""
        #{% endif %}
        #{% if resource.unique %}
        others = [other for other in self._widgets.values() if other.id != widget.id]
        #{% endif %}
        [[ resource.refusals ]]
    #{% endif %}
#{% endfilter %}
#{% endfor %}
#{% endfilter %}
#{% endfilter %}
