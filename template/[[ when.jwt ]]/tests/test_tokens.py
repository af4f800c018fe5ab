#{% filter fitted %}
"""Which access tokens are believed."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from bearers import TOKEN_SECRETS, Bearer
from httpx2 import Client

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.tokens import Account, Tokens, key_id
#{% endfilter %}

OTHER_SECRET = "another secret of the tests that is as long as it must be"
ADA = Account(id=1, username="ada", roles=["admin"])


def claims(**others: Any) -> dict[str, Any]:
    """Give what a good token says, but for some of it; None leaves a claim out."""
    now = int(time.time())
    good = {
        "iss": "[[ package_name ]]",
        "aud": "[[ package_name ]]",
        "sub": "1",
        "iat": now,
        "nbf": now,
        "exp": now + 60,
        "username": "ada",
        "roles": [],
    }
    return {name: value for name, value in (good | others).items() if value is not None}


def signed(key: str = TOKEN_SECRETS, algorithm: str = "HS256", **others: Any) -> str:
    """Sign what a token says."""
    kid = {"kid": key_id(TOKEN_SECRETS)}
    return jwt.encode(claims(**others), key, algorithm=algorithm, headers=kid)


def part(value: object) -> str:
    """Write a part of a token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def unsigned(algorithm: str) -> str:
    """Write a token that says it needs no signature."""
    return f"{part({'alg': algorithm, 'kid': key_id(TOKEN_SECRETS)})}.{part(claims())}."


def tampered() -> str:
    """Give a token that was signed for somebody else."""
    head, _, signature = signed().split(".")
    return f"{head}.{part(claims(roles=['admin']))}.{signature}"


def status(client: Client, token: str) -> int:
    """Ask who is asking with a token."""
    return client.get("/whoami", auth=Bearer(token=token)).status_code


def test_a_good_token(client: Client) -> None:
    assert status(client, signed()) == 200


@pytest.mark.parametrize("token", ["é.é.é", "\ud800.x.y", "x\0.y.z", "", "."])
def test_what_is_no_token_at_all(token: str) -> None:
    assert Tokens(TOKEN_SECRETS, seconds=60).read(token) is None


PAST = int(time.time()) - 10
WRONG: dict[str, Callable[..., str]] = {
    "expired": lambda: signed(exp=PAST),
    "not yet": lambda: signed(nbf=int(time.time()) + 60),
    "without an end": lambda: signed(exp=None),
    "without a beginning": lambda: signed(nbf=None),
    "for another service": lambda: signed(aud="another"),
    "for nobody": lambda: signed(aud=None),
    "of another service": lambda: signed(iss="another"),
    "of nobody": lambda: signed(iss=None),
    "about nobody": lambda: signed(sub=None),
    "about no number": lambda: signed(sub="ada"),
    "without a name": lambda: signed(username=None),
    "without roles": lambda: signed(roles=None),
    "with roles that there are not": lambda: signed(roles=["root"]),
    "with another key": lambda: signed(OTHER_SECRET),
    "with another algorithm": lambda: signed(algorithm="HS512"),
    "without a key": lambda: jwt.encode(claims(), TOKEN_SECRETS, algorithm="HS256"),
    "with an unknown key": lambda: jwt.encode(
        claims(), OTHER_SECRET, algorithm="HS256", headers={"kid": key_id(OTHER_SECRET)}
    ),
    "unsigned": lambda: unsigned("none"),
    "unsigned, in capitals": lambda: unsigned("NONE"),
    "tampered with": tampered,
    "cut off": lambda: signed()[:-1],
    "without its end": lambda: signed().rpartition(".")[0],
    "empty parts": lambda: "..",
    "a deep header": lambda: f"{base64.urlsafe_b64encode(b'[' * 6000).decode()}.e30.x",
}


@pytest.mark.parametrize("how", WRONG)
def test_a_wrong_token(anonymous: Client, how: str) -> None:
    header = f"Bearer {WRONG[how]()}"

    answer = anonymous.get("/whoami", headers={"Authorization": header})

    assert answer.status_code == 401
    assert answer.json() == {"detail": "Not authenticated"}


def test_a_token_ends(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens, now = Tokens(TOKEN_SECRETS, seconds=60), time.time()
    assert status(client, tokens.issue(ADA)) == 200

    #{% filter replace("PACKAGE", package_name) %}
    monkeypatch.setattr("PACKAGE.tokens.time.time", lambda: now - 61)
    #{% endfilter %}

    assert status(client, tokens.issue(ADA)) == 401


def test_keys_are_replaced_while_tokens_are_believed(start: Callable[..., Client]) -> None:
    old = Tokens(TOKEN_SECRETS, seconds=60).issue(ADA)
    both = f"{OTHER_SECRET}, {TOKEN_SECRETS}"
    new = Tokens(both, seconds=60).issue(ADA)

    assert [status(start(token_secrets=both), token) for token in (old, new)] == [200, 200]
    alone = start(token_secrets=OTHER_SECRET)
    assert [status(alone, token) for token in (old, new)] == [401, 200]
    # The first key is the one that signs.
    assert jwt.get_unverified_header(new)["kid"] == key_id(OTHER_SECRET)


def test_a_token_tells_nothing_of_its_key(client: Client) -> None:
    token = Tokens(TOKEN_SECRETS, seconds=60).issue(ADA)

    assert TOKEN_SECRETS not in str(jwt.get_unverified_header(token))
    said = jwt.decode(token, options={"verify_signature": False})
    assert set(said) == {"iss", "aud", "sub", "iat", "nbf", "exp", "username", "roles"}
    assert said["exp"] - said["nbf"] == 60
    assert client.get("/whoami", auth=Bearer(token=token)).json()["roles"] == ["admin"]
#{% endfilter %}
