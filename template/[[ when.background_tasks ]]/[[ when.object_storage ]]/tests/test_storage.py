"""Where files are kept, and what the service says of that."""

from pathlib import Path

import pytest

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.settings import Settings, load_settings
from PACKAGE.storage import CutOffError, Storage
from PACKAGE.storage_url import bucket_of, directory_of
#{% endfilter %}


@pytest.fixture
def storage() -> Storage:
    """Keep files in the directory of the test."""
    return Storage(Settings(storage_url="file:data"), timeout=5)


def test_a_file_is_read_in_pieces(storage: Storage) -> None:
    content = bytes(range(256)) * 50_000
    with storage.writing("a/file") as file:
        file.write(content)

    pieces = list(storage.pieces("a/file"))

    assert len(pieces) == 3
    assert b"".join(pieces) == content


def test_small_files(storage: Storage) -> None:
    storage.write("a/one", b"1")
    storage.write("ab/two", b"2")

    assert storage.read("a/one") == b"1"
    assert storage.read("a/two") is None
    assert storage.ages("a").keys() == {"a/one"}
    assert storage.ages("a")["a/one"].total_seconds() < 60

    for _ in range(2):
        storage.remove("a/one")
    assert storage.read("a/one") is None
    assert not Path("data/a").exists()


def test_an_end_that_does_not_come(storage: Storage) -> None:
    def write() -> None:
        with storage.writing("a/file") as file:
            file.write(b"hello")
            raise BrokenPipeError

    with pytest.raises(CutOffError):
        write()

    assert storage.read("a/file") is None


@pytest.mark.parametrize(
    ("url", "directory"),
    [("file:data", "data"), ("file:///var/a%20b", "/var/a b"), ("s3://bucket", None)],
)
def test_addresses_of_directories(url: str, directory: str | None) -> None:
    assert Settings(storage_url=url).storage_url == url
    assert directory_of(url) == (directory and Path(directory))


@pytest.mark.parametrize(
    ("url", "bucket", "prefix"),
    [
        ("s3://my-bucket", "my-bucket", ""),
        ("s3://my-bucket/", "my-bucket", ""),
        ("s3://a.b.c/some/files/", "a.b.c", "some/files"),
    ],
)
def test_addresses_of_buckets(url: str, bucket: str, prefix: str) -> None:
    assert Settings(storage_url=url).storage_url == url
    assert bucket_of(url) == (bucket, prefix)


@pytest.mark.parametrize(
    "url",
    [
        "data",
        "file:",
        "file://host/data",
        "s3://",
        "s3:///prefix",
        "s3://user:password@bucket",
        "s3://bucket?region=here",
        "https://bucket.example.com",
    ],
)
def test_what_is_no_address(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_URL", url)

    with pytest.raises(SystemExit, match=r"^Set STORAGE_URL: it must be an address") as error:
        load_settings()
    assert "password" not in str(error.value)


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_half_of_a_key_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "half")

    with pytest.raises(SystemExit, match=r"^Set AWS_SECRET_ACCESS_KEY: .* with AWS_ACCESS_KEY_ID"):
        load_settings()


def test_keys_are_not_shown() -> None:
    settings = Settings(
        aws_access_key_id="the name of the key",
        aws_secret_access_key="the key itself",
        aws_session_token="the token",
    )

    shown = f"{settings!r} {settings}"

    assert not any(secret in shown for secret in ("the name", "the key itself", "the token"))
