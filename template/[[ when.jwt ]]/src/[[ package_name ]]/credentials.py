"""What may be a name, a password and the secrets that sign tokens."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

SHORTEST_PASSWORD = 12
SHORTEST_SECRET = 32
# A name is looked for as it was written down: without a difference between letters that look alike.
Username = Annotated[
    str,
    Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._@+-]+$", examples=["ada"]),
    AfterValidator(str.lower),
]
# The longest one bounds the work that a password makes.
Password = Annotated[SecretStr, Field(min_length=SHORTEST_PASSWORD, max_length=128)]


def split_secrets(secrets: str) -> list[str]:
    """Give the secrets in a list that commas separate."""
    return [secret.strip() for secret in secrets.split(",")]


def strong_enough(secrets: str) -> str:
    """Refuse secrets that somebody could guess, and tell how to make a better one."""
    make = "as `openssl rand -hex 32` prints"
    if not secrets:
        raise ValueError(f"it is required: {SHORTEST_SECRET} random characters or more, {make}")
    if any(len(secret.encode()) < SHORTEST_SECRET for secret in split_secrets(secrets)):
        raise ValueError(f"each secret has {SHORTEST_SECRET} random characters or more, {make}")
    return secrets


#{% if when.in_memory %}
def long_enough(password: str) -> str:
    """Refuse a password that is too short, unless there is none."""
    if password and len(password) < SHORTEST_PASSWORD:
        raise ValueError(f"a password has {SHORTEST_PASSWORD} characters or more")
    return password


AdminPassword = Annotated[str, AfterValidator(long_enough)]
#{% endif %}
TokenSecrets = Annotated[str, AfterValidator(strong_enough)]
