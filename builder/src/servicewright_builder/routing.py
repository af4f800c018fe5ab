"""How routes run."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

from fastapi import Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import ResponseValidationError
from fastapi.routing import APIRoute


class OneThreadRoute(APIRoute):
    """Runs a function and checks its answer in one thread; FastAPI alone takes two.

    Routers of your own take it, too, as ``APIRouter(route_class=OneThreadRoute)``.
    """

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

        def work(values: dict[str, Any]) -> Any:
            return self._checked(endpoint(**values))

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
