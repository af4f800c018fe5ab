"""How passwords are kept."""

from unittest.mock import Mock

import pytest
from pwdlib import PasswordHash

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE import passwords
#{% endfilter %}


def test_a_password_is_not_kept() -> None:
    hashed = passwords.hash_password("correct horse")

    assert hashed.startswith("$argon2id$")
    assert "correct horse" not in hashed
    assert passwords.hash_password("correct horse") != hashed


def test_passwords_are_compared() -> None:
    hashed = passwords.hash_password("correct horse")

    assert passwords.is_right("correct horse", hashed)
    assert not passwords.is_right("correct horse ", hashed)
    assert not passwords.is_right("", hashed)


def test_an_accent_may_be_a_part_of_its_letter_or_not() -> None:
    hashed = passwords.hash_password("größe und länge")

    assert passwords.is_right("gro\u0308ße und la\u0308nge", hashed)
    assert not passwords.is_right("große und lange", hashed)


def test_nobody_has_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    known = passwords.hash_password("the password of nobody")
    monkeypatch.setattr(passwords, "nobodys_hash", lambda: known)

    assert not passwords.is_right("", None)
    assert not passwords.is_right("the password of nobody", None)


def test_a_user_who_is_not_there_takes_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = passwords.hash_password("correct horse")
    hasher = Mock(spec=PasswordHash, wraps=passwords.HASHER)
    monkeypatch.setattr(passwords, "HASHER", hasher)

    passwords.is_right("wrong", hashed)
    passwords.is_right("wrong", None)

    compared = [call.args[1] for call in hasher.verify.call_args_list]
    assert len(compared) == 2
    # Up to the salt, where it says how much work it is.
    assert compared[0].split("$")[:4] == compared[1].split("$")[:4]
