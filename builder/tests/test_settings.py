"""Where settings come from."""

from pathlib import Path

import pytest

from servicewright_builder import settings
from servicewright_builder.settings import Settings, load_settings


def test_environment_comes_before_file_and_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = Path("secrets")
    secrets.mkdir()
    (secrets / "message").write_text("from a secret")
    monkeypatch.setitem(Settings.model_config, "secrets_dir", secrets)
    assert Settings().message == "from a secret"

    Path(".env").write_text("MESSAGE=from the file\nSOMETHING_ELSE=1\n")
    assert Settings().message == "from the file"

    monkeypatch.setenv("MESSAGE", "from the environment")
    assert Settings().message == "from the environment"


def test_a_bad_value_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_BODY_SIZE", "large")

    with pytest.raises(ValueError, match="max_body_size"):
        Settings()


def test_a_list_of_your_own(monkeypatch: pytest.MonkeyPatch) -> None:
    class OwnSettings(Settings):
        colours: tuple[str, ...] = ()

    monkeypatch.setattr(settings, "Settings", OwnSettings)
    monkeypatch.setenv("COLOURS", '["red", "blue"]')
    assert load_settings() == OwnSettings(colours=("red", "blue"))

    monkeypatch.setenv("COLOURS", "red,blue")
    with pytest.raises(SystemExit, match=r"Write it as JSON.*colours") as ended:
        load_settings()
    assert "red,blue" not in str(ended.value)


def test_a_file_in_another_encoding_is_refused() -> None:
    Path(".env").write_text("MESSAGE=from the file\n", encoding="utf-16")

    with pytest.raises(SystemExit, match=r"Save \.env as UTF-8"):
        load_settings()


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESSAGE", "")
    monkeypatch.setenv("MAX_BODY_SIZE", "")

    for name in ("message", "max_body_size"):
        assert getattr(Settings(), name) == Settings.model_fields[name].default
