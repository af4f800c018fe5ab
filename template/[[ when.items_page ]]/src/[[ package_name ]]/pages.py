"""What the pages show, and what comes back in their forms."""

from collections.abc import Mapping

from pydantic import ValidationError

from .items import ItemCreate

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
