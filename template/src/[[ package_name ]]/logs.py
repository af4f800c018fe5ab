#{% filter imports %}
"""What the service writes while it works: each record with the id of the request it is about.

In a terminal a record is a line to read, elsewhere a JSON object on a line of its own.
"""

import json
import logging
import re
import sys
import time
from contextvars import ContextVar
from datetime import UTC, datetime
from random import getrandbits
from urllib.parse import quote

from .settings import Settings
from .tracing import TraceFilter

# The id of the request that is being answered, also in what it starts.
request_id: ContextVar[str] = ContextVar("request_id", default="")

# Some servers write in colours wherever they write.
COLOURS = re.compile(r"\x1b\[(?:\d|;)*m")
PLAIN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# Asked every few seconds: only answers that tell of trouble are worth a line.
PROBES = {"/health", "/ready"}
# What records have anyway; whatever else is there was given as ``extra``.
COMMON = {*vars(logging.makeLogRecord({})), "asctime", "message", "taskName", "color_message"}

access_logger = logging.getLogger(f"{__package__}.access")


class TextFormatter(logging.Formatter):
    """Writes a record for people to read."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-8s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """Add the id of the request to the line."""
        line = super().formatMessage(record)
        return f"{line} [{known}]" if (known := request_id.get()) else line


class JsonFormatter(logging.Formatter):
    """Writes a record as a JSON object, with its traceback and all that was given as ``extra``."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one line."""
        fields: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": COLOURS.sub("", record.getMessage()),
        }
        if known := request_id.get():
            fields["request_id"] = known
        given = {name: value for name, value in vars(record).items() if name not in COMMON}
        # What is given must not pass for what the record says of itself.
        fields = fields | given | fields
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        if record.stack_info:
            fields["stack"] = record.stack_info
        return json.dumps(fields, default=str, skipkeys=True)


def configure(settings: Settings, server: str = "") -> None:
    """Write the records of all loggers in one form; what is configured already stays as it is.

    Args:
        settings: How much is written, and in which form.
        server: The loggers of a server that writes in a form of its own unless it is stopped.
    """
    root = logging.getLogger()
    if root.handlers:
        return
    handler = logging.StreamHandler()
    text = settings.log_format == "text"
    if settings.log_format == "auto":
        text = sys.stderr.isatty()
    handler.setFormatter(TextFormatter() if text else JsonFormatter())
    #{% if when.telemetry %}
    handler.addFilter(TraceFilter())
    #{% endif %}
    root.addHandler(handler)
    root.setLevel(settings.log_level)
    logging.captureWarnings(True)
    if server:
        logging.getLogger(server).handlers.clear()
        logging.getLogger(server).propagate = True
        # It would write of each request once more.
        logging.getLogger(f"{server}.access").handlers.clear()


def identify(given: str) -> str:
    """Give the request the id that it came with, if that is short and plain, else a new one."""
    known = given if PLAIN_ID.fullmatch(given) else f"{getrandbits(64):016x}"
    request_id.set(known)
    return known


def log_request(method: str, path: str, status: int, started: float, client: str) -> None:
    """Write of a request, without its query, which may hold secrets."""
    level = logging.DEBUG if path in PROBES and status < 400 else logging.INFO
    if access_logger.isEnabledFor(level):
        milliseconds = round((time.perf_counter() - started) * 1000, 1)
        path = quote(path, safe="/:@!$&'()*+,;=~")
        access_logger.log(
            level,
            "%s %s %d in %s ms for %s",
            *(method, path, status, milliseconds, client),
            extra={
                "method": method,
                "path": path,
                "status": status,
                "duration_ms": milliseconds,
                "client": client,
            },
        )
#{% endfilter %}
