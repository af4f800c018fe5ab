"""Both frameworks believe the tokens of an issuer and refuse others the same way, on sockets."""

from __future__ import annotations

import base64
import hmac
import importlib.util
import json
import re
import subprocess
import time
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from matrix.environments import interpreter
from matrix.plugin import ROOT

from contract.services import FRAMEWORKS, PATIENCE, free_port, run_in_production
from contract.test_accounts import damaged, part, send, told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from matrix.environments import Environments

    from contract.services import Answer, Server, Services

AUDIENCE = "orders"
ASKED = (("GET", "/whoami"), ("POST", "/items"), ("POST", "/uploads/a"), ("GET", "/items"))


def issuer() -> Any:
    """Start an issuer: the one that the services' own tests have."""
    path = ROOT / "template" / "[[ when.oidc ]]" / "tests" / "bearers.py"
    spec = importlib.util.spec_from_file_location("bearers", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.ISSUER.stop()
    return module.Provider()


def signed(claims: dict[str, Any], key: Any, algorithm: str = "ES256", **headers: Any) -> str:
    """Sign a token with any key."""
    return jwt.encode(claims, key, algorithm, headers={"kid": "first", **headers})


def with_a_secret(claims: dict[str, Any], secret: bytes, algorithm: str = "HS256") -> str:
    """Sign a token with a secret, whatever it is."""
    text = f"{part({'alg': algorithm, 'kid': 'first'})}.{part(claims)}"
    signature = hmac.digest(secret, text.encode(), f"sha{algorithm[2:]}")
    return f"{text}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def wrong_tokens(provider: Any) -> dict[str, str]:
    """Give tokens that nobody may believe."""
    now = int(time.time())
    claims = provider.claims(aud=AUDIENCE)
    good = provider.token(aud=AUDIENCE)
    head, body, signature = good.split(".")
    public = provider.keys["first"].public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    none = part({"alg": "none", "kid": "first"})
    known = json.dumps(provider.answers["/keys"]["keys"][0]).encode()
    other = ec.generate_private_key(ec.SECP256R1())
    changed: dict[str, dict[str, Any]] = {
        "expired": {"exp": now - 60},
        "expired long ago": {"exp": 1},
        "not yet": {"nbf": now + 60},
        "endless": {"exp": None},
        "an end that is a text": {"exp": "tomorrow"},
        "issued tomorrow": {"iat": now + 86_400},
        "other audience": {"aud": "another"},
        "other audiences": {"aud": ["another", "more"]},
        "no audience": {"aud": None},
        "an audience with more behind it": {"aud": f"{AUDIENCE}2"},
        "other issuer": {"iss": "https://login.example"},
        "other issuer on this machine": {"iss": f"{provider.url}/"},
        "no issuer": {"iss": None},
        "nobody": {"sub": None},
        "a number": {"sub": 1},
        "a name that is a list": {"preferred_username": ["ada"]},
    }
    return {
        **{name: provider.token(**{"aud": AUDIENCE, **some}) for name, some in changed.items()},
        "forged": signed(claims, other),
        "forged with an RSA key": signed(claims, rsa.generate_private_key(65537, 2048), "RS256"),
        "forged, with its key": signed(claims, other, jku="https://evil.example/keys"),
        "unknown key": signed(claims, other, kid="unknown"),
        "a key that is a path": signed(claims, other, kid="../../etc/passwd"),
        "alg none": f"{none}.{body}.",
        "alg NONE": f"{part({'alg': 'NONE', 'kid': 'first'})}.{body}.",
        "alg none with the signature": f"{none}.{body}.{signature}",
        "HS256 with the public key": with_a_secret(claims, pem),
        "HS256 with the public key in DER": with_a_secret(claims, der),
        "HS256 with the public key in JSON": with_a_secret(claims, known),
        "HS512 with the public key": with_a_secret(claims, pem, "HS512"),
        "HS256 with nothing": with_a_secret(claims, b""),
        "no key": f"{part({'alg': 'ES256'})}.{body}.{signature}",
        "a key that is a list": f"{part({'alg': 'ES256', 'kid': ['first']})}.{body}.{signature}",
        "tampered": f"{head}.{part({**claims, 'roles': ['admin']})}.{signature}",
        "swapped": f"{body}.{head}.{signature}",
        **damaged(good),
    }


def story(server: Server, provider: Any) -> Iterator[tuple[str, Answer]]:
    """Ask with tokens of all kinds, while the keys change and the issuer goes."""

    def ask(name: str, token: str) -> Iterator[tuple[str, Answer]]:
        for method, path in ASKED:
            yield f"{method} {path}: {name}", send(server, method, path, json={}, bearer=token)

    good = provider.token(aud=AUDIENCE)
    yield "nobody", send(server, "POST", "/items", json={})
    yield "a password", send(server, "GET", "/whoami", headers={"Authorization": "Basic YTpi"})
    yield from ask("good", good)
    yield from ask("an admin", provider.token(aud=AUDIENCE, roles=["admin", "other"]))
    yield from ask("for others too", provider.token(aud=["another", AUDIENCE]))
    # The next key is there before strangers ask: their questions are answered once in a while.
    provider.rotate("first", "second")
    yield from ask("a new key", provider.token("second", aud=AUDIENCE))
    for name, token in wrong_tokens(provider).items():
        yield from ask(name, token)
    assert provider.asked["/keys"] <= 3, provider.asked
    provider.stop()
    yield from ask("known while the issuer is down", good)


def unchecked(server: Server, token: str) -> Iterator[tuple[str, Answer]]:
    """Ask while the issuer does not answer, of which nothing is known."""
    for method, path in ASKED:
        began = time.monotonic()
        yield f"{method} {path}", send(server, method, path, json={}, bearer=token)
        assert time.monotonic() - began < PATIENCE / 4


def test_both_frameworks_believe_the_same_tokens(services: Services, tmp_path: Path) -> None:
    told_by: dict[str, dict[str, Any]] = {}
    for framework in FRAMEWORKS:
        service = services.make(tmp_path, framework, auth="oidc", database="none", pages=False)
        provider = issuer()
        settings = {"OIDC_ISSUER": provider.url, "OIDC_AUDIENCE": AUDIENCE, "OIDC_TIMEOUT": "2"}
        with run_in_production(service, settings) as server:
            told_by[framework] = {name: told(answer) for name, answer in story(server, provider)}
            document = json.dumps(
                send(server, "GET", "/openapi.json").json["components"]["securitySchemes"],
                sort_keys=True,
            )
            told_by[framework]["schemes"] = re.sub(r"127.0.0.1:\d+", "issuer", document)
            assert "Traceback" not in server.log
            assert provider.token().partition(".")[0] not in server.log
        silent = issuer()
        silent.speaks.clear()
        settings["OIDC_ISSUER"] = silent.url
        with run_in_production(service, settings) as server:
            asked = unchecked(server, silent.token(aud=AUDIENCE))
            told_by[framework] |= {f"silent: {name}": told(answer) for name, answer in asked}
        silent.stop()
    fastapi, flask = (told_by[framework] for framework in FRAMEWORKS)

    for one in (fastapi, flask):
        for name in wrong_tokens(issuer()):
            statuses = [one[f"{method} {path}: {name}"]["status"] for method, path in ASKED]
            assert statuses == [401, 401, 401, 200], name
        for name in ("good", "a new key", "for others too", "known while the issuer is down"):
            assert one[f"GET /whoami: {name}"]["status"] == 200, name
            assert one[f"POST /items: {name}"]["status"] == 422, name
        assert json.loads(one["GET /whoami: an admin"]["body"])["roles"] == ["admin"]
        down = [one[f"silent: {method} {path}"] for method, path in ASKED]
        assert [answer["status"] for answer in down] == [503, 503, 503, 200]
        assert {answer.get("retry-after") for answer in down[:3]} == {"10"}
    assert {name: fastapi[name] for name in fastapi if fastapi[name] != flask[name]} == {
        name: flask[name] for name in flask if fastapi[name] != flask[name]
    }
    assert len(fastapi) > 150


@contextmanager
def independent_issuer(environments: Environments, *program: str) -> Iterator[str]:
    """Run an issuer that others wrote, or a program that serves it at a port; give its URL."""
    environment = environments.get(["oidc-provider-mock>=0.3,<0.4"])
    port = free_port()
    program = program or ("-m", "oidc_provider_mock", "--port")
    command = [str(interpreter(environment)), *program, str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + PATIENCE
            while time.monotonic() < deadline:
                try:
                    asked(f"http://localhost:{port}/jwks")
                    break
                except OSError:
                    time.sleep(0.05)
            yield f"http://localhost:{port}"
        finally:
            process.terminate()


def asked(url: str, form: dict[str, str] | None = None) -> tuple[str, bytes]:
    """Ask for a page, or send a form, and give where it leads and its body."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=PATIENCE)
    body = urlencode(form) if form else None
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
    connection.request(
        "POST" if form else "GET", f"{parts.path}?{parts.query}", body, headers=headers
    )
    answer = connection.getresponse()
    found = answer.headers.get("Location", ""), answer.read()
    connection.close()
    return found


def token_of(url: str, user: str) -> str:
    """Log a user in at the independent issuer, as the client that the services are."""
    back = "http://localhost/back"
    query = {
        "client_id": AUDIENCE,
        "redirect_uri": back,
        "response_type": "code",
        "scope": "openid profile",
        "nonce": "n",
    }
    location, _ = asked(f"{url}/oauth2/authorize?{urlencode(query)}", {"sub": user})
    (code,) = parse_qs(urlsplit(location).query)["code"]
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": AUDIENCE,
        "redirect_uri": back,
        "client_secret": "secret",
    }
    _, body = asked(f"{url}/oauth2/token", form)
    token: str = json.loads(body)["id_token"]
    return token


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_an_issuer_that_others_wrote(
    services: Services, environments: Environments, tmp_path: Path, framework: str
) -> None:
    service = services.make(tmp_path, framework, auth="oidc", database="none", pages=False)
    with independent_issuer(environments) as url:
        settings = {"OIDC_ISSUER": url, "OIDC_AUDIENCE": AUDIENCE}
        with run_in_production(service, settings) as server:
            token = token_of(url, "ada")

            answers = [
                send(server, "GET", "/whoami", bearer=each)
                for each in (token, f"{token[:-4]}AAAA", "")
            ]

    assert [answer.status for answer in answers] == [200, 401, 401]
    assert answers[0].json == {"id": "ada", "username": "ada", "roles": []}
