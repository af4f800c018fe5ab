"""The configuration of the production server."""

import logging
import runpy
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

# As soon as the tests are found: it remembers the directory in which it is imported.
gunicorn = import_module("gunicorn.config")

CONFIGURATION = Path(__file__).parents[1] / "gunicorn.conf.py"


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Give a function that configures gunicorn with these environment variables."""
    #{% if when.telemetry %}
    # Where the metrics are written.
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    monkeypatch.setattr("tempfile.tempdir", str(Path.cwd()))
    #{% endif %}

    def configure(**variables: str) -> Any:
        #{% if when.celery %}
        variables = {"CELERY_BROKER_URL": "redis://broker"} | variables
        #{% endif %}
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        config = gunicorn.Config()
        for name, value in runpy.run_path(str(CONFIGURATION)).items():
            if name in config.settings:
                config.set(name, value)
        return config

    return configure


def test_it_serves_the_application(configure: Callable[..., Any]) -> None:
    config = configure()

    assert config.wsgi_app == "[[ package_name ]].main:app"
    assert config.address == [("127.0.0.1", 8000)]


@pytest.mark.parametrize(
    ("variables", "setting", "value"),
    [
        ({"HOST": "0.0.0.0", "PORT": "80"}, "address", [("0.0.0.0", 80)]),  # noqa: S104
        ({"HOST": "::1", "PORT": "0"}, "address", [("::1", 0)]),
        ({"HOST": "[::]"}, "address", [("::", 8000)]),
        ({"WEB_TIMEOUT": "60"}, "timeout", 60),
        ({"WEB_GRACEFUL_TIMEOUT": "10"}, "graceful_timeout", 10),
        ({"WEB_KEEPALIVE": "75"}, "keepalive", 75),
        ({"FORWARDED_ALLOW_IPS": "10.0.0.0/8"}, "forwarded_allow_ips", ["10.0.0.0/8"]),
        ({"FORWARDED_ALLOW_IPS": "*"}, "forwarded_allow_ips", ["*"]),
        ({"WEB_ACCESS_LOG": ""}, "accesslog", None),
        ({"WEB_ACCESS_LOG": "access.log"}, "accesslog", "access.log"),
        ({"WEB_LOG_LEVEL": "debug"}, "loglevel", "debug"),
        #{% if when.in_memory %}
        ({"WEB_CONCURRENCY": "4"}, "workers", 1),
        #{% else %}
        ({"WEB_CONCURRENCY": "4"}, "workers", 4),
        #{% endif %}
    ],
)
def test_it_follows_the_settings(
    configure: Callable[..., Any], variables: dict[str, str], setting: str, value: object
) -> None:
    assert getattr(configure(**variables), setting) == value


@pytest.mark.parametrize(
    ("name", "value"),
    #{% if when.celery %}
    [
        ("PORT", "70000"),
        ("WEB_TIMEOUT", "soon"),
        ("FORWARDED_ALLOW_IPS", "the proxy"),
        ("CELERY_BROKER_URL", "filesystem://"),
    ],
    #{% else %}
    [("PORT", "70000"), ("WEB_TIMEOUT", "soon"), ("FORWARDED_ALLOW_IPS", "the proxy")],
    #{% endif %}
)
def test_what_cannot_be_used_is_said(configure: Callable[..., Any], name: str, value: str) -> None:
    with pytest.raises(SystemExit, match=f"^Set {name}: "):
        configure(**{name: value})


def test_its_own_records_go_where_all_go(
    configure: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    config = configure()
    logger = config.logger_class(config)
    logger.info("Starting")

    assert "Starting" in caplog.text
    assert logging.getLogger("gunicorn.error").handlers == []
