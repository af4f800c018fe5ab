"""Environments are made of what was installed this week, without asking for anything newer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from matrix.environments import Environments, installed

if TYPE_CHECKING:
    from pathlib import Path


def test_what_was_installed_is_installed_again_without_the_registry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environments = Environments(tmp_path / "environments")
    environments.get(["idna>=3.10", "sniffio>=1.3"])
    # Nothing listens at this port.
    for name in ("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")

    again = environments.get(["idna>=3.10"])
    with pytest.raises(OSError, match="failed"):
        environments.get(["idna>=3.10", "sniffio>=1.3.1"])

    assert [name.partition("==")[0] for name in installed(again)] == ["idna"]
