"""Which origins can be set."""

import pytest
from pydantic import ValidationError

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.settings import Settings
#{% endfilter %}


@pytest.mark.parametrize(
    "origin",
    [
        "https://friend.example",
        "http://localhost:3000",
        "http://127.0.0.1:8080",
        "http://[::1]:3000",
        "https://a_b.friend.example:65535",
        "capacitor://localhost",
        "*",
    ],
)
def test_what_browsers_send_can_be_named(origin: str) -> None:
    assert Settings(cors_origins=(origin,)).cors_origins == (origin,)


@pytest.mark.parametrize(
    "origin",
    [
        "friend.example",
        "https://friend.example/",
        "https://friend.example/path",
        "https://friend.example?q",
        "https://*.friend.example",
        "https://(staging).friend.example",
        ".*",
        "https://Friend.example",
        "https://friend.example:443",
        "http://friend.example:80",
        "https://friend.example:0",
        "https://friend.example:65536",
        "https://ada@friend.example",
        "https://größe.example",
        "https://friend.example\n",
        "null",
        "",
    ],
)
def test_what_they_do_not_send_is_refused(origin: str) -> None:
    with pytest.raises(ValidationError, match="cors_origins"):
        Settings(cors_origins=(origin,))


def test_any_origin_stands_alone() -> None:
    with pytest.raises(ValidationError, match="alone"):
        Settings(cors_origins=("*", "https://friend.example"))
#{% if when.settings %}


@pytest.mark.parametrize(
    "text",
    ['["https://a.example", "http://[::1]:3000"]', "https://a.example, http://[::1]:3000"],
)
def test_a_list_is_json_or_has_commas(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("CORS_ORIGINS", text)

    assert Settings().cors_origins == ("https://a.example", "http://[::1]:3000")


def test_a_list_that_is_cut_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", '["https://a.example"')

    with pytest.raises(ValidationError, match="cors_origins"):
        Settings()
#{% endif %}
