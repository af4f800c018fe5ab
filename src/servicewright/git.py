"""Runs git, for us and for Copier, on what we name and nothing else.

Whoever calls the command may have exported variables of git's: hooks do, and aliases with
``--git-dir``, and managers of dotfiles. They would point git at another repository or index.
"""

from __future__ import annotations

import os
import re
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from servicewright.errors import ServicewrightError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

# How git reaches other machines, where it is configured and what it tells of its work; all other
# variables of its say which repository it works on, and how.
_KEPT = re.compile(
    r"GIT_(ASKPASS|CONFIG_(GLOBAL|SYSTEM|NOSYSTEM)|EXEC_PATH|TERMINAL_PROMPT"
    r"|(ALLOW_PROTOCOL|CURL|HTTP|PROTOCOL|PROXY|SSH|SSL|TRACE|TRACE2)(_.*)?)"
)
# Settings that a machine without files for them gives by such variables.
_KEPT_SETTINGS = re.compile(r"(credential|http|protocol|remote|safe|ssh|url)\.", re.IGNORECASE)

# Hooks, signatures, filters and caches of the user's are not for commits and trees only we see.
PLAIN = {
    "apply.whitespace": "nowarn",
    "commit.gpgSign": "false",
    "core.attributesFile": os.devnull,
    "core.autocrlf": "false",
    "core.excludesFile": os.devnull,
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.safecrlf": "false",
    "core.sparseCheckout": "false",
    "core.splitIndex": "false",
    "core.untrackedCache": "false",
    "init.defaultObjectFormat": "sha1",
    "init.templateDir": "",
    "status.showUntrackedFiles": "normal",
    "user.email": "servicewright@localhost",
    "user.name": "Servicewright",
}


class GitError(ServicewrightError):
    """Git cannot do something in a directory.

    Attributes:
        reason: Its complaint.
    """

    def __init__(self, directory: Path, reason: str) -> None:
        super().__init__(f"git cannot work on {directory}: {reason}.")
        self.reason = reason


def variables(settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give this process's environment without the variables that point git somewhere.

    Args:
        settings: Settings that every git started with it follows.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or _KEPT.fullmatch(name)
    }
    pairs = [pair for pair in _settings_of_the_caller() if _KEPT_SETTINGS.match(pair[0])]
    pairs += (settings or {}).items()
    for number, (key, value) in enumerate(pairs):
        kept[f"GIT_CONFIG_KEY_{number}"] = key
        kept[f"GIT_CONFIG_VALUE_{number}"] = value
    if pairs:
        kept["GIT_CONFIG_COUNT"] = str(len(pairs))
    return kept


@contextmanager
def environment(*, ask: bool) -> Iterator[None]:
    """Have Copier, and what it starts, call a git that works on what Copier names.

    Args:
        ask: Whether git may ask for a password: nobody would answer otherwise.
    """
    # Copier's way to run programs, which keeps an environment of its own; slow to import.
    from plumbum import local  # noqa: PLC0415

    # Who writes a service is asked of git, whose answer must stay the user's.
    plain = {key: value for key, value in PLAIN.items() if not key.startswith("user.")}
    wanted = variables(plain) | ({} if ask else {"GIT_TERMINAL_PROMPT": "0"})
    before = dict(os.environ)
    with local.env():
        try:
            for name in {*before, *local.env.getdict()}:
                if name.startswith("GIT_"):
                    os.environ.pop(name, None)
                    local.env.pop(name, "")
            for name, value in wanted.items():
                if name.startswith("GIT_"):
                    os.environ[name] = local.env[name] = value
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def run(
    directory: Path,
    *arguments: str,
    given: bytes | None = None,
    environment: Mapping[str, str] | None = None,
    settings: Mapping[str, str] | None = None,
) -> str:
    """Run git and give what it prints as text.

    Args:
        directory: Where it is run.
        arguments: Its arguments.
        given: What it reads.
        environment: Variables besides those of this process.
        settings: Settings besides the user's.

    Raises:
        GitError: It fails.
    """
    printed = output(directory, *arguments, given=given, environment=environment, settings=settings)
    return printed.decode(errors="surrogateescape")


def output(
    directory: Path,
    *arguments: str,
    given: bytes | None = None,
    environment: Mapping[str, str] | None = None,
    settings: Mapping[str, str] | None = None,
) -> bytes:
    """Run git as ``run`` does, and give the very bytes."""
    done = attempt(directory, *arguments, given=given, environment=environment, settings=settings)
    if done.returncode:
        raise GitError(directory, complaint(done.stderr.decode(errors="replace")))
    return done.stdout


def attempt(
    directory: Path,
    *arguments: str,
    given: bytes | None = None,
    environment: Mapping[str, str] | None = None,
    settings: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run git as ``run`` does, and give all that comes of it, a failure too."""
    return subprocess.run(
        ["git", *arguments],  # noqa: S607 - whichever git the user has
        cwd=directory,
        input=given,
        stdin=subprocess.DEVNULL if given is None else None,
        capture_output=True,
        env={
            **variables({"core.hooksPath": os.devnull, **(settings or {})}),
            # Messages are looked at, so they must not be translated.
            "LC_ALL": "C.UTF-8",
            **(environment or {}),
        },
        # A Ctrl-C reaches all programs of a terminal's session.
        start_new_session=True,
        check=False,
    )


def complaint(stderr: str) -> str:
    """Pick from what git printed the line that says what is wrong."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    fatal = [line.removeprefix("fatal: ") for line in lines if line.startswith("fatal: ")]
    chosen = fatal[0] if fatal else lines[-1] if lines else "it says no more"
    return chosen.rstrip(".")


def _settings_of_the_caller() -> list[tuple[str, str]]:
    """List the settings in the variables of this process."""
    count = os.environ.get("GIT_CONFIG_COUNT", "")
    numbers = range(int(count)) if count.isdecimal() else ()
    return [
        (os.environ[f"GIT_CONFIG_KEY_{number}"], os.environ[f"GIT_CONFIG_VALUE_{number}"])
        for number in numbers
        if {f"GIT_CONFIG_KEY_{number}", f"GIT_CONFIG_VALUE_{number}"} <= os.environ.keys()
    ]
