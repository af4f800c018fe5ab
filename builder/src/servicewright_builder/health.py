"""What the service says of its own state."""

from typing import Literal

from pydantic import BaseModel


class Health(BaseModel):
    """The state of the service."""

    status: Literal["ok", "ready"]
