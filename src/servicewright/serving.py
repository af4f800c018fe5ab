"""Serves the builder to a browser on this machine."""

from __future__ import annotations

import importlib.util
import socket
import sys
import threading
import webbrowser
from contextlib import closing

import typer

from servicewright.errors import ServicewrightError, UsageError

LAST_PORT = 65535
# All of them come with the extra.
NEEDED = ("fastapi", "jinja2_ansible_filters", "pydantic_settings", "pygments", "uvicorn")


def serve(host: str, port: int, *, shows: bool) -> None:
    """Serve the builder until it is interrupted.

    Args:
        host: The address to listen on.
        port: The port; 0 for any that is free.
        shows: Whether a browser is opened.

    Raises:
        ServicewrightError: Nobody can listen there, or packages are missing.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ServicewrightError(
            f"The builder needs {missing[0]}, which is not installed: install this package again "
            "with [builder] behind the name or the path that it comes from."
        )
    import uvicorn  # noqa: PLC0415
    from servicewright_builder.app import create_app  # noqa: PLC0415
    from servicewright_builder.settings import Settings  # noqa: PLC0415

    with closing(_listen(host, port)) as listening:
        typer.echo("Reading the template …", err=True)
        # What is set on this machine is for services, not for this.
        app = create_app(Settings.model_construct())
        shown = f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{listening.getsockname()[1]}/"
        typer.echo(f"The builder is at {address} until Ctrl-C stops it.")
        sys.stdout.flush()
        if shows:
            # A browser may take its time, and connections wait.
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        config = uvicorn.Config(app, log_level="warning", log_config=None)
        uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    """Listen at an address."""
    if not 0 <= port <= LAST_PORT:
        raise UsageError(f"--port takes 0 to {LAST_PORT}, not {port}.")
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except (OSError, UnicodeError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).partition(" (while")[0]
        raise UsageError(
            f"The builder cannot be at {host}:{port}: {reason.rstrip('.')}. "
            "Choose another --host or --port."
        ) from error
