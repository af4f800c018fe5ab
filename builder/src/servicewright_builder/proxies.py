"""What trusted proxies tell of the requests that they hand on."""

from fastapi import FastAPI
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from .settings import Settings


def init_app(app: FastAPI, settings: Settings) -> None:
    """Take the client's address and scheme from ``X-Forwarded-For`` and ``-Proto``."""
    trusted = settings.forwarded_allow_ips
    app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=trusted)
