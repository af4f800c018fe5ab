"""What tests are given."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from tempfile import TemporaryDirectory
from typing import Any, get_type_hints

import pytest
from clients import Application, add_routes, client_of, cut_off, use
from httpx2 import Client

from servicewright_builder.app import create_app
from servicewright_builder.settings import Settings

SETTINGS: dict[str, Any] = {
    "message": "Hello, tests!",
    "max_body_size": 100_000,
}


@pytest.fixture(scope="session", autouse=True)
def nothing_set() -> Iterator[None]:
    """Keep the tests from what you have set: variables, `.env`, secrets."""
    with TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory)
        patch.setitem(Settings.model_config, "secrets_dir", None)
        for name in [name for name in os.environ if name.lower() in get_type_hints(Settings)]:
            patch.delenv(name)
        yield


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """Run each test in an empty directory, with only what must be set in the environment."""
    # Not in tmp_path: pytest keeps the directories of several runs, and most would be empty.
    with TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory)
        yield


@pytest.fixture(scope="session")
def app() -> Application:
    """Build the application once for all tests that do not change its settings."""
    return add_routes(create_app(Settings(**SETTINGS)))


@pytest.fixture(scope="session")
def shared_client(app: Application) -> Iterator[Client]:
    """Start the application once."""
    with client_of(app) as client:
        yield client


@pytest.fixture
def client(app: Application, shared_client: Client) -> Iterator[Client]:
    """Give a client of the application, which keeps nothing of other tests."""
    with use(app):
        yield shared_client


@pytest.fixture
def cut(app: Application) -> Callable[..., int]:
    """Give a function that sends a body whose end does not come, and tells the status."""

    def cut(path: str, content_type: str, beginning: bytes) -> int:
        headers = {"Content-Type": content_type}
        return cut_off(app, path, headers, beginning)

    return cut


@pytest.fixture
def start() -> Iterator[Callable[..., Client]]:
    """Give a function that starts the application with other settings."""
    with ExitStack() as stack:

        def start(**settings: Any) -> Client:
            app = add_routes(create_app(Settings(**SETTINGS | settings)))
            return stack.enter_context(client_of(app))

        yield start
