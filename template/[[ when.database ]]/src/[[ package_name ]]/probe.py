"""Asks the database whether it answers."""

import time
from concurrent.futures import Future
from threading import Lock, Thread

from sqlalchemy import URL, NullPool, create_engine, text
from sqlalchemy.exc import SQLAlchemyError


class Probe:
    """Asks on a connection of its own: those of the pool may all be at work."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self._lock = Lock()
        self._answer: Future[None] | None = None
        self._asked = 0.0

    def problem(self, patience: float) -> Exception | None:
        """Tell why the database does not answer, if it does not within so many seconds."""
        # One question at a time: while a database hangs, more would use up its connections.
        with self._lock:
            if self._answer is None or self._answer.done():
                answer: Future[None] = Future()
                Thread(target=self._ask, args=(answer,), daemon=True).start()
                self._answer, self._asked = answer, time.monotonic()
            answer, left = self._answer, self._asked + patience - time.monotonic()
        try:
            answer.result(max(left, 0))
        except (SQLAlchemyError, TimeoutError) as error:
            return error
        return None

    def _ask(self, answer: Future[None]) -> None:
        try:
            engine = create_engine(self._url, poolclass=NullPool)
            with engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except Exception as error:
            answer.set_exception(error)
        else:
            answer.set_result(None)
