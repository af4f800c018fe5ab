"""Who may use the service."""

from secrets import compare_digest

from pydantic import BaseModel

from .settings import Settings


class Account(BaseModel):
    """The user of the service."""

    username: str


def is_allowed(settings: Settings, username: str, password: str) -> bool:
    """Check credentials; how long it takes tells nothing about how much of them is right."""
    right_username = compare_digest(username.encode(), settings.basic_auth_username.encode())
    right_password = compare_digest(password.encode(), settings.basic_auth_password.encode())
    return right_username & right_password
