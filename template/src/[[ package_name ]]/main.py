"""The application that a server runs."""

from . import logs
from .app import create_app
from .settings import load_settings

settings = load_settings()
#{% if when.fastapi %}
logs.configure(settings, server="uvicorn")
#{% else %}
logs.configure(settings)
#{% endif %}
app = create_app(settings)
