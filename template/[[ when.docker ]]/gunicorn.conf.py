"""How gunicorn serves the application."""

import os

wsgi_app = "[[ package_name ]].main:app"
bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
#{% if when.fastapi %}
worker_class = "asgi"
# Seconds after which what runs for a client that has gone is cut off: let it end.
asgi_disconnect_grace_period = 86_400
#{% else %}
worker_class = "gthread"
threads = int(os.environ.get("WEB_THREADS", "8"))
#{% endif %}
#{% if when.in_memory %}
# One process, because the items live in its memory.
workers = 1
#{% else %}
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
#{% endif %}
# Loaded once, before the processes part: they start fast, share memory, and all or none start.
preload_app = True
# Seconds after which a worker that no longer shows signs of life is replaced.
timeout = int(os.environ.get("WEB_TIMEOUT", "30"))
# Seconds in which what is running can end when the server stops.
graceful_timeout = int(os.environ.get("WEB_GRACEFUL_TIMEOUT", "30"))
# Seconds for which an idle connection is kept open.
keepalive = int(os.environ.get("WEB_KEEPALIVE", "5"))
# The proxies whose X-Forwarded-Proto is believed: addresses or networks, or * for any.
forwarded_allow_ips = os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1,::1")
# A file, - for the standard output, or empty for no access log.
accesslog = os.environ.get("WEB_ACCESS_LOG", "-") or None
loglevel = os.environ.get("WEB_LOG_LEVEL", "info")
control_socket_disable = True
