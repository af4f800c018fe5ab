"""How gunicorn serves the application."""

#{% if when.flask %}
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from selectors import EVENT_READ

from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import TConn, ThreadWorker
#{% else %}
from asyncio import Server
from socket import socket
from typing import Any

from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.workers.gasgi import ASGIWorker
#{% endif %}

#{% filter replace("PACKAGE", package_name) %}
#{% if when.telemetry %}
from PACKAGE import logs, shared_metrics
#{% else %}
from PACKAGE import logs
#{% endif %}
#{% if when.celery %}
from PACKAGE.broker import require_server
#{% endif %}
from PACKAGE.settings import load_settings
#{% endfilter %}

settings = load_settings()
#{% if when.celery %}
require_server(settings.celery_broker_url)
#{% endif %}
logs.configure(settings)
#{% if when.telemetry %}
shared_metrics.share()
#{% endif %}


class ServiceLogger(Logger):
    """Hands on what gunicorn says, so that it is written as all else is."""

    def __init__(self, cfg: Config) -> None:
        super().__init__(cfg)
        self.error_log.propagate = True


#{% if when.flask %}
class ServiceWorker(ThreadWorker):
    """Answers what watches the service in threads of their own, which no other request can hold.

    So a process is not replaced because all threads wait for something, such as the database. A
    connection is given a thread when its request comes, and none before.
    """

    #{% if when.telemetry %}
    PROBE = re.compile(rb"(?:GET|HEAD) (/health|/metrics|/ready)[ ?].*\r\n\r\n", re.DOTALL)
    #{% else %}
    PROBE = re.compile(rb"(?:GET|HEAD) (/health|/ready)[ ?].*\r\n\r\n", re.DOTALL)
    #{% endif %}
    LONGEST_PROBE = 4096

    def get_thread_pool(self) -> ThreadPoolExecutor:
        """Make the threads when the process starts."""
        self.probes = {
            b"/health": ThreadPoolExecutor(self.cfg.threads),
            #{% if when.telemetry %}
            b"/metrics": ThreadPoolExecutor(1),
            #{% endif %}
            b"/ready": ThreadPoolExecutor(self.cfg.threads),
        }
        return super().get_thread_pool()

    def enqueue_req(self, conn: TConn) -> None:
        """Have a request answered, or wait until there is one."""
        begins = b""
        try:
            # What is looked at is still there to be read.
            flags = socket.MSG_PEEK | socket.MSG_DONTWAIT
            begins = conn.sock.recv(self.LONGEST_PROBE, flags)
            conn.data_ready = True
        except BlockingIOError:
            if not conn.initialized:
                self.wait_for_request(conn)
                return
        except (OSError, ValueError):
            # The client has gone, or the connection is encrypted.
            conn.data_ready = True
        probe = self.PROBE.fullmatch(begins)
        threads = self.probes[probe[1]] if probe else self.tpool
        answered = threads.submit(self.handle, conn)
        answered.add_done_callback(
            lambda done: self.method_queue.defer(self.finish_request, conn, done)
        )

    def wait_for_request(self, conn: TConn) -> None:
        """Wait as gunicorn does for clients that are slow to send anything."""
        conn.timeout = time.monotonic() + self.cfg.keepalive
        self.pending_conns.append(conn)
        readable = partial(self.on_pending_socket_readable, conn)
        self.poller.register(conn.sock, EVENT_READ, readable)


#{% else %}
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


#{% endif %}
logger_class = ServiceLogger
errorlog = None
# Besides the log of the service, which has a record of each request.
accesslog = settings.web_access_log or None
loglevel = settings.web_log_level.lower()

wsgi_app = "[[ package_name ]].main:app"
host = f"[{settings.host.strip('[]')}]" if ":" in settings.host else settings.host
bind = f"{host}:{settings.port}"
#{% if when.fastapi %}
worker_class = "asgi"
# Seconds after which what runs for a client that has gone is cut off: let it end.
asgi_disconnect_grace_period = 86_400
#{% else %}
worker_class = ServiceWorker
threads = settings.web_threads
#{% endif %}
#{% if when.in_memory %}
#{% if when.resources %}
# One process, because the [[ kept | map(attribute="labels") | join(" and the ") | plain ]] live in its memory.
#{% else %}
# One process, because what it keeps lives in its memory.
#{% endif %}
workers = 1
#{% else %}
workers = settings.web_concurrency
#{% endif %}
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
#{% if when.telemetry %}
child_exit = shared_metrics.on_worker_exit
on_exit = shared_metrics.on_server_exit
#{% endif %}
