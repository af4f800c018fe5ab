"""A span for each statement that a request or a job has the database run."""

from time import time_ns
from typing import Any

from opentelemetry.trace import SpanKind, StatusCode, get_current_span
from sqlalchemy import Connection, Engine, ExceptionContext, event

from .tracing import tracer

STARTED = "span_started"


def note_start(connection: Connection, *_: Any) -> None:
    """Note when a statement begins, if there is a span that it belongs to."""
    if get_current_span().is_recording():
        connection.info[STARTED] = time_ns()


def add_span(connection: Connection, statement: str, failure: BaseException | None = None) -> None:
    """Add a span of a statement that has ended; its parameters are not shown."""
    started = connection.info.pop(STARTED, None)
    operation = statement.split(maxsplit=1)[0].upper()
    # What sets limits for a transaction comes before each.
    if started is None or operation == "SET":
        return
    span = tracer.start_span(
        operation,
        kind=SpanKind.CLIENT,
        start_time=started,
        attributes={
            "db.system.name": connection.dialect.name,
            "db.operation.name": operation,
            "db.query.text": statement,
        },
    )
    if failure:
        span.set_attribute("error.type", type(failure).__qualname__)
        span.set_status(StatusCode.ERROR)
    span.end()


def on_success(connection: Connection, _: Any, statement: str, *__: Any) -> None:
    """Add the span of a statement."""
    add_span(connection, statement)


def on_failure(context: ExceptionContext) -> None:
    """Add the span of a statement that failed."""
    if context.connection and context.statement:
        add_span(context.connection, context.statement, context.original_exception)


def start() -> None:
    """Watch all engines."""
    event.listen(Engine, "before_cursor_execute", note_start)
    event.listen(Engine, "after_cursor_execute", on_success)
    event.listen(Engine, "handle_error", on_failure)
