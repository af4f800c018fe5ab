"""Makes the environments that the projects run in: exactly what they declare, and no more."""

from __future__ import annotations

import datetime
import hashlib
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# What suites import in an environment, one module on each line (see suite_server.py).
PRELOAD = "preload.txt"


class Environments:
    """Virtual environments that are made once and used for a week.

    A new week's environments have what was released since. Those of the week before stay for runs
    that began in it.

    Args:
        cache: The directory that holds them.
        python: The interpreter that they are made for.
        resolution: Which of the allowed versions they get: ``highest`` or ``lowest-direct``.
    """

    def __init__(
        self, cache: Path, python: str = sys.executable, resolution: str = "highest"
    ) -> None:
        today = datetime.datetime.now(datetime.UTC)
        week, before = (f"{day:%G-%V}" for day in (today, today - datetime.timedelta(weeks=1)))
        self._directory = cache / week
        self._python = python
        self._resolution = resolution
        self._directory.mkdir(parents=True, exist_ok=True)
        self._used: dict[frozenset[str], Path] = {}
        for other in cache.iterdir():
            # What earlier weeks left behind would never be used again.
            if other.name not in {week, before}:
                shutil.rmtree(other, ignore_errors=True)

    def get(self, requirements: Sequence[str]) -> Path:
        """Give the environment with these requirements, made if need be.

        Raises:
            EnvironmentError: uv cannot make it.
        """
        name = hashlib.sha256(
            "\n".join([self._python, self._resolution, *requirements]).encode()
        ).hexdigest()[:16]
        environment = self._directory / name
        if not environment.exists():
            draft = self._directory / f"{name}-{os.getpid()}"
            uv("venv", "--quiet", "--no-project", "--python", self._python, str(draft))
            self._install(requirements, draft)
            if self._used:
                alike = max(self._used, key=lambda used: len(used.intersection(requirements)))
                share_bytecode(self._used[alike], draft)
                with suppress(FileNotFoundError):
                    shutil.copy(self._used[alike] / PRELOAD, draft)
            try:
                draft.rename(environment)
            except OSError:
                # Another process was faster.
                shutil.rmtree(draft)
        self._used[frozenset(requirements)] = environment
        return environment

    def _install(self, requirements: Sequence[str], environment: Path) -> None:
        """Install requirements.

        What was installed this week is in uv's cache, with all that it needs. To ask the registry
        again whether that is the newest would be most of the time.
        """
        noted = self._directory / f"{self._resolution}.txt"
        known = noted.read_text().splitlines() if noted.exists() else []
        command = [
            *("pip", "install", "--quiet", "--python", str(interpreter(environment))),
            *("--resolution", self._resolution, "--requirements", "-"),
            *("--link-mode", "hardlink"),
        ]
        text = "\n".join(requirements)
        if set(requirements) <= set(known):
            # Together they may need other versions, which are not there.
            with suppress(OSError):
                uv(*command, "--offline", text=text)
                return
        uv(*command, text=text)
        with noted.open("a") as file:
            file.write("".join(f"{requirement}\n" for requirement in requirements))


def share_bytecode(source: Path, destination: Path) -> None:
    """Give an environment what was compiled in another one from the very same files.

    uv links files of packages to its cache where it can, so they are the same file in both.
    """
    for compiled in source.rglob("*.pyc"):
        module = compiled.parents[1] / f"{compiled.name.partition('.')[0]}.py"
        own = destination / module.relative_to(source)
        if own.exists() and own.samefile(module):
            cache = destination / compiled.parent.relative_to(source)
            cache.mkdir(exist_ok=True)
            (cache / compiled.name).hardlink_to(compiled)


def interpreter(environment: Path) -> Path:
    """Give the interpreter of an environment."""
    if os.name == "nt":
        return environment / "Scripts" / "python.exe"
    return environment / "bin" / "python"


def installed(environment: Path) -> tuple[str, ...]:
    """List what is installed in an environment, as ``name==version``."""
    found = (path.stem.rpartition("-") for path in environment.rglob("*.dist-info"))
    return tuple(sorted(f"{canonicalize_name(name)}=={version}" for name, _, version in found))


def uv(*arguments: str, text: str = "") -> str:
    """Run uv and give what it prints.

    Raises:
        EnvironmentError: It failed; the message is uv's own.
    """
    done = subprocess.run(
        [os.environ.get("UV", "uv"), *arguments],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise OSError(f"uv {' '.join(arguments)} failed:\n{text}\n{done.stderr}")
    return done.stdout
