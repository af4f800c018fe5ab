"""What routes are given."""

from typing import Annotated, Any

from fastapi import Depends
from fastapi.requests import HTTPConnection

from .settings import Settings


def state_of(connection: HTTPConnection) -> Any:
    """Give the state of the application, also to the applications that are mounted in it."""
    return getattr(connection.state, "service", connection.app.state)


async def get_settings(connection: HTTPConnection) -> Settings:
    """Give the settings of the application."""
    settings: Settings = state_of(connection).settings
    return settings


SettingsDep = Annotated[Settings, Depends(get_settings)]
