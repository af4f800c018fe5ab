"""The fast way of running suites is an honest one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from matrix.plugin import ROOT
from matrix.rendering import SAME_ANSWERS, Renderer
from matrix.suites import Runner, stay_on_one_processor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from matrix.environments import Environments

    Project = Callable[..., Path]

NEEDS = ["pytest>=9.2,<10", "pytest-cov>=7.1,<8", "httpx2>=2.16,<3"]


@pytest.fixture(scope="session")
def environment(environments: Environments) -> Path:
    """An environment for small projects."""
    return environments.get(NEEDS)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Give what writes a project with a suite of one file."""

    def write(name: str, tests: str) -> Path:
        tree = tmp_path / name
        (tree / "tests").mkdir(parents=True)
        (tree / "tests" / "test_it.py").write_text(textwrap.dedent(tests))
        (tree / "pyproject.toml").write_text(
            '[tool.pytest]\ntestpaths = ["tests"]\nfilterwarnings = ["error"]\n'
        )
        return tree

    return write


# Suites are forked in a default run, and in a new interpreter each in the others.
@pytest.fixture(
    params=[
        pytest.param(False, id="forked"),
        pytest.param(True, id="fresh", marks=pytest.mark.thorough),
    ]
)
def runs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Runner]:
    """A runner of either kind."""
    with Runner(tmp_path / "runs", fresh=request.param) as runner:
        yield runner


def test_a_suite_that_passes(runs: Runner, project: Project, environment: Path) -> None:
    result = runs.run(project("good", "def test_it(): pass\ndef test_more(): pass"), environment)

    assert result.problems == []
    assert result.tests == 2
    assert result.cpu > 0


@pytest.mark.parametrize(
    ("tests", "problem", "log"),
    [
        ("def test_it(): assert 1 == 2", "tests/test_it.py::test_it: failed", "assert 1 == 2"),
        (
            "import sqlalchemy\ndef test_it(): pass",
            "tests/test_it.py: failed",
            "No module named 'sqlalchemy'",
        ),
        (
            "import os\ndef test_it(): os._exit(0)\ndef test_more(): pass",
            "The suite ended with status 0 before its tests were over.",
            "",
        ),
        (
            "import pytest\ndef test_it(): pytest.exit('enough', 0)\ndef test_more(): pass",
            "0 of 2 tests passed.",
            "enough",
        ),
        (
            "import os, signal\ndef test_it(): os.kill(os.getpid(), signal.SIGKILL)",
            "The suite was ended by signal 9.",
            "",
        ),
        ("x = 1", "The suite has no tests.", "no tests ran"),
        (
            "import pytest\ndef test_it(): pass\ndef test_more(): pytest.skip('not today')",
            "tests/test_it.py::test_more: skipped",
            "",
        ),
        (
            "import pytest\n@pytest.mark.xfail\ndef test_it(): assert False",
            "0 of 1 tests passed.",
            "",
        ),
        (
            "import warnings\ndef test_it(): warnings.warn('old', DeprecationWarning)",
            "tests/test_it.py::test_it: failed",
            "DeprecationWarning: old",
        ),
        (
            "import os\ndef test_it(): os.environ['LEFT'] = 'behind'",
            "The suite leaves environment variables changed: LEFT.",
            "",
        ),
        (
            "def test_it(): open('left.txt', 'w').close()",
            "The suite leaves files in the project: left.txt.",
            "",
        ),
        (
            "from subprocess import Popen\ndef test_it(): Popen.kept = Popen(['sleep', '300'])",
            "The suite leaves processes running.",
            "",
        ),
        (
            "import os\ndef test_it(): assert os.system('setsid --fork sleep 300') == 0",
            "The suite leaves processes running.",
            "",
        ),
    ],
)
def test_a_suite_that_goes_wrong_is_told_from_those_around_it(  # noqa: PLR0913, PLR0917
    runs: Runner, project: Project, environment: Path, tests: str, problem: str, log: str
) -> None:
    before = runs.run(project("before", "def test_it(): pass"), environment)
    wrong = runs.run(project("wrong", tests), environment)
    after = runs.run(project("after", "def test_it(): pass"), environment)

    assert before.problems == []
    assert problem in wrong.problems
    assert log in wrong.log
    assert after.problems == []


@pytest.mark.parametrize(
    ("tests", "place"),
    [
        ("import time\ndef test_it():\n    time.sleep(300)", "in test_it"),
        (
            (
                "from threading import Thread\nfrom time import sleep\n"
                "def nap():\n    sleep(300)\ndef test_it():\n    Thread(target=nap).start()"
            ),
            "in nap",
        ),
    ],
    ids=["test", "thread"],
)
def test_a_suite_that_hangs(
    runs: Runner, project: Project, environment: Path, tests: str, place: str
) -> None:
    hanging = project("hanging", tests)
    started = time.monotonic()

    wrong = runs.run(hanging, environment, timeout=5)
    after = runs.run(project("after", "def test_it(): pass"), environment)

    assert time.monotonic() - started < 60
    assert wrong.problems == ["The suite had not ended after 5 seconds."]
    assert place in wrong.log
    assert after.problems == []


def test_what_a_suite_changes_ends_with_it(
    runs: Runner, project: Project, environment: Path
) -> None:
    leak = """
        import os
        from pathlib import Path
        import httpx2

        def test_it():
            assert not hasattr(httpx2, "leaked")
            assert "LEAKED" not in os.environ
            assert not Path("leaked").exists()
            assert not Path("~/leaked").expanduser().exists()
            httpx2.leaked = True
            os.environ["LEAKED"] = "yes"
            Path("leaked").touch()
            Path("~/leaked").expanduser().touch()
    """

    for name in ("first", "second"):
        result = runs.run(project(name, leak), environment)
        assert result.problems == [
            "The suite leaves environment variables changed: LEAKED.",
            "The suite leaves files in the project: leaked.",
        ]


def test_nothing_of_a_project_is_imported_for_the_next(
    runs: Runner, project: Project, environment: Path
) -> None:
    first = project("first", "import helper\ndef test_it(): assert helper.NAME == 'first'")
    second = project("second", "import helper\ndef test_it(): assert helper.NAME == 'second'")
    for tree in (first, second):
        (tree / "tests" / "helper.py").write_text(f"NAME = {tree.name!r}\n")

    assert runs.run(first, environment).problems == []
    assert runs.run(second, environment).problems == []


def test_a_file_that_two_projects_have_is_blamed_on_the_right_one(
    runs: Runner, project: Project, environment: Path
) -> None:
    for name in ("first", "second"):
        tree = project(name, "import helper\ndef test_it():\n    assert helper.NAME == 'first'")
        (tree / "tests" / "helper.py").write_text(f"NAME = {name!r}\n")
        result = runs.run(tree, environment)

    assert result.problems[0] == "pytest ended with status 1."
    assert "\ntests/test_it.py:3: in test_it\n" in result.log
    assert "assert 'second' == 'first'" in result.log


def test_the_environment_of_the_developer_stays_out(
    project: Project, environment: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:///precious.db")
    tree = project("one", "import os\ndef test_it(): assert 'DATABASE_URL' not in os.environ")

    with Runner(tmp_path / "runs") as runner:
        assert runner.run(tree, environment).problems == []


@pytest.mark.skipif(sys.platform != "linux", reason="Linux is told where a process shall run")
@pytest.mark.parametrize("processes", [1, os.cpu_count() or 1], ids=["one", "enough"])
def test_each_processor_gets_a_process_if_there_are_enough(
    processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = os.sched_getaffinity(0)
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", str(processes))
    used = []
    for number in range(processes):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", f"gw{number}")
        with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
            stay_on_one_processor(process.pid)
            used.append(os.sched_getaffinity(process.pid))

    assert set().union(*used) == own
    assert processes == 1 or all(len(one) == 1 for one in used)


def test_a_fast_render_writes_what_copier_writes(renderer: Renderer, tmp_path: Path) -> None:
    tree = renderer.tree("flask-settings-sqlite-modular")
    template = tree.path.parents[1] / "template"
    options = [f"--data={name}={value}" for name, value in tree.variant.answers.items()]
    subprocess.run(
        [
            *(sys.executable, "-m", "copier", "copy", "--trust", "--defaults", "--quiet"),
            *("--answers-file", ".copier-answers.yml", *options, *same_answers()),
            *(str(template), str(tmp_path / "copy")),
        ],
        check=True,
        stdin=subprocess.DEVNULL,
    )

    assert {
        path.relative_to(tmp_path / "copy").as_posix(): path.read_bytes()
        for path in (tmp_path / "copy").rglob("*")
        if path.is_file()
    } == tree.files


def test_the_time_of_a_render_is_known_to_those_who_find_it_done(
    renderer: Renderer, tmp_path: Path
) -> None:
    name = "flask-settings-sqlite-modular"
    template = renderer.tree(name).path.parents[1] / "template"
    first, second = (Renderer(template, tmp_path / "trees") for _ in range(2))
    first.tree(name)

    assert second.tree(name).files == first.tree(name).files
    assert second.cpu(name) == first.cpu(name) > 0


def same_answers() -> list[str]:
    """Give the answers that all variants share, as options of Copier."""
    return [f"--data={name}={value}" for name, value in SAME_ANSWERS.items()]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    command = [
        *(sys.executable, "-m", "pytest", "tests/matrix/test_suites.py", "--again"),
        *(
            "-n",
            "2",
            "--dist",
            "worksteal",
            "-p",
            "no:cacheprovider",
            "--basetemp",
            str(tmp_path / "base"),
        ),
    ]
    run = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not list(temporary.glob("servicewright-*/runs/*/log.txt")):
        assert run.poll() is None, run.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    started = processes_about(temporary)

    # A terminal sends it to all processes in the foreground, `kill` only to one.
    os.killpg(run.pid, signal.SIGINT)
    output, _ = run.communicate(timeout=60)

    assert run.returncode == 2, output
    assert started
    deadline = time.monotonic() + 10
    while processes_about(temporary) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_about(temporary) == []
    assert list(temporary.iterdir()) == []
    assert Path(tempfile.gettempdir()) != temporary
    shutil.rmtree(tmp_path / "base", ignore_errors=True)


def processes_about(directory: Path) -> list[str]:
    """List the processes that were told of a directory, by their commands or environments."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
        except OSError:
            continue
        if str(directory).encode() in told and process.name != str(os.getpid()):
            found.append(f"{process.name} {(process / 'cmdline').read_text()}")
    return found
