"""HTTP Basic authentication."""

from typing import Annotated

from fastapi import Depends, HTTPException
from fastapi.security import HTTPBasic, HTTPBasicCredentials

from .dependencies import SettingsDep
from .security import is_allowed

http_basic = HTTPBasic()


def get_username(
    credentials: Annotated[HTTPBasicCredentials, Depends(http_basic)], settings: SettingsDep
) -> str:
    """Give the name of the user, or ask for credentials."""
    if not is_allowed(settings, credentials.username, credentials.password):
        raise HTTPException(401, headers=http_basic.make_authenticate_headers())
    return credentials.username


UsernameDep = Annotated[str, Depends(get_username)]
