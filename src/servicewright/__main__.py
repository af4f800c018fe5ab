"""Runs the command line as ``python -m servicewright``."""

from servicewright.cli import app

app(prog_name="servicewright")
