"""How much faster the matrix runs variants than the plain way does, in one run on the same ones.

The plain way is what a script would do for each variant: ``copier copy``, ``uv sync``, ``uv run
pytest``. Both ways find the packages in uv's cache. Run it from the repository:

    uv run python benchmarks/matrix_speed.py --variants 32 --seed 1
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from services import ROOT, run

from servicewright.variants import Variant, variants


def plain(chosen: list[Variant], directory: Path) -> float:
    """Copy, install and test the variants one after the other, and give the seconds it took."""
    started = time.perf_counter()
    for variant in chosen:
        tree = directory / variant.id
        data = [f"--data={name}={value}" for name, value in variant.answers.items()]
        run(
            *(sys.executable, "-m", "copier", "copy", "--trust", "--defaults", "--quiet"),
            # The working tree as it is; the last release is what Copier takes otherwise.
            *("--vcs-ref=HEAD", "--data=package_name=service", *data, str(ROOT), str(tree)),
        )
        run("uv", "sync", "--quiet", cwd=tree)
        run("uv", "run", "--quiet", "pytest", "--quiet", cwd=tree)
    return time.perf_counter() - started


def matrix(chosen: list[Variant], cache: Path) -> float:
    """Run the same variants as the tests of this repository do, and give the seconds it took."""
    started = time.perf_counter()
    run(
        *(sys.executable, "-m", "pytest", "--quiet", "--again"),
        *(f"tests/matrix/test_suites.py::test_suite[{variant.id}]" for variant in chosen),
        environment={"MATRIX_CACHE": str(cache)},
    )
    return time.perf_counter() - started


def main() -> None:
    """Compare both ways and print what they took."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--variants", type=int, default=32, metavar="N", help="how many")
    parser.add_argument("--seed", type=int, default=1, help="chooses other variants")
    options = parser.parse_args()
    chosen = random.Random(options.seed).sample(variants(ROOT), options.variants)  # noqa: S311

    with tempfile.TemporaryDirectory(prefix="servicewright-benchmark-") as name:
        directory = Path(name).resolve()
        # The first call makes the environments, which later runs of the matrix find.
        times = {
            "matrix, environments made anew": matrix(chosen, directory / "cache"),
            "matrix": matrix(chosen, directory / "cache"),
            "plain loop": plain(chosen, directory),
        }
    print(f"{len(chosen)} variants, seed {options.seed}, {os.cpu_count()} cores")  # noqa: T201
    for way, seconds in times.items():
        ratio = times["plain loop"] / seconds
        print(f"{way:32} {seconds:7.1f} s {seconds / len(chosen):6.2f} s each {ratio:6.1f} x")  # noqa: T201


if __name__ == "__main__":
    main()
