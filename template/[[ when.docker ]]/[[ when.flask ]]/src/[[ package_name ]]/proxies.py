"""What trusted proxies tell of the requests that they hand on."""

from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from .settings import Settings


class TrustedProxies:
    """Takes the address, scheme, host and prefix of a request from the proxies that are trusted.

    They are in ``X-Forwarded-For``, ``-Proto``, ``-Host`` and ``-Prefix``; a proxy must set all four
    or remove what a client sent.
    """

    def __init__(self, app: WSGIApplication, trusted: str) -> None:
        self.app = app
        self.fixed = ProxyFix(app, x_for=1, x_proto=1, x_host=1, x_prefix=1)
        self.any = trusted == "*"
        self.networks = [] if self.any else [ip_network(one.strip()) for one in trusted.split(",")]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Believe the proxy that sent the request, or nobody."""
        # A socket of the machine has no address.
        proxy = environ.get("REMOTE_ADDR", "")
        if proxy and not self.any and not self.trusts(proxy):
            return self.app(environ, start_response)
        # Proxies behind each other add the address of the one before.
        passed = environ.get("HTTP_X_FORWARDED_FOR", "").split(",")
        while len(passed) > 1 and self.trusts(passed[-1]):
            passed.pop()
        environ["HTTP_X_FORWARDED_FOR"] = passed[-1].strip()
        return self.fixed(environ, start_response)

    def trusts(self, address: str) -> bool:
        """Tell whether an address is one of the proxies'."""
        try:
            return any(ip_address(address.strip()) in network for network in self.networks)
        except ValueError:
            return False


def init_app(app: Flask, settings: Settings) -> None:
    """Install the middleware."""
    app.wsgi_app = TrustedProxies(app.wsgi_app, settings.forwarded_allow_ips)  # type: ignore[method-assign]
