"""Which issuers and audiences can be set."""

#{% if when.visitors %}
from typing import Any

#{% endif %}
import pytest
from pydantic import ValidationError

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.settings import Settings
#{% endfilter %}


@pytest.mark.parametrize(
    "url",
    [
        "https://login.example",
        "https://login.example:8443/realms/a/",
        "http://localhost:8080/realms/a",
        "http://127.0.0.1",
        "http://[::1]:8080",
    ],
)
def test_issuers(url: str) -> None:
    assert Settings(oidc_issuer=url, oidc_audience="a").oidc_issuer == url


@pytest.mark.parametrize(
    ("issuer", "audience", "wrong"),
    [
        ("", "a", "oidc_issuer"),
        ("http://login.example", "a", "oidc_issuer"),
        ("http://localhost.example", "a", "oidc_issuer"),
        ("http://localhost@login.example", "a", "oidc_issuer"),
        ("https://ada:secret@login.example", "a", "oidc_issuer"),
        ("https://login.example?a=b", "a", "oidc_issuer"),
        ("https://login.example#a", "a", "oidc_issuer"),
        ("https://login.example\n", "a", "oidc_issuer"),
        ("https://login.example/a b", "a", "oidc_issuer"),
        ("https://[login.example", "a", "oidc_issuer"),
        ("https://login.example:x", "a", "oidc_issuer"),
        ("login.example", "a", "oidc_issuer"),
        ("file:///etc/passwd", "a", "oidc_issuer"),
        ("https://login.example", "", "oidc_audience"),
        ("https://login.example", "a\n", "oidc_audience"),
        ("https://login.example", " ", "oidc_audience"),
    ],
)
def test_what_cannot_work_is_refused(issuer: str, audience: str, wrong: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(oidc_issuer=issuer, oidc_audience=audience)

    (error,) = refused.value.errors()
    assert error["loc"] == (wrong,)
    assert "secret" not in str(refused.value)
#{% if when.visitors %}


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"oidc_client_id": ""}, "oidc_client_id"),
        ({"oidc_client_id": "a\n"}, "oidc_client_id"),
        ({"login_secret": ""}, "login_secret"),
        ({"login_secret": "x" * 31}, "login_secret"),
    ],
)
def test_what_the_pages_cannot_work_with_is_refused(given: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(**given)

    (error,) = refused.value.errors()
    assert error["loc"] == (wrong,)


def test_secrets_are_not_shown() -> None:
    settings = Settings(oidc_client_secret="a secret of the client")

    assert settings.oidc_client_secret not in repr(settings)
    assert settings.login_secret not in repr(settings)
#{% endif %}
