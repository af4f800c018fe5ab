"""How many requests may use something at the same time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import Semaphore, WouldBlock, fail_after

from .problems import UnavailableError

# So many requests may wait for a place. One more is refused at once.
LONGEST_QUEUE = 1000


class Admission:
    """A number of places; who finds none waits in order, though not for ever."""

    def __init__(self, places: int, timeout: float) -> None:
        self._places = Semaphore(places)
        self._timeout = timeout

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Give a place until the end of the block, or raise UnavailableError."""
        try:
            # None is free while others wait: nobody is overtaken.
            self._places.acquire_nowait()
        except WouldBlock:
            await self._wait()
        try:
            yield
        finally:
            self._places.release()

    async def _wait(self) -> None:
        if self._places.statistics().tasks_waiting >= LONGEST_QUEUE:
            raise UnavailableError("Too many requests are waiting")
        try:
            with fail_after(self._timeout):
                await self._places.acquire()
        except TimeoutError:
            raise UnavailableError("The service is busy") from None
