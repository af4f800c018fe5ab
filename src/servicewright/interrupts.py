"""How a command ends early in order, and what is not to end early at all."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

# What a terminal sends at Ctrl-C and when it is closed, and what ends a program politely.
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class Interrupted(KeyboardInterrupt):
    """A signal asks to end. Libraries let it pass, as they do with a Ctrl-C.

    Attributes:
        exit_code: What a shell would say of a program that the signal ended.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise ``Interrupted`` for the first signal that asks to end, and ignore later ones.

    A second Ctrl-C would stop the cleaning up that the first one has started.
    """

    def end(number: int, _: FrameType | None) -> None:
        for each in _numbers():
            signal.signal(each, signal.SIG_IGN)
        raise Interrupted(number)

    with _handled_by(end):
        yield


@contextmanager
def uninterruptible() -> Iterator[None]:
    """Ignore signals that ask to end: for milliseconds of work that must be whole."""

    def come_too_late(_number: int, _: FrameType | None) -> None:
        pass

    with _handled_by(come_too_late):
        yield


@contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    # Only the main thread gets signals, and only it may say what they do.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in _numbers()}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)


def _numbers() -> list[int]:
    # Windows has no SIGHUP.
    return [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
