"""The application that a server runs."""

from functools import partial
from importlib import import_module
from typing import Any

import pytest

from servicewright_builder import settings


def test_is_made_of_the_environment() -> None:
    main = import_module("servicewright_builder.main")

    assert callable(main.app)


def test_all_that_cannot_be_used_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    values: dict[str, Any] = {"max_body_size": 0, "log_level": "loud"}
    wrong = partial(settings.Settings, **values)
    monkeypatch.setattr(settings, "Settings", wrong)

    with pytest.raises(SystemExit) as ended:
        settings.load_settings()

    first, second = str(ended.value).splitlines()
    assert first == "Set MAX_BODY_SIZE: Input should be greater than 0."
    assert second.startswith("Set LOG_LEVEL: Input should be 'DEBUG', ")
