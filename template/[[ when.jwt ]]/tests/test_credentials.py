"""Which secrets can be set."""

from typing import Any

import pytest
from pydantic import ValidationError

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.settings import Settings, load_settings
#{% endfilter %}

LONG = "x" * 32


@pytest.mark.parametrize("secrets", ["", "x" * 31, f"{LONG},", f"{LONG},short", " " * 40])
def test_secrets_that_could_be_guessed_are_refused(secrets: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(token_secrets=secrets)

    (error,) = refused.value.errors()
    assert error["loc"] == ("token_secrets",)
    assert "openssl rand -hex 32" in error["msg"]
    assert LONG not in str(refused.value)


@pytest.mark.parametrize("secrets", [LONG, "ö" * 16, f"{LONG}, {LONG}y"])
def test_secrets_that_are_long_enough(secrets: str) -> None:
    settings = Settings(token_secrets=secrets)

    assert settings.token_secrets == secrets
    assert secrets not in repr(settings)


def test_no_start_without_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOKEN_SECRETS")

    with pytest.raises(SystemExit, match=r"Set TOKEN_SECRETS: it is required.*openssl rand"):
        load_settings()


@pytest.mark.parametrize(
    "name",
    [
        "access_token_seconds",
        "login_seconds",
        "failed_logins_limit",
        "failed_logins_seconds",
    ],
)
def test_limits_that_cannot_work_are_refused(name: str) -> None:
    values: dict[str, Any] = {name: 0}

    with pytest.raises(ValueError, match=name):
        Settings(**values)
