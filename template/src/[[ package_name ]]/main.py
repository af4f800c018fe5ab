"""The application that a server runs."""

from .app import create_app

app = create_app()
