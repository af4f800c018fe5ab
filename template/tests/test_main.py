"""The application that a server runs."""

from functools import partial
from importlib import import_module
from typing import Any

import pytest

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE import settings
#{% endfilter %}


#{% if when.database %}
def test_is_made_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, empty_database_url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database_url)

#{% else %}
def test_is_made_of_the_environment() -> None:
#{% endif %}
    main = import_module("[[ package_name ]].main")

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
