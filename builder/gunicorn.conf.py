"""How gunicorn serves the application."""

from asyncio import Server
from socket import socket
from typing import Any

from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.workers.gasgi import ASGIWorker

from servicewright_builder import logs
from servicewright_builder.settings import load_settings

settings = load_settings()
logs.configure(settings)


class ServiceLogger(Logger):
    """Hands on what gunicorn says, so that it is written as all else is."""

    def __init__(self, cfg: Config) -> None:
        super().__init__(cfg)
        self.error_log.propagate = True


# So many connections a process takes in before it looks at anything else.
HANDFUL = 8


def post_worker_init(worker: ASGIWorker) -> None:
    """Let as many clients wait to be taken in as gunicorn would: asyncio lets 100.

    It also takes in all that wait, of which the other processes are to get their part.
    """
    create = worker.loop.create_server

    async def create_server(*arguments: Any, sock: socket, **options: Any) -> Server:
        server = await create(*arguments, sock=sock, backlog=HANDFUL, **options)
        sock.listen(worker.cfg.backlog)
        return server

    worker.loop.create_server = create_server


logger_class = ServiceLogger
errorlog = None
# Besides the log of the service, which has a record of each request.
accesslog = settings.web_access_log or None
loglevel = settings.web_log_level.lower()

wsgi_app = "servicewright_builder.main:app"
host = f"[{settings.host.strip('[]')}]" if ":" in settings.host else settings.host
bind = f"{host}:{settings.port}"
worker_class = "asgi"
# Seconds after which what runs for a client that has gone is cut off: let it end.
asgi_disconnect_grace_period = 86_400
# One process, because what it keeps lives in its memory.
workers = 1
# Loaded once, before the processes part: they start fast, share memory, and all or none start.
preload_app = True
# Seconds after which a worker that no longer shows signs of life is replaced.
timeout = settings.web_timeout
# Seconds in which what is running can end when the server stops.
graceful_timeout = settings.web_graceful_timeout
# Seconds for which an idle connection is kept open.
keepalive = settings.web_keepalive
# The proxies whose X-Forwarded-Proto is believed: addresses or networks, or * for any.
forwarded_allow_ips = settings.forwarded_allow_ips
control_socket_disable = True
