"""Writes what an issue says when variants cannot be proved.

    uv run python tests/matrix/failures.py DIRECTORY

The directory holds manifests that ``servicewright prove`` has written, those of all parts. The
exit code is 1 when a variant fails or is missing, and then the text is in Markdown.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from servicewright import proofs
from servicewright.causes import causes
from servicewright.variants import variants

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from servicewright.proofs import Proof

ROOT = Path(__file__).resolve().parents[2]

# With which of the allowed versions each variant is proved.
RESOLUTIONS = ("highest", "lowest-direct")

# How many variants are told of one by one, and how much of what is wrong with each.
MOST, LONGEST = 3, 2000


def report(found: Iterable[Proof], wanted: int) -> str:
    """Say what fails, with the smallest sets of answers with which it does; nothing if all is well.

    Args:
        found: What became of the variants.
        wanted: How many variants there are.
    """
    by_resolution: dict[str, list[Proof]] = {resolution: [] for resolution in RESOLUTIONS}
    for proof in found:
        by_resolution[proof.circumstances.resolution].append(proof)
    parts = [
        part
        for resolution, some in by_resolution.items()
        for part in section(resolution, some, wanted)
    ]
    return "\n\n".join(parts)


def section(resolution: str, found: Sequence[Proof], wanted: int) -> list[str]:
    """Say what fails with one choice of versions, in paragraphs."""
    failing = [proof for proof in found if proof.problems]
    passing = [proof for proof in found if not proof.problems]
    if len(passing) == wanted:
        return []
    parts = [
        f"## Versions: {resolution}",
        f"{len(failing)} of {wanted} variants fail, {len(passing)} pass.",
    ]
    if missing := wanted - len(found):
        parts.append(f"{missing} were not run to an end: the logs of the run say why.")
    answers = ([proof.answers for proof in some] for some in (failing, passing))
    if listed := [f"- {cause}" for cause in causes(*answers)]:
        parts.append("The smallest sets of answers that fail and that no passing variant has:")
        parts.append("\n".join(listed))
    lowest = " --lowest" if resolution != "highest" else ""
    for proof in failing[:MOST]:
        again = " ".join(f"{name}={word(value)}" for name, value in proof.answers.items())
        text = "\n".join(proof.problems)[:LONGEST]
        parts += [
            f"### {proof.id}",
            f"    {text.replace(chr(10), f'{chr(10)}    ')}",
            f"Again: `uv run servicewright prove {again}{lowest}`",
        ]
    return parts


def word(answer: object) -> str:
    """Write an answer as it is typed."""
    return {True: "yes", False: "no"}[answer] if isinstance(answer, bool) else str(answer)


if __name__ == "__main__":
    manifests = [proofs.read(path) for path in sorted(Path(sys.argv[1]).rglob("*.json"))]
    text = report(
        [proof for manifest in manifests for proof in manifest.proofs.values()],
        len(variants(ROOT)),
    )
    sys.stdout.write(f"{text}\n" if text else "")
    sys.exit(1 if text else 0)
