#{% filter fitted %}
#{% filter imports %}
"""What the pages show, and what comes back in their forms."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

#{% for resource in kept %}
#{% filter about(resource) %}
from .widgets import WidgetCreate
#{% endfilter %}
#{% endfor %}

#{% if when.items_page %}
# What a form says of a field; pydantic's own words are for programmers.
HINTS = {
    "name": "Give a name of 1 to 100 characters.",
    "price": "Give a price above zero, such as 12.50.",
    "tags": "Give up to 10 tags of at most 30 characters.",
}


def read_item_form(form: Mapping[str, str]) -> tuple[ItemCreate | None, dict[str, str]]:
    """Read the item in a form: either it, or what to say beside each wrong field."""
    tags = [tag.strip() for tag in form.get("tags", "").split(",")]
    fields = {
        "name": form.get("name", "").strip(),
        "price": form.get("price", "").strip(),
        "tags": [tag for tag in tags if tag],
    }
    try:
        return ItemCreate.model_validate(fields), {}
    except ValidationError as error:
        wrong = {str(part["loc"][0]) for part in error.errors()}
        return None, {name: hint for name, hint in HINTS.items() if name in wrong}
#{% endif %}
#{% if when.resource_pages %}
#{% if when.items_page %}


#{% endif %}
def filled(form: Mapping[str, str]) -> dict[str, Any]:
    """Give what was filled in, without white space around it."""
    stripped = {name: value.strip() for name, value in form.items()}
    return {name: value for name, value in stripped.items() if value}
#{% endif %}
#{% if paged | selectattr("lists") | list %}


def separated(text: str) -> list[str]:
    """Give what stands between commas."""
    return [part.strip() for part in text.split(",") if part.strip()]
#{% endif %}
#{% for resource in paged %}
#{% filter about(resource) %}


def read_widget_form(form: Mapping[str, str]) -> tuple[WidgetCreate | None, set[str]]:
    """Read the [[ resource.label ]] in a form: either it, or which fields are wrong."""
    fields = filled(form)
    #{% for field in resource.lists %}
    if "[[ field.name ]]" in fields:
        fields["[[ field.name ]]"] = separated(fields["[[ field.name ]]"])
    #{% endfor %}
    #{% for field in resource.typed_moments %}
    if "[[ field.name ]]" in fields:
        # A browser sends no zone.
        fields["[[ field.name ]]"] += "Z"
    #{% endfor %}
    try:
        return WidgetCreate.model_validate(fields), set()
    except ValidationError as error:
        return None, {str(part["loc"][0]) for part in error.errors()}
#{% endfilter %}
#{% endfor %}
#{% endfilter %}
#{% endfilter %}
