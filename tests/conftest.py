"""What all tests share: templates, services, and a machine without settings of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from contract.services import Services
from cookbook.summary import tell
from matrix.plugin import copy_template
from plumbum import local
from repositories import commit, git

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matrix.environments import Environments
    from matrix.rendering import Renderer

ROOT = Path(__file__).resolve().parents[1]

NODE = ROOT / ".cache" / "node"
NODE_PACKAGES = ("axe-core@4", "html-validate@10", "swagger-ui-dist@5.35.0")


@pytest.fixture(scope="session", autouse=True)
def _settings_of_the_machine_stay_out(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Make Copier and git behave as on a machine that nobody has configured."""
    home = tmp_path_factory.mktemp("settings")
    copier_settings = home / "copier.yml"
    copier_settings.write_text("{}\n")
    git_settings = home / "gitconfig"
    git_settings.write_text(
        "[user]\n\tname = Robin Example\n\temail = robin@example.com\n"
        "[init]\n\tdefaultBranch = main\n[advice]\n\tdetachedHead = false\n"
    )
    settings = {
        "COPIER_SETTINGS_PATH": str(copier_settings),
        "COPIER_CACHE_DIR": str(home / "cache"),
        "GIT_CONFIG_GLOBAL": str(git_settings),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }
    # A hook of git's that runs the tests sets variables that point every git at its repository.
    misleading = [
        name
        for name in os.environ
        if name.startswith("GIT_") and name not in {"GIT_EXEC_PATH", "GIT_SSL_CAINFO"}
    ]
    # Copier runs git with a copy of the environment that is made when it is imported.
    with pytest.MonkeyPatch.context() as patch, local.env():
        for name in misleading:
            patch.delenv(name)
            local.env.pop(name, "")
        # Services are installed and run with uv, which the README's command has put aside.
        running = Path(os.environ.get("UV", ""))
        if running.is_file() and not shutil.which("uv"):
            patch.setenv("PATH", f"{running.parent}{os.pathsep}{os.environ['PATH']}")
        # Each of the processes that tests start would compile anew all that it imports.
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        for name, value in settings.items():
            patch.setenv(name, value)
            local.env[name] = value
        yield


@pytest.fixture(scope="session", autouse=True)
def _programs_can_be_interrupted() -> None:
    """Undo what a shell does to the programs it starts in the background: they ignore Ctrl-C."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the template as it is in the working tree, without git, from which renders are fast."""
    copy = tmp_path_factory.mktemp("template")
    copy_template(copy)
    return copy


@pytest.fixture(scope="session")
def _committed_template(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("committed") / "template"
    shutil.copytree(template, copy)
    commit(copy)
    return copy


@pytest.fixture
def template_repository(_committed_template: Path, tmp_path: Path) -> Path:
    """Clone the template with all of it committed, for one test that may change it at will."""
    clone = tmp_path / "template-repository"
    git(tmp_path, "clone", "--quiet", str(_committed_template), str(clone))
    return clone


@pytest.fixture(scope="session")
def services(renderer: Renderer, environments: Environments) -> Services:
    """What makes services."""
    return Services(renderer, environments)


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """Install what is only there for Node.js; it is kept for the next run."""
    NODE.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [
            *(
                "npm",
                "install",
                "--prefix",
                NODE,
                "--no-audit",
                "--no-fund",
                "--no-update-notifier",
            ),
            *("--ignore-scripts", "--prefer-offline", *NODE_PACKAGES),
        ],
        check=True,
        capture_output=True,
    )
    return NODE / "node_modules"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many recipes of the cookbook were tried."""
    tell(terminalreporter)
