"""The configuration of the production server."""

import os
import runpy
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

CONFIGURATION = Path(__file__).parents[1] / "gunicorn.conf.py"


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Give a function that reads the configuration with these environment variables alone."""

    def configure(**variables: str) -> dict[str, Any]:
        monkeypatch.setattr(os, "environ", variables)
        names = runpy.run_path(str(CONFIGURATION))
        return {name: value for name, value in names.items() if name != "os" and name[0] != "_"}

    return configure


def test_gunicorn_knows_each_setting(configure: Callable[..., dict[str, Any]]) -> None:
    gunicorn = import_module("gunicorn.config").Config()

    for name, value in configure().items():
        gunicorn.set(name, value)

    assert gunicorn.address == [("127.0.0.1", 8000)]


def test_it_serves_the_application(configure: Callable[..., dict[str, Any]]) -> None:
    assert configure()["wsgi_app"] == "[[ package_name ]].main:app"


@pytest.mark.parametrize(
    ("variables", "setting", "value"),
    [
        ({"HOST": "0.0.0.0", "PORT": "80"}, "bind", "0.0.0.0:80"),  # noqa: S104
        ({"WEB_TIMEOUT": "60"}, "timeout", 60),
        ({"WEB_GRACEFUL_TIMEOUT": "10"}, "graceful_timeout", 10),
        ({"WEB_KEEPALIVE": "75"}, "keepalive", 75),
        ({"FORWARDED_ALLOW_IPS": "10.0.0.0/8"}, "forwarded_allow_ips", "10.0.0.0/8"),
        ({"WEB_ACCESS_LOG": ""}, "accesslog", None),
        ({"WEB_LOG_LEVEL": "debug"}, "loglevel", "debug"),
        #{% if when.in_memory %}
        ({"WEB_CONCURRENCY": "4"}, "workers", 1),
        #{% else %}
        ({"WEB_CONCURRENCY": "4"}, "workers", 4),
        #{% endif %}
    ],
)
def test_it_follows_the_environment(
    configure: Callable[..., dict[str, Any]],
    variables: dict[str, str],
    setting: str,
    value: object,
) -> None:
    assert configure(**variables)[setting] == value
