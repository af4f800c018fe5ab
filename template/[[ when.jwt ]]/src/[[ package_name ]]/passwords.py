"""How passwords are kept: as hashes of argon2, which are slow to make and to guess."""

from functools import cache
from secrets import token_urlsafe
from threading import BoundedSemaphore
from unicodedata import normalize

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

HASHER = PasswordHash((Argon2Hasher(),))
# Each one takes 64 MiB: so many may be made or compared at the same time.
AT_ONCE = BoundedSemaphore(4)


def one_spelling(password: str) -> str:
    """Write letters in one way: keyboards differ in whether an accent is a part of its letter."""
    return normalize("NFC", password)


def hash_password(password: str) -> str:
    """Make the hash of a password."""
    with AT_ONCE:
        return HASHER.hash(one_spelling(password))


@cache
def nobodys_hash() -> str:
    """Make the hash of a password that nobody has."""
    return hash_password(token_urlsafe())


def is_right(password: str, hashed: str | None) -> bool:
    """Compare a password with a hash; it takes as long where there is no user, and so no hash."""
    nobodys = nobodys_hash()
    with AT_ONCE:
        same = HASHER.verify(one_spelling(password), hashed or nobodys)
    return same and hashed is not None
