"""Locks on files, which end with the process that holds them, however it ends."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .problems import UnavailableError

if sys.platform == "win32":  # pragma: no cover
    import msvcrt

    def lock(descriptor: int) -> None:
        """Lock an open file, or raise OSError where it is locked."""
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:  # pragma: no cover
    import fcntl

    def lock(descriptor: int) -> None:
        """Lock an open file, or raise OSError where it is locked."""
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


#{% if when.in_process %}
def is_locked(path: Path) -> bool:
    """Tell whether a running process holds the lock of a file."""
    try:
        with path.open("r+b") as file:
            lock(file.fileno())
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


#{% endif %}
@contextmanager
def locked(path: Path, seconds: float = 5) -> Iterator[None]:
    """Hold the lock of a file for the block; wait for it, but not for long."""
    deadline = time.monotonic() + seconds
    with path.open("ab") as file:
        while True:
            try:
                lock(file.fileno())
            except OSError:
                if time.monotonic() > deadline:
                    raise UnavailableError(f"{path.name} is locked") from None
                time.sleep(0.005)
            else:
                break
        yield
