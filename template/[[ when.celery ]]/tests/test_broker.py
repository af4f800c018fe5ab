"""Which brokers can be used, and where."""

import pytest
from pydantic import ValidationError

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.broker import options_of, require_server
from PACKAGE.settings import Settings
#{% endfilter %}

SERVERS = ["redis://:secret@host:6379/0", "rediss://host", "amqp://guest@host//", "amqps://host"]


@pytest.mark.parametrize("url", [*SERVERS, "filesystem://", "memory://"])
def test_an_address_that_can_be_used(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", url)

    settings = Settings()

    assert settings.celery_broker_url == url
    assert "secret" not in repr(settings)


@pytest.mark.parametrize("url", ["localhost", "redis", "http://host", "://host"])
def test_an_address_of_something_else(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", url)

    with pytest.raises(ValidationError, match="it must be the address of a Redis"):
        Settings()


def test_production_needs_a_server() -> None:
    for url in SERVERS:
        require_server(url)
    for url in ("filesystem://", "memory://"):
        with pytest.raises(SystemExit, match=r"^Set CELERY_BROKER_URL: in production"):
            require_server(url)


@pytest.mark.parametrize("url", SERVERS)
def test_a_server_that_hangs_is_not_waited_for_for_ever(url: str) -> None:
    options = options_of(url, "data", 100)

    assert {"socket_timeout", "read_timeout"} & options.keys()
    # A job is given to another worker when it must have ended, or the broker says that it has it.
    assert options.get("visibility_timeout", 100) == 100
    assert options.get("unacked_restore_throttle", 1) == 1
    assert options.get("confirm_publish", True)


def test_without_a_server_jobs_wait_in_files() -> None:
    options = options_of("filesystem://", "data", 100)

    assert options["data_folder_in"] == options["data_folder_out"] == "data/broker"
