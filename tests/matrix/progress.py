"""Says how far a run of the variants' suites is and how long it will still take."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from matrix.report import PROPERTY

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SUITES = "tests/matrix/test_suites.py::"
PROOFS = "tests/matrix/proving.py::test_suite"

# Seconds from one line to the next.
INTERVAL = 10.0

# What a test takes of which nothing is known, and how many such tests what is known outweighs.
GUESS, OUTWEIGHED = 1.0, 20


class Progress:
    """A pytest plugin that writes a line when the tests are known, and then every few seconds.

    The estimate is made of what each test took in earlier runs, and corrected by how this run does.

    Args:
        kept: Where it is kept how long tests take.
    """

    def __init__(self, kept: Path) -> None:
        self._kept = kept
        self._expected: dict[str, float] = {}
        self._taken: dict[str, float] = {}
        self._vain: set[str] = set()
        self._left: set[str] = set()
        self._total = self._suites = self._failed = 0
        self._processes = 1
        self._last = self._started = time.monotonic()
        self._terminal: pytest.TerminalReporter | None = None

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """See where lines are written, and by how many processes tests are run."""
        self._terminal = session.config.pluginmanager.get_plugin("terminalreporter")
        self._processes = len(session.config.getoption("tx", None) or [1])

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Begin where all tests are run in this process."""
        if session.items:
            self._begin([item.nodeid for item in session.items])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Iterable[str]) -> None:
        """Begin where tests are run in other processes, which all have found the same ones."""
        if not self._total:
            self._begin(list(ids))

    def _begin(self, ids: list[str]) -> None:
        if self._kept.exists():
            self._expected = json.loads(self._kept.read_text())
        self._left = set(ids)
        self._total = len(self._left)
        self._suites = len(suites(self._left))
        self._started = time.monotonic()
        if self._suites:
            self._write()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what a test took and how it ended."""
        self._failed += report.failed
        name = report.nodeid
        self._taken[name] = self._taken.get(name, 0.0) + report.duration
        for kind, value in report.user_properties:
            if kind == PROPERTY and isinstance(value, dict) and value["same_as"]:
                # It was not run: that says nothing of what it takes.
                self._vain.add(name)
        if report.when == "teardown":
            self._left.discard(name)
            if self._suites and time.monotonic() - self._last >= INTERVAL:
                self._write()

    def _write(self) -> None:
        self._last = time.monotonic()
        done = self._total - len(self._left)
        ran = self._suites - len(suites(self._left))
        if self._terminal is not None:
            self._terminal.write_line(
                f"[{done} of {self._total} tests, {ran} of {self._suites} suites, "
                f"{self._failed} failed; {about(self.seconds_left())} left]"
            )

    def seconds_left(self) -> float:
        """Estimate how long the run will still take."""
        ran = self._taken.keys() - self._left - self._vain
        usual = [self._expected[name] for name in {*self._left, *ran} if name in self._expected]
        usual += [self._taken[name] for name in ran if name not in self._expected]
        mean = (sum(usual) + GUESS * OUTWEIGHED) / (len(usual) + OUTWEIGHED)
        left = sum(self._expected.get(name, mean) for name in self._left)
        # What was run took so many times what was to be expected; at first that says little.
        expected = sum(self._expected.get(name, mean) for name in ran) + left / 10
        taken = sum(self._taken[name] for name in ran) + left / 10
        slowness = taken / expected if expected else 1.0
        return left * slowness / self._processes

    def pytest_sessionfinish(self) -> None:
        """Keep what the tests took."""
        if self._suites:
            known = self._expected | {
                name: round(seconds, 3)
                for name, seconds in self._taken.items()
                if name not in self._vain
            }
            self._kept.parent.mkdir(parents=True, exist_ok=True)
            self._kept.write_text(json.dumps(known, indent=0))


def suites(names: Iterable[str]) -> list[str]:
    """Choose the tests that run the suite of a variant."""
    return [name for name in names if name.startswith((SUITES, PROOFS))]


def about(seconds: float) -> str:
    """Say a time as one says it."""
    return f"about {seconds:.0f} s" if seconds < 100 else f"about {seconds / 60:.0f} min"
