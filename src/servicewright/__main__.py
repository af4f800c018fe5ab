"""Runs the command line, as ``servicewright`` and as ``python -m servicewright``."""

from __future__ import annotations

import os
import sys

from servicewright.cli import app


def run() -> None:
    """Run the command line, in a Python that reads and writes UTF-8 as git does."""
    if sys.getfilesystemencoding() != "utf-8":
        # An old locale would break names outside ASCII in Copier and in what it calls.
        options = ("-X", "utf8", "-P", "-m", "servicewright")
        os.execv(sys.executable, [sys.executable, *options, *sys.argv[1:]])  # noqa: S606
    app(prog_name="servicewright")


if __name__ == "__main__":
    run()
