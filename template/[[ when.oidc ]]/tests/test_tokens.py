#{% filter fitted %}
"""Which access tokens are believed."""

import base64
import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest
from bearers import AUDIENCE, ISSUER, Bearer, Provider
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from httpx2 import Client
from jwt.algorithms import OKPAlgorithm, RSAAlgorithm

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.issuer import Issuer
from PACKAGE.tokens import Tokens, find_roles
#{% endfilter %}


def part(value: object) -> str:
    """Write a part of a token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def unsigned(algorithm: str) -> str:
    """Write a token that says it needs no signature."""
    return f"{part({'alg': algorithm, 'kid': 'first'})}.{part(ISSUER.claims())}."


def tampered() -> str:
    """Give a token that was signed for somebody else."""
    head, _, signature = ISSUER.token().split(".")
    return f"{head}.{part(ISSUER.claims(roles=['admin']))}.{signature}"


def signed_with_the_public_key() -> str:
    """Sign with what everybody knows, as if it were a secret that two share."""
    public = ISSUER.keys["first"].public_key()
    secret = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    text = f"{part({'alg': 'HS256', 'kid': 'first'})}.{part(ISSUER.claims())}"
    signature = hmac.digest(secret, text.encode(), "sha256")
    return f"{text}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def signed_by_another(kid: str | None = "first", **headers: Any) -> str:
    """Sign with a key that the issuer does not have."""
    key = ec.generate_private_key(ec.SECP256R1())
    named = {"kid": kid} if kid else {}
    return jwt.encode(ISSUER.claims(), key, algorithm="ES256", headers=named | headers)


def now(seconds: int) -> int:
    """Give a time before or after now."""
    return int(time.time()) + seconds


GOOD: dict[str, Callable[..., str]] = {
    "plain": ISSUER.token,
    "for others too": lambda: ISSUER.token(aud=["another", AUDIENCE]),
    "with a beginning": lambda: ISSUER.token(nbf=now(-1)),
    "by a clock that is late": lambda: ISSUER.token(exp=now(-5)),
    "by a clock that is early": lambda: ISSUER.token(nbf=now(5)),
    "with roles of another service": lambda: ISSUER.token(roles=["root", 1]),
}


@pytest.mark.parametrize("how", GOOD)
def test_a_good_token(anonymous: Client, how: str) -> None:
    answer = anonymous.get("/whoami", headers={"Authorization": f"Bearer {GOOD[how]()}"})

    assert answer.status_code == 200
    assert answer.json() == {"id": "1", "username": "ada", "roles": []}


def test_a_user_without_a_name_has_the_id(client: Client) -> None:
    answer = client.get("/whoami", auth=Bearer(token=ISSUER.token(preferred_username=None)))

    assert answer.json()["username"] == "1"


WRONG: dict[str, Callable[..., str]] = {
    "expired": lambda: ISSUER.token(exp=now(-20)),
    "not yet": lambda: ISSUER.token(nbf=now(20)),
    "without an end": lambda: ISSUER.token(exp=None),
    "for another service": lambda: ISSUER.token(aud="another"),
    "for nobody": lambda: ISSUER.token(aud=None),
    "of another issuer": lambda: ISSUER.token(iss="https://login.example"),
    "of nobody": lambda: ISSUER.token(iss=None),
    "about nobody": lambda: ISSUER.token(sub=None),
    "about a list": lambda: ISSUER.token(preferred_username=["ada"]),
    "by another": signed_by_another,
    "by another that brings its key": lambda: signed_by_another(
        jwk={"kty": "oct", "k": "c2VjcmV0"}, jku="https://evil.example/keys"
    ),
    "with an unknown key": lambda: signed_by_another("unknown"),
    "without a key": lambda: signed_by_another(None),
    "with the public key as a secret": signed_with_the_public_key,
    "unsigned": lambda: unsigned("none"),
    "unsigned, in capitals": lambda: unsigned("NONE"),
    "with an empty signature": lambda: unsigned("ES256"),
    "with another algorithm than the key": lambda: unsigned("RS256"),
    "tampered with": tampered,
    "cut off": lambda: ISSUER.token()[:-2],
    "without its end": lambda: ISSUER.token().rpartition(".")[0],
    "empty parts": lambda: "..",
    "no algorithm": lambda: f"{part({'kid': 'first'})}.e30.x",
    "a key that is a list": lambda: f"{part({'alg': 'ES256', 'kid': ['first']})}.e30.x",
    "an algorithm that is a list": lambda: f"{part({'alg': ['ES256'], 'kid': 'first'})}.e30.x",
    "a deep header": lambda: f"{base64.urlsafe_b64encode(b'[' * 6000).decode()}.e30.x",
}


@pytest.mark.parametrize("how", WRONG)
def test_a_wrong_token(anonymous: Client, how: str) -> None:
    answer = anonymous.get("/whoami", headers={"Authorization": f"Bearer {WRONG[how]()}"})

    assert answer.status_code == 401
    assert answer.json() == {"detail": "Not authenticated"}


@pytest.fixture
def tokens() -> Tokens:
    """Read tokens without an application."""
    return Tokens(Issuer(ISSUER.url, timeout=5), AUDIENCE, "roles")


@pytest.mark.parametrize("token", ["é.é.é", "\ud800.x.y", "x\0.y.z", "", "."])
def test_what_is_no_token_at_all(tokens: Tokens, token: str) -> None:
    assert tokens.read(token) is None


@pytest.fixture
def provider() -> Iterator[Provider]:
    """Give an issuer of the test's own."""
    with Provider() as provider:
        yield provider


@pytest.mark.parametrize(
    ("algorithm", "said"),
    [("RS256", {}), ("RS256", {"alg": "RS256"}), ("PS256", {"alg": "PS256"}), ("EdDSA", {})],
)
def test_keys_of_other_kinds(provider: Provider, algorithm: str, said: dict[str, str]) -> None:
    key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
    if algorithm == "EdDSA":
        key = ed25519.Ed25519PrivateKey.generate()
        public = OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        key = rsa.generate_private_key(65537, 2048)
        public = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    provider.answers["/keys"] = {"keys": [public | {"kid": "other"} | said]}
    tokens = Tokens(Issuer(provider.url, timeout=5), AUDIENCE, "roles")

    token = jwt.encode(provider.claims(), key, algorithm, headers={"kid": "other"})

    account = tokens.read(token)
    assert account
    assert account.username == "ada"


@pytest.mark.parametrize(
    ("claim", "claims", "roles"),
    [
        ("roles", {"roles": ["admin", "other"]}, ["admin"]),
        ("roles", {"roles": ["other"]}, []),
        ("roles", {}, []),
        ("roles", {"roles": None}, []),
        ("roles", {"roles": {"admin": True}}, []),
        ("roles", {"roles": "administrator"}, []),
        ("scope", {"scope": "reports:read admin"}, ["admin"]),
        ("realm_access.roles", {"realm_access": {"roles": ["admin"]}}, ["admin"]),
        ("realm_access.roles", {"realm_access": ["roles"]}, []),
        ("realm_access.roles", {"realm_access": {}}, []),
        ("https://a.example/roles", {"https://a.example/roles": ["admin"]}, ["admin"]),
    ],
)
def test_where_roles_are(claim: str, claims: dict[str, Any], roles: list[str]) -> None:
    assert find_roles(claims, claim) == roles


def test_the_settings_say_where_roles_are(start: Callable[..., Client]) -> None:
    client = start(oidc_roles_claim="realm_access.roles")
    token = ISSUER.token(realm_access={"roles": ["admin"]}, roles=[])

    assert client.get("/whoami", auth=Bearer(token=token)).json()["roles"] == ["admin"]
#{% endfilter %}
