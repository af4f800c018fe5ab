"""Users sign up, log in and are refused the same way in both frameworks, over a socket."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from matrix.rendering import PACKAGE

from contract.services import FRAMEWORKS, Answer, run_in_production

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from contract.services import Server, Services

SECRET = "a secret of the probes that is long enough for every algorithm that there is"  # noqa: S105
OTHER = "another secret of the probes that is as long as it must be, and which nobody set"
ADA = {"username": "ada", "password": "correct horse battery"}
KEPT = ("cache-control", "content-type", "location", "retry-after", "www-authenticate")
# What differs each time.
MADE = re.compile(rb'"(access_token|refresh_token)": ?"[^"]+"')


def part(value: object) -> str:
    """Write a part of a token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def token(secret: str = SECRET, algorithm: str = "HS256", kid: str = "", **others: Any) -> str:
    """Sign a token; a claim that is None is left out."""
    now = int(time.time())
    good: dict[str, Any] = {
        "iss": PACKAGE,
        "aud": PACKAGE,
        "sub": "1",
        "iat": now,
        "nbf": now,
        "exp": now + 600,
        "username": "ada",
        "roles": [],
    }
    claims = {name: value for name, value in (good | others).items() if value is not None}
    kid = kid or hashlib.sha256(SECRET.encode()).hexdigest()[:16]
    signed = f"{part({'alg': algorithm, 'typ': 'JWT', 'kid': kid})}.{part(claims)}"
    digest = {"HS384": hashlib.sha384, "HS512": hashlib.sha512}.get(algorithm, hashlib.sha256)
    signature = hmac.digest(secret.encode(), signed.encode(), digest)
    if algorithm.lower() == "none":
        return f"{signed}."
    return f"{signed}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def wrong_tokens() -> dict[str, str]:
    """Give tokens that nobody may believe."""
    now = int(time.time())
    good = token()
    head, claims, signature = good.split(".")
    return {
        "expired": token(exp=now - 1),
        "expired long ago": token(exp=1),
        "not yet": token(nbf=now + 600),
        "endless": token(exp=None),
        "without a beginning": token(nbf=None),
        "other audience": token(aud="another"),
        "no audience": token(aud=None),
        "other issuer": token(iss="another"),
        "no issuer": token(iss=None),
        "nobody": token(sub=None),
        "no number": token(sub="ada"),
        "no name": token(username=None),
        "no roles": token(roles=None),
        "unknown role": token(roles=["root"]),
        "roles that are a text": token(roles="admin"),
        "an end that is a text": token(exp="tomorrow"),
        "forged": token(OTHER),
        "forged with an empty key": token(""),
        "unknown key": token(OTHER, kid="0" * 16),
        "alg none": token(algorithm="none"),
        "alg NONE": token(algorithm="NONE"),
        "alg HS384": token(algorithm="HS384"),
        "alg HS512": token(algorithm="HS512"),
        "alg RS256": token(algorithm="RS256"),
        "tampered": f"{head}.{part({'sub': '1', 'roles': ['admin']})}.{signature}",
        "swapped": f"{claims}.{head}.{signature}",
        **damaged(good),
    }


def damaged(good: str) -> dict[str, str]:
    """Give what is no whole token, mostly made of a good one."""
    head, claims, _ = good.split(".")
    return {
        "truncated": good[:-2],
        "truncated to the claims": f"{head}.{claims}",
        "without a signature": f"{head}.{claims}.",
        "an empty signature": f"{head}.{claims}.AAAA",
        "with more behind it": f"{good}.x",
        "twice": f"{good} {good}",
        "no token": "x",
        "empty": "",
        "dots": "..",
        "deep": f"{base64.urlsafe_b64encode(b'[' * 3000).decode()}.e30.x",
    }


def send(server: Server, method: str, path: str, **sent: Any) -> Answer:
    """Send a request: ``form``, ``json`` or nothing, with a ``bearer`` or other ``headers``."""
    headers = dict(sent.get("headers", {}))
    body = None
    if "form" in sent:
        body, headers["Content-Type"] = urlencode(sent["form"]), "application/x-www-form-urlencoded"
    elif "json" in sent:
        body, headers["Content-Type"] = json.dumps(sent["json"]), "application/json"
    if "bearer" in sent:
        headers["Authorization"] = f"Bearer {sent['bearer']}"
    with closing(server.connection()) as connection:
        connection.request(method, path, body, headers)
        return Answer.read(connection)


def told(answer: Answer) -> dict[str, Any]:
    """Keep what the contract says of an answer."""
    kept = {name: answer.headers[name] for name in KEPT if name in answer.headers}
    body = MADE.sub(b'"\\1":"..."', answer.body)
    if answer.status == 422:
        body = json.dumps(sorted(str(one["loc"]) for one in answer.json["detail"])).encode()
    return {"status": answer.status, "body": body.decode(), **kept}


def story(server: Server) -> Iterator[tuple[str, Answer]]:
    """Go through the life of a user, and try whatever is refused on the way."""
    ask: Callable[..., Answer] = lambda *what, **sent: send(server, *what, **sent)  # noqa: E731
    yield "sign up", ask("POST", "/users", json=ADA)
    yield "sign up again", ask("POST", "/users", json=ADA | {"username": "ADA"})
    bad: dict[str, dict[str, object]] = {
        "short": {"password": "short"},
        "long": {"password": "x" * 129},
        "no name": {"username": ""},
        "a space": {"username": "a b"},
        "no text": {"username": 1},
    }
    for name, changes in bad.items():
        yield f"sign up: {name}", ask("POST", "/users", json={**ADA, **changes})
    yield "sign up: a form", ask("POST", "/users", form=ADA)
    for name, form in {
        "right": ADA,
        "grant": ADA | {"grant_type": "password", "scope": "a b", "client_id": "x"},
        "wrong": ADA | {"password": "wrong"},
        "unknown": ADA | {"username": "eve"},
        "other grant": ADA | {"grant_type": "client_credentials"},
        "nothing": {},
        "NUL": ADA | {"username": "a\0"},
    }.items():
        yield f"log in: {name}", ask("POST", "/token", form=form)
    yield "log in: JSON", ask("POST", "/token", json=ADA)
    pair = ask("POST", "/token", form=ADA).json
    first = {"refresh_token": pair["refresh_token"]}
    again = ask("POST", "/token/refresh", form=first)
    yield "refresh", again
    yield "refresh: reused", ask("POST", "/token/refresh", form=first)
    second = {"refresh_token": again.json["refresh_token"]}
    yield "refresh: its family has ended", ask("POST", "/token/refresh", form=second)
    for name, text in {
        "unknown": "x.y",
        "truncated": pair["refresh_token"][:-1],
        "an access token": pair["access_token"],
        "NUL": "x\0",
        "empty": "",
    }.items():
        yield f"refresh: {name}", ask("POST", "/token/refresh", form={"refresh_token": text})
    other = ask("POST", "/token", form=ADA).json
    yield "revoke", ask("POST", "/token/revoke", form={"token": other["refresh_token"]})
    yield "revoke again", ask("POST", "/token/revoke", form={"token": other["refresh_token"]})
    yield (
        "refresh: revoked",
        ask("POST", "/token/refresh", form={"refresh_token": other["refresh_token"]}),
    )
    for name, bearer in {"own": pair["access_token"], **wrong_tokens()}.items():
        for method, path in (("GET", "/whoami"), ("GET", "/users"), ("POST", "/items")):
            yield f"{method} {path}: {name}", ask(method, path, json={}, bearer=bearer)
    yield "a refresh token", ask("GET", "/whoami", bearer=pair["refresh_token"])
    yield "an admin", ask("GET", "/users", bearer=token(roles=["admin"]))
    yield "a strange page", ask("GET", "/users?limit=0", bearer=token(roles=["admin"]))
    change = {"current_password": ADA["password"], "new_password": "another horse battery"}
    path = "/whoami/password"
    yield "password: nobody", ask("PUT", path, json=change)
    yield (
        "password: wrong",
        ask("PUT", path, json=change | {"current_password": "x"}, bearer=token()),
    )
    yield "password", ask("PUT", path, json=change, bearer=token())
    yield "log in: the old password", ask("POST", "/token", form=ADA)
    for _ in range(8):
        last = ask("POST", "/token", form=ADA)
    yield "log in: too often", last
    for number in range(11):
        last = ask("POST", "/users", json=ADA | {"username": f"user{number}"})
    yield "sign up: too often", last


@pytest.mark.parametrize("database", ["none", "sqlite"])
def test_both_frameworks_treat_users_the_same(
    services: Services, tmp_path: Path, database: str
) -> None:
    told_by = {}
    for framework in FRAMEWORKS:
        service = services.make(
            tmp_path, framework, auth="jwt", database=database, pages=False, modular=True
        )
        settings = {"TOKEN_SECRETS": SECRET, "FAILED_LOGINS_LIMIT": "11"}
        with run_in_production(service, settings) as server:
            told_by[framework] = {name: told(answer) for name, answer in story(server)}
            assert "Traceback" not in server.log
            assert ADA["password"] not in server.log
    fastapi, flask = (told_by[framework] for framework in FRAMEWORKS)

    # Retry-After counts down.
    for one in (fastapi, flask):
        for too_often in ("log in: too often", "sign up: too often"):
            assert one[too_often]["status"] == 429
            assert 1 <= int(one[too_often].pop("retry-after")) <= 60
        assert {one[f"GET /whoami: {name}"]["status"] for name in wrong_tokens()} == {401}
        assert one["GET /whoami: own"]["status"] == one["an admin"]["status"] == 200
        assert one["GET /users: own"]["status"] == 403
        assert one["refresh: reused"]["status"] == one["refresh: revoked"]["status"] == 401
    assert {name: fastapi[name] for name in fastapi if fastapi[name] != flask[name]} == {
        name: flask[name] for name in flask if fastapi[name] != flask[name]
    }
    assert len(fastapi) > 100
