"""What is your own: add blueprints, middleware and error handlers here."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Install your own parts."""
