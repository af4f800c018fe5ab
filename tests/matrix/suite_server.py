"""Runs the suites of rendered projects, one after the other, each in a process of its own.

This is a program for the interpreter of a project's environment, so it needs nothing but Python
and pytest. It imports what the suites import once, then forks for each suite: the imports are
most of what a fresh process would spend its time on. Nothing of a project is ever imported here,
only in the processes that are made for it.

Each line of standard input is a request, each line of standard output the answer to it, both in
JSON (see :class:`matrix.suites.Runner`). When its input ends, the program ends, with all that it
started.
"""

from __future__ import annotations

import contextlib
import faulthandler
import functools
import gc
import hashlib
import importlib
import json
import marshal
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NoReturn

# How long a suite that is over its time may take to write down where it hangs.
LAST_WORDS = 2.0

ARGUMENTS = (
    "--color=no",
    "--tb=short",
    "-q",
    "-p",
    "no:cacheprovider",
    # Without it pytest looks through the whole project on its way to the tests, and a suite would
    # seem to depend on each file there is.
    "--confcutdir=tests",
    # Plugins that are already imported have nothing to rewrite: they hold no tests.
    "-W",
    "ignore:Module already imported:pytest.PytestAssertRewriteWarning",
)

# The functions of pathlib, os.path and the import system that ask what a path leads to.
WHETHER = frozenset(
    """
    exists isdir isfile islink is_dir is_file is_symlink lexists realpath resolve
    _path_isdir _path_isfile _path_is_mode_type find_spec
    """.split()
)


class Outcome:
    """A pytest plugin that counts what became of each test."""

    def __init__(self) -> None:
        self.collected = 0
        self.passed = 0
        self.other: dict[str, str] = {}

    def pytest_collection_finish(self, session: Any) -> None:
        """Count the tests that are to be run."""
        self.collected = len(session.items)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note how one part of a test ended."""
        expected_failure = hasattr(report, "wasxfail")
        if report.when == "call" and report.passed and not expected_failure:
            self.passed += 1
        elif not report.passed or expected_failure:
            self.other[report.nodeid] = report.outcome

    def pytest_collectreport(self, report: Any) -> None:
        """Note a file whose tests could not be found out."""
        if not report.passed:
            self.other[report.nodeid] = report.outcome


def run_suite(request: dict[str, Any], *, known: frozenset[str] = frozenset()) -> NoReturn:
    """Run the suite of one project in this process, write its outcome to a file and end.

    The file is the only sign of success: a process that ends in any other way leaves none.

    Args:
        request: What to run and where to write.
        known: The modules that were imported before.
    """
    import pytest  # noqa: PLC0415 - the environment's, not needed to serve

    tree = Path(request["tree"])
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.chdir(tree)
    os.environ.update(request["environment"])
    tempfile.tempdir = None
    sys.dont_write_bytecode = True
    environment = dict(os.environ)
    plugin = Outcome()
    whether, more = note_looks(str(tree))
    code = pytest.main([*ARGUMENTS, *request["arguments"]], plugins=[plugin])
    changed = {
        name
        for name in environment.keys() | os.environ.keys()
        if environment.get(name) != os.environ.get(name) and name != "PYTEST_VERSION"
    }
    outcome = {
        "code": int(code),
        "collected": plugin.collected,
        "passed": plugin.passed,
        "other": plugin.other,
        "environment": sorted(changed),
        "modules": new_modules(known),
        "whether": sorted(whether),
        "more": sorted(more),
    }
    sys.stdout.flush()
    sys.stderr.flush()
    draft = Path(request["outcome"] + ".draft")
    draft.write_text(json.dumps(outcome))
    draft.rename(request["outcome"])
    # pytest has switched off what tells where a process is that is told to abort.
    faulthandler.enable(2)
    # An interpreter ends when its threads have ended, and those of executors are told to.
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001
    # Neither what the suite registered to be done at the end nor freeing all memory matters now.
    os._exit(0)


def note_looks(tree: str) -> tuple[set[str], set[str]]:
    """Note what is asked about files of a project without opening them, from now on.

    Returns:
        The paths in the project of which it was asked whether there is something, and those of
        which more was asked, such as the size.
    """
    whether: set[str] = set()
    more: set[str] = set()

    def noting(look: Any) -> Any:
        @functools.wraps(look)
        def look_and_note(path: Any, *arguments: Any, **named: Any) -> Any:
            if not isinstance(path, int) and named.get("dir_fd") is None:
                place = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - asks for no file
                if place == tree or place.startswith(f"{tree}/"):
                    noted = whether if only_whether(sys._getframe(1)) else more  # noqa: SLF001
                    noted.add(place[len(tree) + 1 :] or ".")
            return look(path, *arguments, **named)

        return look_and_note

    # Imports do not ask os but the module below it.
    below = sys.modules[os.stat.__module__]
    for name in ("stat", "lstat", "access", "readlink"):
        look = getattr(os, name)
        noting_look = noting(look)
        for module in (os, below):
            setattr(module, name, noting_look)
        for supporting in (os.supports_fd, os.supports_dir_fd, os.supports_follow_symlinks):
            if look in supporting:
                supporting.add(noting_look)
    return whether, more


def only_whether(caller: FrameType | None) -> bool:
    """Say whether a look at a file is one of the functions that ask what is there, if anything."""
    for _ in range(3):
        if caller is not None:
            if caller.f_code.co_name in WHETHER:
                return True
            caller = caller.f_back
    return False


def keep_rewritten(directory: Path) -> None:
    """Make pytest rewrite the asserts of a file once for all projects that have this file.

    It is a tenth of the time of a suite. pytest keeps the result itself, but beside each file.

    Args:
        directory: Where the results are kept, for one version of Python and of pytest.
    """
    from _pytest.assertion import rewrite  # noqa: PLC0415 - the environment's

    rewrite_test = rewrite._rewrite_test  # noqa: SLF001

    def rewrite_once(path: Path, config: Any) -> tuple[Any, CodeType]:
        kept = directory / hashlib.sha256(path.read_bytes()).hexdigest()
        if kept.exists():
            # What comes first is only needed to write the result beside the file.
            return None, located(marshal.loads(kept.read_bytes()), str(path))  # noqa: S302
        rewritten = rewrite_test(path, config)
        draft = kept.with_suffix(f".{os.getpid()}")
        draft.write_bytes(marshal.dumps(rewritten[1]))
        draft.rename(kept)
        return rewritten

    directory.mkdir(exist_ok=True)
    rewrite._rewrite_test = rewrite_once  # type: ignore[assignment]  # noqa: SLF001


def located(code: CodeType, path: str) -> CodeType:
    """Give the same code of a file that is somewhere else: tracebacks tell where."""
    inner = (located(one, path) if isinstance(one, CodeType) else one for one in code.co_consts)
    return code.replace(co_filename=path, co_consts=tuple(inner))


def new_modules(known: frozenset[str]) -> list[str]:
    """Name the installed modules that were imported besides the known ones, in that order.

    The order matters: ``_asyncio`` before ``asyncio`` gives another asyncio than the usual one.
    """
    installed = (str(Path(sys.prefix).resolve()), str(Path(os.__file__).resolve().parent))
    found = []
    for name, module in list(sys.modules.items()):
        spec = getattr(module, "__spec__", None)
        if name in known or spec is None or spec.name != name:
            continue
        if not spec.has_location or str(Path(spec.origin or "").resolve()).startswith(installed):
            found.append(name)
    return found


class Server:
    """Forks for each suite that is asked for.

    Args:
        preload: A file that lists the modules to import first, one on each line. Modules that a
            suite imports besides are added to it.
    """

    def __init__(self, preload: Path) -> None:
        self._preload = preload
        self._learn(preload.read_text().split() if preload.exists() else ["pytest"])
        keep_rewritten(preload.with_name("rewritten"))

    def _learn(self, modules: list[str]) -> None:
        for module in modules:
            # A module that refuses to be imported here is imported by the suites that need it.
            with contextlib.suppress(Exception):
                importlib.import_module(module)
        self._known = frozenset(sys.modules)
        # Collections in the children then leave alone what is here before them.
        gc.collect()
        gc.freeze()

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run one suite and say how its process ended.

        Returns:
            ``status`` is the exit status (negative: the signal that ended it), or None when the
            time was over; ``survivors`` says whether processes were left behind; ``cpu`` and
            ``seconds`` are what the suite took.
        """
        started = time.monotonic()
        if request["fresh"]:
            child = subprocess.Popen(
                [sys.executable, "-P", __file__, "--once", json.dumps(request)],
                start_new_session=True,
            ).pid
        else:
            child = os.fork()
            if child == 0:
                os.setsid()
                try:
                    run_suite(request, known=self._known)
                except BaseException:
                    traceback.print_exc()
                    raise
                finally:
                    os._exit(70)
        home = request["environment"]["HOME"]
        status, cpu = self._wait(child, home, request["timeout"])
        survivors = end_all(child, home)
        seconds = time.monotonic() - started
        self._remember(Path(request["outcome"]))
        return {"status": status, "survivors": survivors, "cpu": cpu, "seconds": seconds}

    def _wait(self, child: int, home: str, timeout: float) -> tuple[int | None, float]:
        descriptor = os.pidfd_open(child)
        try:
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            # Whoever asks has nothing to say until it is answered: this is the end of the input.
            poll.register(0, select.POLLIN | select.POLLHUP)
            events = dict(poll.poll(timeout * 1000))
            over = descriptor not in events
            if over:
                # Python writes down what each thread is at when it is told to abort.
                os.kill(child, signal.SIGABRT)
                poll.unregister(0)
                poll.poll(0 if 0 in events else LAST_WORDS * 1000)
                end_all(child, home)
        finally:
            os.close(descriptor)
        _, status, usage = os.wait4(child, 0)
        if 0 in events:
            sys.exit()
        code = None if over else os.waitstatus_to_exitcode(status)
        return code, usage.ru_utime + usage.ru_stime

    def _remember(self, outcome: Path) -> None:
        if not outcome.exists():
            return
        found = json.loads(outcome.read_text())["modules"]
        if found:
            self._learn(found)
            with self._preload.open("a") as preload:
                preload.write("".join(f"{module}\n" for module in found))


def end_all(leader: int, home: str) -> bool:
    """End a process and all that it started; say whether there were any.

    Args:
        leader: The process, whose session has its number.
        home: The home directory that was made for it alone. It tells the processes that left the
            session, as servers do.
    """
    found = False
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
        found = True
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"HOME={home}".encode() in (process / "environ").read_bytes().split(b"\0"):
                os.kill(int(process.name), signal.SIGKILL)
                found = True
    return found


def serve(preload: Path) -> None:
    """Answer requests until there are no more."""
    # What a module prints when it is imported must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    server = Server(preload)
    for line in sys.stdin:
        answers.write(json.dumps(server.run(json.loads(line))) + "\n")


if __name__ == "__main__":
    if sys.argv[1] == "--once":
        run_suite(json.loads(sys.argv[2]))
    serve(Path(sys.argv[1]))
