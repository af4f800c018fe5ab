"""The application that a server runs."""

from . import logs
from .app import create_app
from .settings import load_settings

settings = load_settings()
logs.configure(settings, server="uvicorn")
app = create_app(settings)
