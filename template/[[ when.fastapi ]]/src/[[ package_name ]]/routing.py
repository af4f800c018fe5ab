#{% filter imports %}
"""How routes run."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any

from fastapi import Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import ResponseValidationError
from fastapi.routing import APIRoute
from sqlalchemy.orm import Session
#{% if when.database %}

current_session: ContextVar[Session | None] = ContextVar("current_session", default=None)


@contextmanager
def transaction() -> Iterator[None]:
    """Commit the session of the request at the end, or roll it back on an error."""
    session = current_session.get()
    try:
        yield
        if session is not None:
            session.commit()
    except BaseException:
        if session is not None:
            session.rollback()
        raise


class OneThreadRoute(APIRoute):
    """Runs a function, checks its answer and commits what it stored in one thread.

    So no request holds a connection while it waits for a thread. FastAPI alone takes a thread for
    each of the three: that is as right, but slower. Routers of your own take it, too, as
    ``APIRouter(route_class=OneThreadRoute)``.
    """
#{% else %}


class OneThreadRoute(APIRoute):
    """Runs a function and checks its answer in one thread; FastAPI alone takes two.

    Routers of your own take it, too, as ``APIRouter(route_class=OneThreadRoute)``.
    """
#{% endif %}

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, self._in_one_thread(endpoint), **options)

    def _in_one_thread(self, endpoint: Callable[..., Any]) -> Callable[..., Any]:
        function = inspect.unwrap(endpoint)
        if (
            not inspect.isroutine(function)
            or inspect.iscoroutinefunction(function)
            or inspect.isgeneratorfunction(function)
            or inspect.isasyncgenfunction(function)
        ):
            return endpoint

        #{% if when.database %}
        def work(values: dict[str, Any]) -> Any:
            with transaction():
                return self._checked(endpoint(**values))
        #{% else %}
        def work(values: dict[str, Any]) -> Any:
            return self._checked(endpoint(**values))
        #{% endif %}

        @wraps(endpoint)
        async def run(**values: Any) -> Any:
            return await run_in_threadpool(work, values)

        return run

    def _checked(self, answer: Any) -> Any:
        if self.response_field is None or isinstance(answer, Response):
            return answer
        checked, errors = self.response_field.validate(answer, {}, loc=("response",))
        if errors:
            raise ResponseValidationError(errors, body=answer)
        return checked
#{% endfilter %}
