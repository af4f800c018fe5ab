"""Writes down what was proved of which variants while the tests in proving.py are run."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from matrix.environments import uv
from matrix.rendering import SAME_ANSWERS
from servicewright import __version__, git, proofs
from servicewright.causes import causes
from servicewright.proofs import Circumstances, Manifest, Proof
from servicewright.variants import Space, variants

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pytest

# Under these names tests hand on what they found out of a variant, and which have wrong types.
PROOF, TYPES = "proof", "types"

# What is done with each variant.
CHECKS = ("render", "resolve", "ruff check", "ruff format --check", "mypy --strict", "pytest")

# What the template is made of.
TEMPLATE = ("copier.yml", "extensions", "template")

# Seconds from one time of writing to the next.
INTERVAL = 10.0

# How many of the variants that fail are named in the terminal.
MOST = 10


class Recorder:
    """A pytest plugin that keeps what is found of each variant in a manifest.

    What the manifest says of other variants stays. A run that is interrupted leaves what it has
    found so far, once types are checked; the next one finds the suites that have passed.

    Args:
        path: The manifest.
        root: The repository.
        resolution: Which of the allowed versions are installed.
        wanted: How many variants are to be proved.
    """

    def __init__(self, path: Path, root: Path, resolution: str, wanted: int) -> None:
        self._path = path
        self._root = root
        self._wanted = wanted
        self._circumstances = circumstances(root, resolution)
        known = proofs.read(path).proofs if path.exists() else {}
        every = variants(root)
        self._known = {name: proof for name, proof in known.items() if is_in(every, name)}
        self._found: dict[str, dict[str, Any]] = {}
        self._types: Mapping[str, list[str]] | None = None
        self._last = time.monotonic()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what was found."""
        for name, value in report.user_properties if report.when == "call" else ():
            if name == PROOF and isinstance(value, dict):
                self._found[value["id"]] = value
            elif name == TYPES and isinstance(value, dict):
                self._types = value
        if time.monotonic() - self._last >= INTERVAL:
            self._write()
            self._last = time.monotonic()

    def pytest_sessionfinish(self) -> None:
        """Keep what was found, at an early end too."""
        self._write()

    def found(self) -> list[Proof]:
        """Give what was found of the variants; nothing before their types are checked."""
        if self._types is None:
            return []
        return [
            Proof(
                id=name,
                answers=about["answers"],
                tree=about["tree"],
                requirements=tuple(about["requirements"]),
                circumstances=self._circumstances,
                tests=about["tests"],
                date=about["date"],
                problems=(*about["problems"], *self._types.get(name, ())),
            )
            for name, about in self._found.items()
        ]

    def _write(self) -> None:
        found = {proof.id: proof for proof in self.found()}
        if found:
            proofs.write(self._path, Manifest(SAME_ANSWERS, {**self._known, **found}))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say how many variants are proved, and what those share that are not."""
        terminalreporter.section("proof")
        found = self.found()
        failing = [proof for proof in found if proof.problems]
        passing = [proof for proof in found if not proof.problems]
        terminalreporter.line(
            f"{len(passing)} of {self._wanted} variants are proved, {len(failing)} fail. "
            f"Manifest: {self._path}"
        )
        for proof in failing[:MOST]:
            terminalreporter.line(f"  {proof.id}: {proof.problems[0].splitlines()[0]}")
        answers = ([proof.answers for proof in some] for some in (failing, passing))
        for cause in causes(*answers):
            terminalreporter.line(f"What fails: {cause}")


def is_in(every: Space, name: str) -> bool:
    """Say whether there is a variant with an id."""
    try:
        every.named(name)
    except KeyError:
        return False
    return True


def circumstances(root: Path, resolution: str) -> Circumstances:
    """Say in what this run proves variants.

    Args:
        root: The repository.
        resolution: Which of the allowed versions are installed.
    """
    commit = None
    # A source tree without its history has no commit.
    with suppress(git.GitError):
        if not git.run(root, "status", "--porcelain", "--", *TEMPLATE):
            commit = git.run(root, "rev-parse", "HEAD").strip()
    brought = {name: importlib.metadata.version(name) for name in ("copier", "jinja2", "ruff")}
    return Circumstances(
        version=__version__,
        commit=commit,
        python=platform.python_version(),
        system=f"{sys.platform} {platform.machine()}",
        resolution=resolution,
        checks=CHECKS,
        tools={**brought, "uv": uv("--version").split()[1]},
    )
