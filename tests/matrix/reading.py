"""Sees what the suite of a project reads of it, and keeps which suites have passed with that.

The outcome of a suite follows from the files that it and the processes it starts open, from what
is asked about files without opening them, and from what it runs in. When all of that is the same
for another variant, or in a later run of these tests, the outcome is the same too.
"""

from __future__ import annotations

import ctypes
import datetime
import hashlib
import json
import os
import re
import struct
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from matrix.rendering import Tree

# Of inotify(7).
IN_OPEN, IN_Q_OVERFLOW, IN_ISDIR = 0x20, 0x4000, 0x40000000
EVENT = struct.Struct("iIII")

# What libraries look for by a name that no file of the project tells.
LOOKED_FOR = frozenset(
    """
    .coveragerc .env .flaskenv .pytest.ini .pytest.toml __init__.py alembic.ini conftest.py
    gunicorn.conf.py py.typed pyproject.toml pytest.ini pytest.toml setup.cfg setup.py
    sitecustomize.py tox.ini usercustomize.py
    """.split()
)

# What else decides about the outcome: the files that run the suite and see what it reads.
RUNNER = ("environments.py", "postgresql.py", "reading.py", "suite_server.py", "suites.py")

# How long it is kept that a suite has passed, from its last use.
KEPT_DAYS = 30


@dataclass(frozen=True)
class Reads:
    """What a suite read of a project, as paths in it.

    Attributes:
        read: Files that it opened, or of which it asked for more than whether they are there.
        looked_for: Of what it asked whether it is there.
        listed: The directories whose entries it looked through.
    """

    read: tuple[str, ...]
    looked_for: tuple[str, ...]
    listed: tuple[str, ...]


class Opened:
    """Notes the files that any process opens in a directory, in a ``with`` block.

    Attributes:
        reads: What was opened; None where that cannot be known.
    """

    def __init__(self, tree: Path) -> None:
        self._tree = tree
        self._watched: dict[int, str] = {}
        self._queue = -1
        self.reads: Reads | None = None

    def __enter__(self) -> Self:
        """Begin."""
        if sys.platform == "linux":
            library = ctypes.CDLL(None, use_errno=True)
            self._queue = library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
            for directory in [self._tree, *self._tree.rglob("*/")]:
                watch = library.inotify_add_watch(self._queue, os.fsencode(directory), IN_OPEN)
                self._watched[watch] = directory.relative_to(self._tree).as_posix()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """See what has come together."""
        if self._queue == -1:
            return
        opened: set[str] = set()
        listed: set[str] = set()
        complete = -1 not in self._watched
        for watch, mask, name in self._events():
            if mask & IN_Q_OVERFLOW:
                complete = False
                break
            path = (PurePosixPath(self._watched[watch]) / name).as_posix()
            (listed if mask & IN_ISDIR else opened).add(path)
        os.close(self._queue)
        if complete:
            self.reads = Reads(tuple(sorted(opened)), (), tuple(sorted(listed)))

    def _events(self) -> Iterator[tuple[int, int, str]]:
        with suppress(BlockingIOError):
            while data := os.read(self._queue, 2**16):
                position = 0
                while position < len(data):
                    watch, mask, _, length = EVENT.unpack_from(data, position)
                    position += EVENT.size + length
                    yield watch, mask, os.fsdecode(data[position - length : position].rstrip(b"\0"))


@dataclass(frozen=True)
class Pass:
    """A suite that has passed.

    Attributes:
        variant: The variant whose suite it was.
        tests: How many tests passed.
        run: In which run of these tests that was.
        date: On which day.
    """

    variant: str
    tests: int
    run: str
    date: str


class Passes:
    """Keeps which suites have passed, with all that they read.

    Args:
        directory: Where they are kept from run to run.
        run: A name of this run that no other has.
        again: Whether what earlier runs have kept does not count.
    """

    def __init__(self, directory: Path, run: str, *, again: bool = False) -> None:
        self._directory = directory
        self._run = run
        self._again = again

    def find(self, tree: Tree, circumstances: str) -> Pass | None:
        """Look for a suite that has passed with the very same bytes as that of a project has.

        Args:
            tree: The project.
            circumstances: What its suite would run in (see :func:`circumstances`).
        """
        for path in sorted((self._directory / circumstances).glob("reads-*.json")):
            reads = Reads(**json.loads(path.read_text()))
            kept = path.with_name(f"{fingerprint(tree, reads)}.json")
            if kept.exists():
                found = Pass(**json.loads(kept.read_text()))
                if found.run == self._run or not self._again:
                    os.utime(kept)
                    os.utime(path)
                    return found
        return None

    def add(self, tree: Tree, circumstances: str, reads: Reads | None, tests: int) -> None:
        """Keep that the suite of a project has passed.

        Args:
            tree: The project.
            circumstances: What its suite ran in.
            reads: What it read; everything where that is not known.
            tests: How many tests passed.
        """
        reads = reads or Reads(tuple(tree.files), (), (".", *sorted(directories(tree))))
        own = self._directory / circumstances
        own.mkdir(parents=True, exist_ok=True)
        text = json.dumps(asdict(reads))
        found = Pass(tree.variant.id, tests, self._run, today())
        # What was read comes last: by it the other is found.
        write(own / f"{fingerprint(tree, reads)}.json", json.dumps(asdict(found)))
        write(own / f"reads-{hashlib.sha256(text.encode()).hexdigest()}.json", text)

    def tidy_up(self) -> None:
        """Forget what has not been used for long."""
        for path in self._directory.glob("*/*.json"):
            if path.stat().st_mtime < time.time() - KEPT_DAYS * 24 * 3600:
                path.unlink()


def today() -> str:
    """Give the date."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def write(path: Path, text: str) -> None:
    """Write a file that other processes see whole or not at all."""
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(text)
    draft.rename(path)


def fingerprint(tree: Tree, reads: Reads) -> str:
    """Give a text that two projects share when all is the same that a suite reads of them."""
    folders = directories(tree)
    states = {
        path: "file" if path in tree.files else "folder" if path in folders else "nothing"
        for path in (*reads.read, *reads.looked_for)
    }
    states |= {path: digest(tree.files[path]) for path in reads.read if path in tree.files}
    seen = [
        sorted(states.items()),
        [(folder, sorted(entries(tree, folder))) for folder in sorted(reads.listed)],
        sorted(mentioned(tree, reads)),
    ]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()


def mentioned(tree: Tree, reads: Reads) -> set[str]:
    """Name the files that something which was read, or a library, may look for without opening.

    Processes that a suite starts may do that unseen. So it counts that these files are there.
    """
    words = frozenset().union(
        LOOKED_FOR, *(named(tree.files[path]) for path in reads.read if path in tree.files)
    )
    return {
        path
        for path in tree.files.keys() - set(reads.read)
        if not words.isdisjoint([*PurePosixPath(path).parts, PurePosixPath(path).stem])
    }


@cache
def named(content: bytes) -> frozenset[str]:
    """List the words in a file that can be names of files."""
    return frozenset(re.findall(r"[\w.-]+", content.decode(errors="replace")))


@cache
def digest(content: bytes) -> str:
    """Give a hash of the content of a file."""
    return hashlib.sha256(content).hexdigest()


def directories(tree: Tree) -> set[str]:
    """Name the directories of a project."""
    return {
        parent.as_posix()
        for path in tree.files
        for parent in list(PurePosixPath(path).parents)[:-1]
    }


def entries(tree: Tree, folder: str) -> set[str]:
    """Name what is in a directory of a project."""
    within = "" if folder == "." else f"{folder}/"
    return {
        path.removeprefix(within).partition("/")[0]
        for path in tree.files
        if path.startswith(within)
    }


def circumstances(
    environment: Path, variables: Mapping[str, str], arguments: Sequence[str] = ()
) -> str:
    """Give a text that stands for all that a suite runs in: installed packages, Python, runner.

    Args:
        environment: The environment that it runs in.
        variables: The environment variables that it is given.
        arguments: What pytest is given besides the usual.
    """
    about: dict[str, Any] = {
        "environment": contents(environment),
        "system": [sys.platform, os.uname().machine if hasattr(os, "uname") else os.name],
        "runner": [digest((Path(__file__).parent / name).read_bytes()) for name in RUNNER],
        # Their values differ with each server that is started.
        "variables": sorted(variables),
        "inherited": {name: os.environ.get(name) for name in ("LANG", "LC_ALL", "TZ")},
        "arguments": list(arguments),
    }
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:32]


@cache
def contents(environment: Path) -> tuple[str, ...]:
    """Tell an environment from others: its Python and the versions that are installed."""
    installed = sorted(path.name for path in environment.rglob("*.dist-info"))
    return ((environment / "pyvenv.cfg").read_text(), *installed)
