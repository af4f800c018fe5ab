"""What the tests of all variants share: an option, fixtures, and the report of a run."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from matrix.covering import SUITES
from matrix.environments import Environments
from matrix.postgresql import PostgreSQL
from matrix.progress import Progress
from matrix.reading import Passes
from matrix.recording import Recorder
from matrix.rendering import Renderer
from matrix.report import Report
from matrix.running import Suites
from matrix.suites import Runner
from servicewright import questions
from servicewright.questions import parse_answers
from servicewright.variants import Variant, fair, having, variants

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("MATRIX_CACHE", ROOT / ".cache" / "matrix"))
# What all trees and the files of a few suites need, several times over.
ENOUGH_MEMORY = 2 * 1024**3
SCRATCH = pytest.StashKey[Path]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that say which suites are run."""
    parser.addoption(
        "--shard",
        metavar="K/N",
        default="1/1",
        help="of N parts of the suites, each a fair sample of all of them, run the Kth",
    )
    parser.addoption(
        "--all",
        action="store_true",
        help="run the suites of all variants, not only of those in which any few answers meet",
    )
    parser.addoption(
        "--suites",
        metavar="N",
        type=int,
        default=SUITES,
        help="run so many suites: any few answers meet in them, and more of them in more suites",
    )
    parser.addoption(
        "--again",
        action="store_true",
        help="run suites although the same bytes have passed in an earlier run",
    )
    parser.addoption(
        "--proof", metavar="FILE", type=Path, help="what proving.py finds is written to this file"
    )
    parser.addoption(
        "--having",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="of the variants that proving.py is about take those with this answer",
    )
    parser.addoption(
        "--resolution",
        choices=["highest", "lowest-direct"],
        default="highest",
        help="run suites with the newest or with the lowest of the versions that are allowed",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the directory that all processes of this run share."""
    if hasattr(config, "workerinput"):
        config.stash[SCRATCH] = Path(config.workerinput["matrix_scratch"])
        return
    # Being told to end is as good a reason to tidy up as Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    scratch = tempfile.mkdtemp(prefix="servicewright-", dir=memory())
    config.stash[SCRATCH] = Path(scratch).resolve()
    config.pluginmanager.register(Report(CACHE / "report.html"), "matrix-report")
    if (proof := config.getoption("proof")) is not None:
        resolution: str = config.getoption("resolution")
        recorder = Recorder(proof, ROOT, resolution, len(chosen(config)))
        config.pluginmanager.register(recorder, "matrix-proof")
    config.pluginmanager.register(Progress(CACHE / "durations.json"), "matrix-progress")
    Passes(CACHE / "passed", scratch).tidy_up()


def chosen(config: pytest.Config) -> list[Variant]:
    """List the variants that are to be proved."""
    pairs = [text.partition("=")[::2] for text in config.getoption("having")]
    wanted = parse_answers(questions.read(ROOT), pairs)
    every = having(variants(ROOT), wanted)
    return [every[number] for number in fair(every, config.getoption("shard"))]


def memory() -> str | None:
    """Name a directory in memory, if there is a large one, unless TMPDIR says where files go.

    Suites commit to databases all the time. A disk makes them wait for each commit.
    """
    directory = Path("/dev/shm")  # noqa: S108 - only for a directory with a name of its own
    if "TMPDIR" in os.environ or not os.access(directory, os.W_OK):
        return None
    return str(directory) if shutil.disk_usage(directory).free > ENOUGH_MEMORY else None


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a process of pytest-xdist where the directory is."""
    node.workerinput["matrix_scratch"] = str(node.config.stash[SCRATCH])


# After pytest-xdist has ended its processes, which happens at the end of the session.
def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the directory."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(config.stash[SCRATCH], ignore_errors=True)


@pytest.fixture(scope="session")
def scratch(pytestconfig: pytest.Config) -> Path:
    """A directory that all processes of this run share and that ends with it."""
    return pytestconfig.stash[SCRATCH]


def copy_template(directory: Path) -> None:
    """Copy what the template of this working tree is made of, without the caches of tools."""
    shutil.copy2(ROOT / "copier.yml", directory)
    caches = shutil.ignore_patterns("__pycache__", ".*_cache")
    for folder in ("extensions", "template"):
        shutil.copytree(ROOT / folder, directory / folder, ignore=caches)


def shared_template(scratch: Path) -> Path:
    """Copy the template of this working tree once for all processes."""
    template = scratch / "template"
    if not template.exists():
        draft = scratch / f"template-{os.getpid()}"
        draft.mkdir()
        copy_template(draft)
        try:
            draft.rename(template)
        except OSError:
            # Another process was faster.
            shutil.rmtree(draft)
    return template


@pytest.fixture(scope="session")
def renderer(scratch: Path) -> Renderer:
    """What renders the variants of this working tree."""
    return Renderer(shared_template(scratch), scratch / "trees")


@pytest.fixture(scope="session")
def environments(pytestconfig: pytest.Config) -> Environments:
    """The environments for this Python with the versions that are wanted."""
    return Environments(CACHE / "environments", resolution=pytestconfig.getoption("resolution"))


@pytest.fixture(scope="session")
def passes(scratch: Path, pytestconfig: pytest.Config) -> Passes:
    """The suites that have passed, now or in an earlier run."""
    again: bool = pytestconfig.getoption("again")
    return Passes(CACHE / "passed", scratch.name, again=again)


@pytest.fixture(scope="session")
def runner(scratch: Path) -> Iterator[Runner]:
    """What runs suites, with all that they import imported once."""
    with Runner(scratch / "runs") as runner:
        yield runner


@pytest.fixture(scope="session")
def postgresql(scratch: Path) -> Iterator[PostgreSQL]:
    """A PostgreSQL server for the suites that this process runs."""
    server = PostgreSQL(scratch / f"pg{os.getpid()}")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def suites(  # noqa: PLR0913, PLR0917 - each is a fixture
    renderer: Renderer,
    environments: Environments,
    runner: Runner,
    postgresql: PostgreSQL,
    passes: Passes,
    scratch: Path,
) -> Suites:
    """What runs the suites of this process."""
    return Suites(
        renderer, environments, runner, postgresql, passes, scratch.name, CACHE / "failed"
    )
