"""Uploads, processed after the response."""

import hashlib
import threading
import time
from typing import Any

import pytest
from httpx2 import Client

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.uploads import Uploads
#{% endfilter %}


def outcome(client: Client, filename: str) -> dict[str, Any]:
    """Wait for the end of a job."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        upload: dict[str, Any] = client.get(f"/uploads/{filename}").json()
        if upload["status"] != "processing":
            return upload
        time.sleep(0.002)
    raise AssertionError(upload)


@pytest.mark.parametrize("content", [b"", b"hello", bytes(range(256)) * 100])
def test_upload(client: Client, content: bytes) -> None:
    answer = client.post("/uploads/data.bin", content=content)

    assert answer.status_code == 202
    assert answer.json() == {"filename": "data.bin", "status": "processing"}
    assert outcome(client, "data.bin") == {
        "filename": "data.bin",
        "status": "done",
        "result": {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()},
    }


def test_the_last_upload_of_a_name_counts(client: Client) -> None:
    client.post("/uploads/data.bin", content=b"first")
    outcome(client, "data.bin")
    client.post("/uploads/data.bin", content=b"second one")

    assert outcome(client, "data.bin")["result"]["size"] == 10


def test_the_job_runs_after_the_answer_in_a_thread_of_its_own(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    process, started, threads = Uploads.process, [], []

    def slow(uploads: Uploads, filename: str) -> None:
        started.append(time.perf_counter())
        threads.append(threading.current_thread())
        time.sleep(0.02)
        process(uploads, filename)

    monkeypatch.setattr(Uploads, "process", slow)
    sent = time.perf_counter()

    answer = client.post("/uploads/data.bin", content=b"hello")

    assert outcome(client, "data.bin")["status"] == "done"
    assert len(started) == 1
    assert started[0] - sent >= float(answer.headers["X-Process-Time"])
    assert threading.main_thread() not in threads


def test_processing_until_the_job_is_done(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Uploads, "process", lambda *_: None)

    client.post("/uploads/data.bin", content=b"hello")

    answer = client.get("/uploads/data.bin")
    assert answer.status_code == 200
    assert answer.json() == {"filename": "data.bin", "status": "processing", "result": None}


def test_a_job_that_fails(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(hashlib, "file_digest", fail)
        answer = client.post("/uploads/bad.bin", content=b"hello")
        upload = outcome(client, "bad.bin")

    assert answer.status_code == 202
    assert upload == {"filename": "bad.bin", "status": "failed", "result": None}
    assert "no space left" in caplog.text
    assert "Traceback" in caplog.text

    client.post("/uploads/good.bin", content=b"hello")
    assert outcome(client, "good.bin")["status"] == "done"


@pytest.mark.parametrize(
    "filename", [".hidden", "%2E%2E", "a b", "a%2Fb", "%2E%2E%2Fa", "x" * 101, "ä"]
)
def test_a_name_that_is_more_than_a_name_is_refused(client: Client, filename: str) -> None:
    answer = client.post(f"/uploads/{filename}", content=b"hello")

    assert answer.status_code in {404, 422}
    assert client.get(f"/uploads/{filename}").status_code in {404, 422}


def test_unknown_upload(client: Client) -> None:
    answer = client.get("/uploads/unknown.bin")

    assert answer.status_code == 404
    assert answer.json() == {"detail": "Upload unknown.bin not found"}


def test_upload_over_the_limit(client: Client) -> None:
    answer = client.post("/uploads/large.bin", content=b"x" * 100_001)

    assert answer.status_code == 413
    assert client.get("/uploads/large.bin").status_code == 404
