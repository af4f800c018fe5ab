"""A run says how far it is, from its first seconds on."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from matrix.plugin import CACHE, ROOT
from matrix.progress import GUESS, SUITES, Progress
from matrix.report import PROPERTY

if TYPE_CHECKING:
    from pathlib import Path

LINE = re.compile(r"\[(\d+) of (\d+) tests, (\d+) of (\d+) suites, (\d+) failed; about .+ left\]")


def ended(name: str, seconds: float, **about: Any) -> Any:
    """Give the report of the last part of a test."""
    report = {"when": "teardown", "failed": False, "user_properties": []}
    return SimpleNamespace(nodeid=name, duration=seconds, **{**report, **about})


@pytest.fixture
def progress(tmp_path: Path) -> Progress:
    """The progress of a run of ten suites, of which half are known to take four seconds."""
    kept = tmp_path / "durations.json"
    kept.write_text(json.dumps({f"{SUITES}{number}": 4.0 for number in range(5)}))
    progress = Progress(kept)
    progress.pytest_xdist_node_collection_finished([f"{SUITES}{number}" for number in range(10)])
    return progress


def test_an_estimate_is_made_of_earlier_runs_and_corrected(progress: Progress) -> None:
    first = progress.seconds_left()
    assert 5 * 4 + 5 * GUESS <= first <= 10 * 4

    for number in range(5):
        progress.pytest_runtest_logreport(ended(f"{SUITES}{number}", 8.0))

    assert progress.seconds_left() > 5 * GUESS * 1.4
    for number in range(5, 10):
        progress.pytest_runtest_logreport(ended(f"{SUITES}{number}", 8.0))
    assert progress.seconds_left() == 0


def test_what_suites_took_is_kept_but_not_of_those_that_were_not_run(
    progress: Progress, tmp_path: Path
) -> None:
    same = [(PROPERTY, {"same_as": "other"})]
    progress.pytest_runtest_logreport(ended(f"{SUITES}1", 8.0))
    progress.pytest_runtest_logreport(ended(f"{SUITES}2", 0.0, user_properties=same))

    progress.pytest_sessionfinish()

    kept = json.loads((tmp_path / "durations.json").read_text())
    assert (kept[f"{SUITES}1"], kept[f"{SUITES}2"]) == (8.0, 4.0)


@pytest.mark.parametrize("processes", ["0", "2"])
def test_lines_are_written_where_output_is_no_terminal(processes: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-n", processes, "-p", "no:cacheprovider"),
            *("--basetemp", str(tmp_path / "base")),
            *(f"{SUITES}test_suite[{name}]" for name in ("flask", "fastapi")),
        ],
        cwd=ROOT,
        env={**os.environ, "MATRIX_CACHE": str(CACHE), "PYTHONUNBUFFERED": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    found = LINE.search(done.stdout)
    assert found is not None, done.stdout
    assert found.groups() == ("0", "2", "0", "2", "0")
    assert done.stdout.index("suites,") < done.stdout.index("= variants =")
