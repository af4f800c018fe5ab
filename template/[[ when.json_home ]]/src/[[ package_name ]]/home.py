"""What the home route answers."""

from pydantic import BaseModel


class Home(BaseModel):
    """A greeting."""

    message: str
