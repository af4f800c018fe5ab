"""An issuer for the tests, which answers over HTTP as others do, and users who have its tokens."""

import json
import threading
import time
#{% if when.visitors %}
from base64 import b64encode, urlsafe_b64encode
#{% endif %}
from collections import Counter
from collections.abc import Generator
from contextlib import suppress
#{% if when.visitors %}
from hashlib import sha256
#{% endif %}
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
#{% if when.visitors %}
from urllib.parse import parse_qsl, urlencode, urlsplit
#{% endif %}

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from httpx2 import Auth, Request, Response
from jwt.algorithms import ECAlgorithm

AUDIENCE = "the service of the tests"
#{% if when.visitors %}
LOGIN_SECRET = "a secret of the tests that is long enough"
#{% endif %}
DISCOVERY = "/.well-known/openid-configuration"
# Sends nothing, where a client would send the access token of its own.
NOBODY = Auth()


class Provider:
    """An issuer of access tokens.

    Attributes:
        url: What it is called, and where it is.
        keys: What it signs with, by the names of the keys.
        answers: What it answers to a path: what is written as JSON, or bytes as they are.
        statuses: The status of an answer, where it is another than 200.
        asked: How often each path was asked for.
        silent: Whether it takes questions and does not answer until this is over.
    """

    def __init__(self) -> None:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked[self.path] += 1
                provider.speaks.wait(10)
                answer = provider.answers[self.path]
                body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(provider.statuses.get(self.path, 200))
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Location", f"{provider.url}/elsewhere")
                # Who asks may not wait.
                with suppress(ConnectionError):
                    self.end_headers()
                    self.wfile.write(body)

            #{% if when.visitors %}
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                form = dict(parse_qsl(self.rfile.read(length).decode()))
                provider.asked[self.path] += 1
                status, answer = provider.exchange(form, self.headers.get("Authorization"))
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            #{% endif %}
            def log_message(self, *_: Any, **__: Any) -> None:
                """Keep the output of the tests free of it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.keys: dict[str, ec.EllipticCurvePrivateKey] = {}
        self.asked: Counter[str] = Counter()
        self.statuses: dict[str, int] = {}
        self.speaks = threading.Event()
        self.speaks.set()
        self.answers: dict[str, Any] = {
            DISCOVERY: {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/keys",
                #{% if when.visitors %}
                "authorization_endpoint": f"{self.url}/authorize?realm=a",
                "token_endpoint": f"{self.url}/token",
                #{% endif %}
            },
        }
        #{% if when.visitors %}
        # What an ID token says besides, and what is answered with it.
        self.said: dict[str, Any] = {}
        self.given: dict[str, Any] = {}
        self.logins: dict[str, dict[str, str]] = {}
        #{% endif %}
        self.rotate("first")
        threading.Thread(target=self._server.serve_forever, daemon=True, args=(0.01,)).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Be down."""
        self.speaks.set()
        self._server.shutdown()
        self._server.server_close()

    def rotate(self, *names: str) -> None:
        """Have keys of these names, and no others."""
        made = {name: ec.generate_private_key(ec.SECP256R1()) for name in names}
        self.keys = {name: self.keys.get(name, key) for name, key in made.items()}
        self.answers["/keys"] = {
            "keys": [
                ECAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": name, "use": "sig"}
                for name, key in self.keys.items()
            ]
        }

    #{% if when.visitors %}
    def let_in(self, page: str) -> str:
        """Log a user in who was sent to a page; give the address that she is sent back to."""
        asked = dict(parse_qsl(urlsplit(page).query))
        code = f"code {len(self.logins)}"
        self.logins[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def exchange(
        self, form: dict[str, str], authorization: str | None
    ) -> tuple[int, dict[str, Any]]:
        """Give tokens for a code, once, and to nobody but the client that asked for it."""
        login = self.logins.pop(form["code"], None)
        verifier = form["code_verifier"].encode()
        challenge = urlsafe_b64encode(sha256(verifier).digest()).decode().rstrip("=")
        proved = authorization in {None, f"Basic {b64encode(b'the%20pages:a%20secret').decode()}"}
        if (
            login is None
            or not proved
            or login["code_challenge"] != challenge
            or login["redirect_uri"] != form["redirect_uri"]
            or login["client_id"] != form["client_id"]
        ):
            return self.statuses.get("/token", 400), {"error": "invalid_grant"}
        said = {"aud": login["client_id"], "nonce": login["nonce"], **self.said}
        return self.statuses.get("/token", 200), {"id_token": self.token(**said), **self.given}

    #{% endif %}
    def claims(self, **others: Any) -> dict[str, Any]:
        """Give what a good token says, but for some of it; None leaves a claim out."""
        now = int(time.time())
        good = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "1",
            "iat": now,
            "exp": now + 3600,
            "preferred_username": "ada",
        }
        return {name: value for name, value in (good | others).items() if value is not None}

    def token(self, kid: str = "first", **others: Any) -> str:
        """Sign an access token."""
        key = self.keys[kid]
        return jwt.encode(self.claims(**others), key, algorithm="ES256", headers={"kid": kid})


# What the tests share; one that changes what it does has its own.
ISSUER = Provider()


class Bearer(Auth):
    """Sends the access token of a user with each request."""

    def __init__(self, *roles: str, token: str = "") -> None:
        self.header = f"Bearer {token or ISSUER.token(roles=list(roles))}"

    def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        """Add the header."""
        request.headers["Authorization"] = self.header
        yield request
