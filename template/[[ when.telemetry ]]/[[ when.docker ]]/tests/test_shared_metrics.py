"""Metrics that the processes of a server share."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE import shared_metrics
#{% endfilter %}


def test_files_end_with_the_process_or_with_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(shared_metrics.DIRECTORY, "that of another server")
    monkeypatch.setattr("tempfile.tempdir", str(Path.cwd()))
    shared_metrics.share()
    directory = Path(os.environ[shared_metrics.DIRECTORY])
    for name in ("gauge_livesum_1.db", "gauge_livesum_2.db", "counter_1.db"):
        (directory / name).touch()

    shared_metrics.on_worker_exit(None, SimpleNamespace(pid=1))
    assert {path.name for path in directory.iterdir()} == {"gauge_livesum_2.db", "counter_1.db"}

    shared_metrics.on_server_exit(None)
    assert not directory.exists()
