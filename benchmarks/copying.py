"""How long it takes to make a service, and from there to its first answer.

First the copy alone, against the smallest Copier template there can be, a repository with one
file, and against other generators. Then everything a newcomer does, from starting the copy to the
first answer with 200, and to the first order of a service that keeps orders too, against the same
steps for a hello world written by hand: a folder, an environment, the development server. That
hello world after the copy of the one file is what any Copier template takes at the least. All
caches are warm. Rounds alternate, and a ratio is the median of those of the rounds:

    uv run --group benchmarks python benchmarks/copying.py
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from results import Bars, Table, ratio, save
from services import FRAMEWORKS, ROOT, TITLES, clean_environment, free_port, need, run, started

if TYPE_CHECKING:
    from collections.abc import Callable

PEERS = ("cookiecutter>=2.7,<3", "fastapi_template>=6.1,<7")
HELLO = {
    "fastapi": (
        "fastapi[standard]",
        """from fastapi import FastAPI

app = FastAPI()


@app.get("/")
async def hello() -> dict[str, str]:
    return {"message": "Hello, world!"}
""",
    ),
    "flask": (
        "flask",
        """from flask import Flask

app = Flask(__name__)


@app.get("/")
def hello() -> dict[str, str]:
    return {"message": "Hello, world!"}
""",
    ),
}
# What a service keeps besides its items, and one of it.
ORDERS = "order(customer: text(100), total: money, placed_at: datetime = now, item: item?)"
ORDER = {"customer": "Ada", "total": "49.90"}
PYPROJECT = """[project]
name = "hello"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["{dependency}"]
"""


def alternate(acts: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Time each act once a round; the first round warms up and does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in acts}
    for number in range(rounds + 1):
        for name, act in acts.items():
            began = time.perf_counter()
            act()
            if number:
                seconds[name].append(time.perf_counter() - began)
    return seconds


def rows(seconds: dict[str, list[float]], base: str) -> list[list[str]]:
    """Write the medians, and the ratios to one of the acts."""
    return [
        [
            name,
            f"{statistics.median(taken):.2f}",
            f"{ratio(taken, seconds[base]):.2f}",
        ]
        for name, taken in seconds.items()
    ]


def one_file(directory: Path) -> Path:
    """Make the smallest Copier template, in a repository with a release as such templates are."""
    (directory / "template").mkdir(parents=True)
    directory.joinpath("copier.yml").write_text("_subdirectory: template\nname: world\n")
    directory.joinpath("template", "hello.txt.jinja").write_text("Hello, {{ name }}!\n")
    run("git", "init", "--quiet", cwd=directory)
    run("git", "add", ".", cwd=directory)
    run(
        *("git", "-c", "user.name=benchmark", "-c", "user.email=benchmark@example.com"),
        *("commit", "--quiet", "--message=one file"),
        cwd=directory,
    )
    run("git", "tag", "1.0.0", cwd=directory)
    return directory


def smallest_cookiecutter(directory: Path) -> Path:
    """Make the smallest cookiecutter template."""
    (directory / "{{cookiecutter.name}}").mkdir(parents=True)
    directory.joinpath("cookiecutter.json").write_text('{"name": "world"}')
    file = directory / "{{cookiecutter.name}}" / "hello.txt"
    file.write_text("Hello, {{ cookiecutter.name }}!\n")
    return directory


def copies(directory: Path) -> dict[str, Callable[[], object]]:
    """Give the copies to compare; each empties its destination first."""
    for name in PEERS:
        # An environment of its own for each: they want different versions of the same packages.
        run("uv", "venv", "--quiet", directory / name[:6])
        run(
            *("uv", "pip", "install", "--quiet", "--compile-bytecode"),
            *("--python", directory / name[:6] / "bin" / "python", name),
        )
    own = Path(sys.executable).parent
    template = one_file(directory / "one-file")
    cookiecutter = smallest_cookiecutter(directory / "cookiecutter-template")
    destination = directory / "copy"

    def copy(*command: str | Path, environment: dict[str, str] | None = None) -> None:
        shutil.rmtree(destination, ignore_errors=True)
        run(*command, cwd=directory, environment=environment)

    copier = own / "copier"
    return {
        "Copier, a template of one file": lambda: copy(
            copier, "copy", "--quiet", "--defaults", template, destination
        ),
        "servicewright new": lambda: copy(own / "servicewright", "new", destination, "--defaults"),
        "copier copy of the service": lambda: copy(
            *(copier, "copy", "--quiet", "--defaults", "--trust", "--vcs-ref=HEAD"),
            *("--data=package_name=service", ROOT, destination),
        ),
        "cookiecutter, a template of one file": lambda: copy(
            *(directory / PEERS[0][:6] / "bin" / "cookiecutter", "--no-input"),
            *("--overwrite-if-exists", cookiecutter),
        ),
        "fastapi_template, SQLite": lambda: copy(
            *(directory / PEERS[1][:6] / "bin" / "fastapi_template", "--quiet", "--force"),
            *("--name=copy", "--api-type=rest", "--db=sqlite", "--orm=sqlalchemy", "--ci=none"),
            *("--migrations", "--dummy", "--routers", "--gunicorn"),
            # It would install the project too: without the net it gives up at once.
            environment={"UV_OFFLINE": "1", "UV_CACHE_DIR": str(directory / "empty")},
        ),
    }


def serve(framework: str, project: Path, module: str, *, sells: bool = False) -> None:
    """Install a project and start its development server until it has answered, or sold something.

    Args:
        framework: The framework.
        project: The project.
        module: The module of its application.
        sells: Whether an order is sent, which is answered with 201.
    """
    run("uv", "sync", "--quiet", cwd=project)
    port = free_port()
    command = {
        "fastapi": ["uv", "run", "--quiet", "fastapi", "dev", f"--port={port}"],
        "flask": ["uv", "run", "--quiet", "flask", f"--app={module}", "run", f"--port={port}"],
    }[framework]
    environment = clean_environment() | {"PYTHONUNBUFFERED": "1"}
    with started(command, port, project, environment, path="/") as server:
        if sells and server.ask("POST", "/orders", ORDER)[0] != HTTPStatus.CREATED:
            sys.exit("The order was refused.")


def beginnings(framework: str, directory: Path) -> dict[str, Callable[[], object]]:
    """Give the ways from nothing to the first answer: the template's two, by hand, the least."""
    dependency, code = HELLO[framework]
    template = one_file(directory / f"{framework}-one-file")
    own = Path(sys.executable).parent

    def generated(*arguments: str, sells: bool = False) -> None:
        project = directory / f"{framework}-generated"
        shutil.rmtree(project, ignore_errors=True)
        run(
            *(own / "servicewright", "new", project, "--defaults"),
            *(f"--framework={framework}", "--set=package_name=service", *arguments),
        )
        serve(framework, project, "service.main", sells=sells)

    def by_hand() -> None:
        project = directory / f"{framework}-hello"
        shutil.rmtree(project, ignore_errors=True)
        project.mkdir()
        project.joinpath("pyproject.toml").write_text(PYPROJECT.format(dependency=dependency))
        project.joinpath("main.py").write_text(code)
        serve(framework, project, "main")

    def least() -> None:
        destination = directory / f"{framework}-one-file-copy"
        shutil.rmtree(destination, ignore_errors=True)
        run(own / "copier", "copy", "--quiet", "--defaults", template, destination)
        by_hand()

    title = TITLES[framework]
    return {
        f"{title}, generated": generated,
        f"{title}, generated, to an order": lambda: generated(f"--resource={ORDERS}", sells=True),
        f"{title}, one file by Copier, then the hello world": least,
        f"{title}, hello world by hand": by_hand,
    }


def main() -> None:
    """Measure, and write the tables and the plot."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=10, metavar="N")
    options = parser.parse_args()
    need("git", "uv")
    with tempfile.TemporaryDirectory(prefix="servicewright-benchmark-") as name:
        directory = Path(name).resolve()
        copied = rows(
            alternate(copies(directory), options.rounds), "Copier, a template of one file"
        )
        first = [
            row
            for framework in FRAMEWORKS
            for row in rows(
                alternate(beginnings(framework, directory), options.rounds),
                f"{TITLES[framework]}, hello world by hand",
            )
        ]
    head = ["", "seconds", "ratio"]
    save(
        "copying",
        [Table("The copy", head, copied), Table("From the copy to the first answer", head, first)],
        [
            Bars("The copy, seconds", [(row[0], row[1]) for row in copied], "service"),
            Bars("To the first answer, seconds", [(row[0], row[1]) for row in first], "generated"),
        ],
    )


if __name__ == "__main__":
    main()
