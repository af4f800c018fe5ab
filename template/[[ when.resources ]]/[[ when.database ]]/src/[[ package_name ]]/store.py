#{% filter fitted %}
#{% filter imports %}
#{% for resource in kept %}
#{% filter about(resource) %}
"""Where the [[ kept | map(attribute='labels') | join(' and the ') ]] are kept: in the database."""

from collections.abc import Sequence

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from .widgets import WidgetCreate, WidgetNotFoundError, WidgetQuery, WidgetUpdate
from .models import Widget


class WidgetStore:
    """Finds and changes [[ resource.labels ]] within one database session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def page(self, PARAMETERS) -> tuple[Sequence[Widget], int]:
        """Give the [[ resource.labels ]][[ resource.narrowed ]], and how many there are without the limit."""
        widgets = select(Widget)
        #{% if resource.searched %}
        if [[ resource.of_query + "q" ]]:
            [[ resource.condition ]]
        #{% endif %}
        #{% for field in resource.references %}
        #{% filter replace("FIELD", field.name) %}
        if query.FIELD is not None:
            widgets = widgets.where(Widget.FIELD == query.FIELD)
        #{% endfilter %}
        #{% endfor %}
        total = self._session.scalar(select(func.count()).select_from(widgets.subquery()))
        #{% if resource.references %}
        widgets = widgets.order_by(Widget.id)
        page = self._session.scalars(widgets.limit(query.limit).offset(query.offset))
        #{% else %}
        page = self._session.scalars(widgets.order_by(Widget.id).limit(limit).offset(offset))
        #{% endif %}
        return page.all(), total or 0

    def get(self, widget_id: int, *, to_change: bool = False) -> Widget:
        """Find [[ resource.a_label ]], or raise WidgetNotFoundError; one to change waits for others' changes."""
        widget = self._session.get(Widget, widget_id, with_for_update=to_change or None)
        if widget is None:
            raise WidgetNotFoundError(widget_id)
        return widget

    def add(self, data: WidgetCreate) -> Widget:
        """Store a new [[ resource.label ]]."""
        widget = Widget(**data.model_dump())
        self._session.add(widget)
        self._session.flush()
        return widget

    def replace(self, widget_id: int, data: WidgetCreate) -> Widget:
        """Store ``data`` in place of [[ resource.a_label ]], or raise WidgetNotFoundError."""
        widget = self.get(widget_id, to_change=True)
        for name, value in data.model_dump().items():
            setattr(widget, name, value)
        return widget

    def update(self, widget_id: int, changes: WidgetUpdate) -> Widget:
        """Change some fields of [[ resource.a_label ]], or raise WidgetNotFoundError."""
        widget = self.get(widget_id, to_change=True)
        for name, value in changes.model_dump(exclude_unset=True).items():
            setattr(widget, name, value)
        return widget

    def delete(self, widget_id: int) -> None:
        """Forget [[ resource.a_label ]], or raise WidgetNotFoundError."""
        self._session.delete(self.get(widget_id, to_change=True))
#{% endfilter %}
#{% endfor %}
#{% endfilter %}
#{% endfilter %}
