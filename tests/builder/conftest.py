"""What tests of the builder are given."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from commands import command
from matrix.plugin import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

BUILDER = ROOT / "builder"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Run the builder as its command does, and see it end without a complaint."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(BUILDER / "src"), *sys.path])}
    arguments = command("builder", "--no-browser", "--port", "0")
    with subprocess.Popen(
        arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout
            said = server.stdout.readline()
            assert said.startswith("The builder is at http://127.0.0.1:")
            yield said.split()[4]
        finally:
            server.send_signal(signal.SIGINT)
            _, errors = server.communicate(timeout=60)
    assert server.returncode == 130
    assert errors == "Reading the template …\nThe builder has stopped.\n"
