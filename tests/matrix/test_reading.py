"""A suite is not run again when the very same bytes have passed, and only then."""

from __future__ import annotations

import shutil
import sys
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from matrix.plugin import copy_template
from matrix.reading import KEPT_DAYS, Opened, Passes, Reads, circumstances, write
from matrix.rendering import Renderer, Tree
from matrix.suites import Runner
from servicewright.variants import Variant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from matrix.environments import Environments

    Change = Callable[[Path, str], None]

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere a suite counts as reading all there is"
)

NEEDS = ["pytest>=9.2,<10", "pytest-cov>=7.1,<8", "httpx2>=2.16,<3"]

# A suite that learns of files in every way there is.
SUITE = """
import os
import subprocess
import sys
from pathlib import Path

import helper
import orders


def test_reads():
    assert helper.NAME
    assert Path("data/opened.txt").read_text()
    assert (Path("data") / "measured.txt").stat().st_size
    assert os.path.exists("data/there.txt")
    assert not Path("missing.txt").exists()
    assert os.listdir("data/listed")
    subprocess.run(["cat", "data/by_another_program.txt"], check=True)
    program = "import os; os.path.exists('kept/asked_by_another_program.txt')"
    subprocess.run([sys.executable, "-c", program], check=True)
"""

FILES = {
    "pyproject.toml": '[tool.pytest]\ntestpaths = ["tests"]\npythonpath = ["src"]\n',
    "README.md": "# Example\n",
    ".github/workflows/checks.yml": "on: push\n",
    "data/opened.txt": "text\n",
    "data/measured.txt": "text\n",
    "data/there.txt": "text\n",
    "data/listed/one.txt": "text\n",
    "data/by_another_program.txt": "text\n",
    "data/unread.txt": "text\n",
    "src/orders/__init__.py": "",
    "src/orders/unused.py": "",
    "tests/helper.py": "NAME = 'helper'\n",
    "tests/test_reads.py": SUITE,
}


def project(directory: Path) -> Tree:
    """Write a project and give it."""
    for path, text in FILES.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(textwrap.dedent(text))
    return Tree(Variant("example", {}), directory)


@pytest.fixture(scope="module")
def ran(environments: Environments, tmp_path_factory: pytest.TempPathFactory) -> Passes:
    """What is kept of one run of the suite."""
    tree = project(tmp_path_factory.mktemp("project"))
    passes = Passes(tmp_path_factory.mktemp("passes"), "first")
    with Runner(tmp_path_factory.mktemp("runs")) as runner:
        result = runner.run(tree.path, environments.get(NEEDS))
    assert result.problems == [], result.log
    assert passes.find(tree, "here") is None
    passes.add(tree, "here", result.reads, result.tests)
    return passes


def add(tree: Path, path: str) -> None:
    """Add a file with its directory."""
    (tree / path).parent.mkdir(parents=True, exist_ok=True)
    (tree / path).write_text("more\n")


def append(tree: Path, path: str) -> None:
    """Add a line to a file."""
    with (tree / path).open("a") as file:
        file.write("# more\n")


def remove(tree: Path, path: str) -> None:
    """Remove a file."""
    (tree / path).unlink()


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (append, "pyproject.toml"),
        (append, "data/opened.txt"),
        (append, "data/measured.txt"),
        (append, "data/by_another_program.txt"),
        (append, "src/orders/__init__.py"),
        (append, "tests/helper.py"),
        (append, "tests/test_reads.py"),
        (remove, "data/there.txt"),
        (remove, "data/opened.txt"),
        (add, "missing.txt"),
        (add, "data/listed/two.txt"),
        (add, "kept/asked_by_another_program.txt"),
        # What Python and pytest would take without being told to.
        (add, "tests/test_more.py"),
        (add, "tests/conftest.py"),
        (add, "tests/helper/__init__.py"),
        (add, "src/pytest_cov.py"),
        (add, "src/orders/__init__.abi3.so"),
        (add, "pytest.toml"),
        (add, "tox.ini"),
        (add, ".env"),
    ],
)
def test_a_change_of_anything_that_was_read_counts(
    ran: Passes, tmp_path: Path, change: Change, path: str
) -> None:
    tree = project(tmp_path)
    assert ran.find(tree, "here") is not None

    change(tmp_path, path)

    assert ran.find(replace(tree), "here") is None


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (append, "README.md"),
        (append, ".github/workflows/checks.yml"),
        (append, "data/unread.txt"),
        (append, "data/there.txt"),
        (append, "src/orders/unused.py"),
        (add, ".github/workflows/more.yml"),
        (add, "docs/more.md"),
        (add, "justfile"),
        (remove, ".github/workflows/checks.yml"),
    ],
)
def test_a_change_of_what_was_not_read_does_not_count(
    ran: Passes, tmp_path: Path, change: Change, path: str
) -> None:
    tree = project(tmp_path)

    change(tmp_path, path)

    found = ran.find(replace(tree), "here")
    assert found is not None
    assert (found.variant, found.tests, found.run) == ("example", 1, "first")


def test_other_circumstances_count(ran: Passes, tmp_path: Path) -> None:
    assert ran.find(project(tmp_path), "elsewhere") is None


def test_what_circumstances_are(
    environments: Environments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = circumstances(environments.get(NEEDS), {})
    assert circumstances(environments.get(NEEDS), {}) == plain
    seen = {
        plain,
        circumstances(environments.get(NEEDS[:2]), {}),
        circumstances(environments.get(NEEDS), {"TEST_DATABASE_URL": "sqlite://"}),
        circumstances(environments.get(NEEDS), {}, ["--cov"]),
    }
    copy = tmp_path / "environment"
    shutil.copytree(environments.get(NEEDS), copy, symlinks=True)
    assert circumstances(copy, {}) == plain
    for number, (path, old, new) in enumerate(
        [
            ("pyvenv.cfg", "version_info = 3", "version_info = 4"),
            ("pyvenv.cfg", "home = ", "home ="),
        ]
    ):
        other = tmp_path / str(number)
        shutil.copytree(copy, other, symlinks=True)
        text = (other / path).read_text()
        assert old in text
        (other / path).write_text(text.replace(old, new))
        seen.add(circumstances(other, {}))
    updated = tmp_path / "updated"
    shutil.copytree(copy, updated, symlinks=True)
    (installed,) = updated.rglob("pytest-9*.dist-info")
    installed.rename(installed.with_name("pytest-9.9.9.dist-info"))
    seen.add(circumstances(updated, {}))
    monkeypatch.setenv("TZ", "Pacific/Apia")
    seen.add(circumstances(environments.get(NEEDS), {}))
    assert len(seen) == 8


def test_what_an_earlier_run_has_kept_can_be_left_alone(ran: Passes, tmp_path: Path) -> None:
    tree = project(tmp_path)
    kept = ran._directory  # noqa: SLF001

    assert Passes(kept, "second").find(tree, "here") is not None
    assert Passes(kept, "second", again=True).find(tree, "here") is None
    assert Passes(kept, "first", again=True).find(tree, "here") is not None


def test_where_reading_cannot_be_seen_everything_counts(tmp_path: Path) -> None:
    passes = Passes(tmp_path / "passes", "first")
    tree = project(tmp_path / "project")
    passes.add(tree, "here", None, 1)
    assert passes.find(replace(tree), "here") is not None

    for change, path in ((append, "README.md"), (add, "justfile")):
        change(tree.path, path)
        assert passes.find(replace(tree), "here") is None
        passes.add(replace(tree), "here", None, 1)


def test_more_events_than_the_system_keeps_are_taken_for_everything(tmp_path: Path) -> None:
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    for name in "ab":
        (tmp_path / name).touch()

    with Opened(tmp_path) as few:
        (tmp_path / "a").read_text()
    with Opened(tmp_path) as many:
        for number in range(most + 2):
            # Events that are the same as the one before are one.
            (tmp_path / "ab"[number % 2]).open().close()

    assert few.reads == Reads(("a",), (), ())
    assert many.reads is None


def test_what_is_not_used_for_long_is_forgotten(
    ran: Passes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "passes"
    shutil.copytree(ran._directory, kept)  # noqa: SLF001
    passes, tree = Passes(kept, "second"), project(tmp_path / "project")
    write(kept / "here" / "reads-0.json", '{"read": [], "looked_for": [], "listed": []}')

    passes.tidy_up()
    assert passes.find(tree, "here") is not None
    monkeypatch.setattr("matrix.reading.KEPT_DAYS", -KEPT_DAYS)
    passes.tidy_up()
    assert passes.find(tree, "here") is None
    assert list(kept.glob("*/*")) == []


# The template


@pytest.fixture(scope="module")
def template_of_this_module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the template that tests change, one after the other."""
    copy = tmp_path_factory.mktemp("template")
    copy_template(copy)
    return copy


VARIANTS = ("fastapi", "fastapi-cors", "flask", "flask-cors")

CHANGES = {
    "[[ when.cors ]]/[[ when.flask ]]/src/[[ package_name ]]/cors.py": {"flask-cors"},
    "[[ when.cors ]]/tests/test_cors.py": {"fastapi-cors", "flask-cors"},
    "[[ when.flask ]]/src/[[ package_name ]]/errors.py": {"flask", "flask-cors"},
    "README.md": set(),
}


@pytest.fixture(scope="module")
def all_ran(
    template_of_this_module: Path,
    environments: Environments,
    runner: Runner,
    tmp_path_factory: pytest.TempPathFactory,
) -> Passes:
    """What is kept of a run of the suites of some variants."""
    passes = Passes(tmp_path_factory.mktemp("passes"), "first")
    renderer = Renderer(template_of_this_module, tmp_path_factory.mktemp("trees"))
    for name in VARIANTS:
        tree = renderer.tree(name)
        environment = environments.get(tree.requirements)
        assert passes.find(tree, circumstances(environment, {})) is None
        result = runner.run(tree.path, environment)
        assert result.problems == [], result.log
        passes.add(tree, circumstances(environment, {}), result.reads, result.tests)
    return passes


@pytest.fixture
def changed(template_of_this_module: Path) -> Iterator[Callable[[str], None]]:
    """Give what adds a line to a file of the template for the time of a test."""
    before: dict[Path, str] = {}

    def change(path: str) -> None:
        file = template_of_this_module / "template" / path
        before[file] = file.read_text()
        file.write_text(f"{before[file]}# One line more.\n")

    yield change
    for file, text in before.items():
        file.write_text(text)


@pytest.mark.parametrize(("path", "concerned"), CHANGES.items(), ids=list(CHANGES))
def test_a_changed_line_concerns_exactly_the_variants_whose_suites_read_it(  # noqa: PLR0913, PLR0917
    template_of_this_module: Path,
    environments: Environments,
    all_ran: Passes,
    changed: Callable[[str], None],
    tmp_path: Path,
    path: str,
    concerned: set[str],
) -> None:
    changed(path)

    renderer = Renderer(template_of_this_module, tmp_path / "trees")
    again = set()
    for name in VARIANTS:
        tree = renderer.tree(name)
        if all_ran.find(tree, circumstances(environments.get(tree.requirements), {})) is None:
            again.add(name)

    assert again == concerned
