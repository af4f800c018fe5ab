#{% filter fitted %}
#{% filter imports %}
#{% filter about(resource) %}
"""The [[ resource.labels ]]: what clients send and receive."""

import datetime as dt
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID, uuid4

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

#{% for field in resource.targets %}
#{% filter replace("TARGETS", field.targets) | replace("ALIAS", field.alias) %}
from .TARGETS import ALIAS
#{% endfilter %}
#{% endfor %}
from .problems import NotFoundError

# Ids and offsets are whole numbers of 32 bits.
LARGEST_INTEGER = 2**31 - 1

#{% if "money" in resource.kinds or "datetime" in resource.kinds %}

#{% endif %}
#{% if "money" in resource.kinds %}
def _with_cents(price: Decimal) -> Decimal:
    return price.quantize(Decimal("0.01"))


#{% endif %}
#{% if "now" in resource.defaults %}
def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


#{% endif %}
#{% if "datetime" in resource.kinds %}
def _in_utc(moment: dt.datetime) -> dt.datetime:
    try:
        return moment.astimezone(dt.UTC)
    except OverflowError:
        raise ValueError("The year must be from 1 to 9999") from None


#{% endif %}
#{% if resource.has_text %}
# No text may hold a NUL character: much software takes it for the end of the text.
WITHOUT_NUL = r"^[^\x00]*$"

#{% endif %}
WidgetId = Annotated[int, Field(ge=1, le=LARGEST_INTEGER)]
#{% for field in resource.fields %}
#{% for line in field.aliases %}
[[ line ]]
#{% endfor %}
#{% endfor %}


class WidgetCreate(BaseModel):
    """A new [[ resource.label ]], or all of [[ resource.a_label ]] that replaces another."""

    #{% for field in resource.fields %}
    #{% if not field.is_public %}
    # Accepted and stored, but never sent back: no answer has this field.
    #{% endif %}
    [[ field.created ]]
    #{% endfor %}


class WidgetUpdate(BaseModel):
    """Changes to [[ resource.a_label ]]: what is left out stays as it is."""

    #{% if resource.clearable %}
    # Defaults are not stored.
    #{% else %}
    # Defaults are not stored. A field that null clears is one of, for example, `str | None`.
    #{% endif %}
    #{% for field in resource.fields %}
    [[ field.changed ]]
    #{% endfor %}


class WidgetPublic(BaseModel):
    """[[ resource.a_label | capitalize ]] as clients see it."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    #{% for field in resource.fields if field.is_public %}
    [[ field.public ]]
    #{% endfor %}


class WidgetQuery(BaseModel):
    """Which [[ resource.labels ]] to list."""

    #{% if resource.searched %}
    q: Annotated[str | None, Field(max_length=100, pattern=WITHOUT_NUL)] = None
    #{% endif %}
    #{% for field in resource.references %}
    #{% filter replace("FIELD", field.name) | replace("ALIAS", field.alias) %}
    FIELD: ALIAS | None = None
    #{% endfilter %}
    #{% endfor %}
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    offset: Annotated[int, Field(ge=0, le=LARGEST_INTEGER)] = 0


class WidgetPage(BaseModel):
    """Some of the [[ resource.labels ]], and how many there are."""

    items: list[WidgetPublic]
    total: int
    limit: int
    offset: int


class WidgetNotFoundError(NotFoundError):
    """No [[ resource.label ]] has this id."""

    def __init__(self, widget_id: int) -> None:
        super().__init__(f"[[ resource.label | capitalize ]] {widget_id} not found")
#{% endfilter %}
#{% endfilter %}
#{% endfilter %}
