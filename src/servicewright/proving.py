"""Proves variants with the tests of the template, which only a clone of its repository has."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from servicewright import proofs, questions, templates
from servicewright.errors import ProofError, UsageError
from servicewright.variants import fair, having, variants

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# What pytest returns when tests have failed.
FAILED = 1

# So many variants are proved by one process.
FEW = 2


def prove(
    given: Iterable[tuple[str, str]], part: str, output: Path, *, lowest: bool, again: bool
) -> int:
    """Prove variants and write down what was found.

    Args:
        given: The answers that the variants have, as they were typed.
        part: Which part of these variants is proved, as K/N.
        output: The manifest. What it says of other variants stays.
        lowest: Whether the lowest of the allowed versions are installed, in place of the newest.
        again: Whether suites are run although the same bytes have passed before.

    Returns:
        0 when all are proved, and 1 when some fail.

    Raises:
        ProofError: This is no clone, lacks what the tests need, or the tests break off.
        UsageError: There are no such variants.
    """
    root = templates.checkout()
    tests = root / "tests" / "matrix" / "proving.py" if root else None
    if root is None or tests is None or not tests.is_file():
        raise ProofError(
            "Variants are proved by the template's tests, which the package does not bring: "
            "run `uv run servicewright prove` in a clone of the repository."
        )
    if importlib.util.find_spec("xdist") is None:
        raise ProofError(
            "The template's tests need more than the command does: run "
            f"`uv run servicewright prove` in {root}."
        )
    answers = questions.parse_answers(questions.read(root), given)
    every = variants(root)
    if other := answers.keys() - every.values().keys():
        raise UsageError(
            f"{min(other)} makes no variants: choose them by {', '.join(every.values())}."
        )
    count = len(fair(having(every, answers), part))
    if not count:
        raise UsageError(f"There are fewer variants than parts, and none in {part}.")
    if not output.absolute().parent.is_dir():
        raise UsageError(f"{output.parent} is no directory: make it, or name another file.")
    if output.exists():
        # Another file is not to be written over.
        proofs.read(output)
    # To start more processes takes longer than a few suites.
    processes = min(count, os.cpu_count() or 1) if count > FEW else 0
    command = [
        *(sys.executable, "-m", "pytest", "--quiet", "--no-loadscope-reorder"),
        *("--override-ini", "addopts=", "-n", str(processes)),
        *("--proof", str(output.absolute()), "--shard", part),
        *(f"--having={name}={value}" for name, value in answers.items()),
        *(["--resolution=lowest-direct"] if lowest else []),
        *(["--again"] if again else []),
        str(tests),
    ]
    # A Ctrl-C reaches this process alone and is handed on once: a second one would cut short what
    # the tests do at their end.
    with subprocess.Popen(command, cwd=root, start_new_session=True) as process:
        try:
            code = process.wait()
        except BaseException:
            process.send_signal(signal.SIGINT)
            process.wait()
            raise
    if code not in {0, FAILED}:
        raise ProofError(f"The tests broke off with code {code}: what they say stands above.")
    return code
