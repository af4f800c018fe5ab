"""The home route."""

from fastapi import APIRouter

from ..dependencies import SettingsDep
from ..home import Home

home_router = APIRouter(tags=["home"])


@home_router.get("/")
async def home(settings: SettingsDep) -> Home:
    """Greet."""
    return Home(message=settings.message)
