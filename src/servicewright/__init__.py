"""The command line of Servicewright, a Copier template for Flask and FastAPI services."""

from __future__ import annotations

from importlib.metadata import version

__version__ = version("servicewright")
