"""Files, checked by the schemas of what reads them."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def check_schema(schema: str | Path, files: Iterable[Path]) -> str:
    """Check files by a schema.

    Args:
        schema: Its file, or the name of one that the checker brings along.
        files: The files, checked in one call.

    Returns:
        What is wrong with them; empty when nothing is.
    """
    by = ("--builtin-schema", schema) if isinstance(schema, str) else ("--schemafile", str(schema))
    # What includes and anchors of GitLab mean, no schema tells.
    read = ("--data-transform", "gitlab-ci") if schema == "vendor.gitlab-ci" else ()
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *by, *read, *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr
