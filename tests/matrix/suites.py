"""Runs the suites of rendered projects and judges how they ended."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matrix.environments import PRELOAD, interpreter
from matrix.reading import Opened, Reads

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import Self

SERVER = Path(__file__).with_name("suite_server.py")

# What a suite is given of the environment of this process.
KEPT = ("LANG", "LC_ALL", "PATH", "SYSTEMROOT", "TZ")

# Files that a run of a suite leaves behind without having done anything wrong.
EXPECTED = (".coverage", "__pycache__", ".pytest_cache")

# Whether processes can be forked and watched. macOS can fork, but not all of its libraries can.
FORKS = sys.platform == "linux"

# Servers that wait for suites with other requirements; each has memory of its own.
MOST_SERVERS = 3


@dataclass(frozen=True)
class Result:
    """How the run of a suite ended.

    Attributes:
        problems: What was wrong with it, one sentence each; the suite passed when there is none.
        tests: How many tests passed.
        seconds: How long it took.
        cpu: The seconds of processor time that it took.
        log: What it wrote.
        reads: What it read of the project; None where that is not known.
    """

    problems: list[str]
    tests: int
    seconds: float
    cpu: float
    log: str = field(repr=False)
    reads: Reads | None = field(repr=False)


class Server:
    """A process that runs suites in one environment (see suite_server.py)."""

    def __init__(self, environment: Path, home: Path, *, fresh: bool) -> None:
        self._process = subprocess.Popen(
            [
                *(str(interpreter(environment)), "-P", str(SERVER)),
                str(environment / ("fresh" if fresh else PRELOAD)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=given(home),
            # It ends when its input does: Ctrl-C must not reach it while it looks after a suite.
            start_new_session=True,
        )
        stay_on_one_processor(self._process.pid)

    def run(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Run one suite."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{SERVER.name} ended with status {self._process.wait()}.")
        report: dict[str, Any] = json.loads(answer)
        return report

    def stop(self) -> None:
        """End the process and wait until it is gone."""
        with self._process:
            pass


class Processes:
    """Runs each suite in an interpreter that is started for it, where there is no fork."""

    def __init__(self, environment: Path, home: Path, *, fresh: bool) -> None:
        self._command = [str(interpreter(environment)), "-P", str(SERVER), "--once"]
        self._variables = given(home)
        assert fresh

    def run(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Run one suite."""
        started = time.monotonic()
        with subprocess.Popen([*self._command, json.dumps(request)], env=self._variables) as suite:
            try:
                status: int | None = suite.wait(request["timeout"])
            except subprocess.TimeoutExpired:
                suite.kill()
                status = None
        seconds = time.monotonic() - started
        return {"status": status, "survivors": False, "cpu": 0.0, "seconds": seconds}

    def stop(self) -> None:
        """Nothing runs that could be ended."""


def stay_on_one_processor(process: int) -> None:
    """Keep a process, and all that it starts from now on, on one processor.

    Each process of pytest-xdist has another one for what it starts. FastAPI's test client hands
    each request from thread to thread, of which only one runs at a time: spread over processors
    they wait to be woken up.

    A run with fewer processes than there are processors leaves the choice to the system: two such
    runs would choose the same processors and leave the others idle.

    Args:
        process: The number of the process.
    """
    if sys.platform == "linux":
        own = sorted(os.sched_getaffinity(0))
        if int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) >= len(own):
            turn = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
            os.sched_setaffinity(process, {own[turn % len(own)]})


def given(home: Path) -> dict[str, str]:
    """Give the environment variables that suites have: nothing of the developer's."""
    return {name: os.environ[name] for name in KEPT if name in os.environ} | {"HOME": str(home)}


class Runner:
    """Runs suites, with a server for each environment that was used lately.

    Args:
        scratch: A directory for what is only needed during a run.
        fresh: Whether each suite gets a new interpreter instead of a copy of one that has
            imported what is needed.
    """

    def __init__(self, scratch: Path, *, fresh: bool = False) -> None:
        self._scratch = scratch
        self._fresh = fresh or not FORKS
        self._servers: OrderedDict[Path, Server | Processes] = OrderedDict()
        self._count = 0

    def __enter__(self) -> Self:
        """Give the runner itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End all servers."""
        while self._servers:
            self._servers.popitem()[1].stop()

    def run(
        self,
        tree: Path,
        environment: Path,
        *,
        timeout: float = 120,
        variables: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
    ) -> Result:
        """Run the suite of the project in ``tree`` with an environment.

        Args:
            tree: The project.
            environment: The environment to run it in.
            timeout: How many seconds it may take.
            variables: Environment variables for the suite.
            arguments: Arguments for pytest besides the usual ones, such as files of the suite.
        """
        self._count += 1
        # Short, as sockets may be made here and their paths must be.
        own = self._scratch / f"{os.getpid()}-{self._count}"
        temporary = own / "tmp"
        temporary.mkdir(parents=True)
        log, outcome = own / "log.txt", own / "outcome.json"
        before = listing(tree)
        server = self._server(environment)
        try:
            with Opened(tree) as opened:
                report = server.run(
                    {
                        "tree": str(tree),
                        "log": str(log),
                        "outcome": str(outcome),
                        "timeout": timeout,
                        "fresh": self._fresh,
                        "environment": {
                            "HOME": str(own),
                            "TMPDIR": str(temporary),
                            "PYTEST_DEBUG_TEMPROOT": str(temporary),
                            **(variables or {}),
                        },
                        "arguments": list(arguments),
                    }
                )
            text = log.read_text(errors="replace") if log.exists() else ""
            ended = json.loads(outcome.read_text()) if outcome.exists() else None
        finally:
            shutil.rmtree(own, ignore_errors=True)
        return Result(
            problems=judge(report, ended, listing(tree) - before, timeout),
            tests=ended["passed"] if ended else 0,
            seconds=report["seconds"],
            cpu=report["cpu"],
            log=text,
            reads=together(opened.reads, ended, before) if ended else None,
        )

    def _server(self, environment: Path) -> Server | Processes:
        if environment in self._servers:
            self._servers.move_to_end(environment)
        else:
            if len(self._servers) == MOST_SERVERS:
                self._servers.popitem(last=False)[1].stop()
            kind = Server if FORKS else Processes
            self._servers[environment] = kind(environment, self._scratch, fresh=self._fresh)
        return self._servers[environment]


def together(opened: Reads | None, ended: Mapping[str, Any], files: set[str]) -> Reads | None:
    """Join what was seen from outside with what a suite itself noted, as far as it can recur."""
    if opened is None:
        return None
    whether, more = (
        [
            path
            for path in ended[kind]
            if not any(part.startswith(EXPECTED) for part in Path(path).parts)
        ]
        for kind in ("whether", "more")
    )
    read = {*more, *files.intersection(opened.read)}
    return Reads(tuple(sorted(read)), tuple(sorted(set(whether) - read)), opened.listed)


def judge(
    report: Mapping[str, Any],
    ended: Mapping[str, Any] | None,
    left: set[str],
    timeout: float,
) -> list[str]:
    """List what is wrong with a run, from how its process ended and what it says itself.

    Args:
        report: What the server says.
        ended: The outcome that the process wrote before its end, if it came so far.
        left: The files that are in the project now and were not before.
        timeout: How many seconds the run was given.
    """
    status = report["status"]
    problems = []
    if status is None:
        problems.append(f"The suite had not ended after {timeout:g} seconds.")
    elif status < 0:
        problems.append(f"The suite was ended by signal {-status}.")
    elif ended is None:
        problems.append(f"The suite ended with status {status} before its tests were over.")
    if ended is not None:
        problems += judge_tests(ended)
    if left:
        problems.append(f"The suite leaves files in the project: {', '.join(sorted(left))}.")
    if report["survivors"]:
        problems.append("The suite leaves processes running.")
    return problems


def judge_tests(ended: Mapping[str, Any]) -> list[str]:
    """List what is wrong with a run that came to its end, from what it says itself."""
    problems = []
    if ended["code"] != 0:
        problems.append(f"pytest ended with status {ended['code']}.")
    if ended["collected"] == 0:
        problems.append("The suite has no tests.")
    if ended["passed"] < ended["collected"]:
        problems.append(f"{ended['passed']} of {ended['collected']} tests passed.")
    problems += [f"{name}: {outcome}" for name, outcome in ended["other"].items()]
    if ended["environment"]:
        names = ", ".join(ended["environment"])
        problems.append(f"The suite leaves environment variables changed: {names}.")
    return problems


def listing(tree: Path) -> set[str]:
    """Name the files of a project, but for those that any run makes."""
    return {
        path.relative_to(tree).as_posix()
        for path in tree.rglob("*")
        if not path.is_dir() and not any(part in EXPECTED for part in path.relative_to(tree).parts)
    }
