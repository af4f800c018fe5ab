"""The guide for moving between the frameworks: its code runs, and both sides answer the same."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from matrix.environments import interpreter
from matrix.rendering import Tree

from conftest import ROOT
from servicewright.variants import Variant

from .updates import Projects, options

if TYPE_CHECKING:
    from pathlib import Path

    from matrix.environments import Environments

GUIDE = ROOT / "docs" / "moving.md"
FRAMEWORKS = {"Flask": "flask", "FastAPI": "fastapi"}
# What the comparison of the two frameworks in our documents lists.
ROWS = [
    *("Installation", "Hello world and a development server with reload", "Configuration"),
    *("HTTP methods", "URL parameters", "Query parameters", "Templates", "Static files"),
    *("Asynchronous views", "Background tasks", "Dependency injection", "Data validation"),
    *("Serialization and deserialization", "Middleware", "Modular routes"),
    *(
        "Automatic documentation",
        "Authentication",
        "CORS",
        "Testing",
        "Production server",
        "Docker",
    ),
]

# Runs in the environment of a service: installs each module of the guide in an application of its
# own and makes the requests.
RUN = """
import importlib, json, sys
from orders.app import create_app
from orders.settings import Settings

jobs = json.load(sys.stdin)
answers = {}
make_client = importlib.import_module(jobs.pop("client")).make_client
for name, requests in jobs["modules"].items():
    module = importlib.import_module(name)
    app = create_app(Settings(message="Hello, guide!"))
    if hasattr(module, "init_app"):
        module.init_app(app)
    elif hasattr(module, "mine"):
        install = getattr(app, "register_blueprint", None) or app.include_router
        install(module.mine)
    with make_client(app) as client:
        answers[name] = []
        for method, path, headers, body in requests:
            answer = client.request(method, path, headers=headers, content=body)
            answers[name].append([answer.status_code, dict(answer.headers), answer.text])
json.dump(answers, sys.stdout)
"""


@dataclass(frozen=True)
class Exchange:
    """A request of the guide and what it says of the answer."""

    request: tuple[str, str, dict[str, str], str | None]
    status: int
    body: str
    headers: dict[str, str]


@dataclass(frozen=True)
class Section:
    """A section of the guide."""

    title: str
    code: dict[str, str]
    exchanges: list[Exchange]
    commands: list[str]

    @property
    def module(self) -> str:
        """The name of the module that its code becomes."""
        return "guide_" + re.sub(r"\W+", "_", self.title.lower())


def sections() -> list[Section]:
    """Read the guide."""
    found = []
    for text in re.split(r"^## ", GUIDE.read_text(), flags=re.MULTILINE)[1:]:
        blocks = re.findall(r"^```(\w+)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
        code = {}
        for language, block in blocks:
            if language == "python":
                heading, _, rest = block.partition("\n")
                code[FRAMEWORKS[heading.removeprefix("# ")]] = rest
        exchanges = [
            exchange(lines)
            for language, block in blocks
            if language == "http"
            for lines in block.strip().split("\n\n")
        ]
        commands = [
            line
            for language, block in blocks
            if language == "console"
            for line in block.splitlines()
        ]
        found.append(Section(text.partition("\n")[0], code, exchanges, commands))
    return found


def exchange(text: str) -> Exchange:
    """Read a request, what is in the answer, and headers that the answer has."""
    first, second, *rest = text.splitlines()
    parts = re.fullmatch(r"([A-Z]+) (\S+)(?: (\{.*\})| ([\w-]+): (.+))?", first)
    assert parts is not None, first
    method, path, body, name, value = parts.groups()
    headers = {name: value} if name else {}
    if body:
        headers["Content-Type"] = "application/json"
    status, _, content = second.partition(" ")
    expected = dict(line.split(": ", 1) for line in rest)
    return Exchange((method, path, headers, body), int(status), content, expected)


SECTIONS = {section.title: section for section in sections()}


def test_the_guide_has_all_rows_of_the_comparison() -> None:
    assert list(SECTIONS) == ROWS
    for section in SECTIONS.values():
        assert section.commands or set(section.code) == set(FRAMEWORKS.values()), section.title
        if section.code and section.title != "Production server":
            assert section.exchanges, section.title


def full(framework: str, projects: Projects) -> Tree:
    """Give a service with everything on."""
    answers = {name: values[-1] for name, values in options(ROOT).items()}
    answers |= {"framework": framework, "database": "sqlite", "settings": True, "modular": True}
    answers |= {"pages": True, "cors": True, "docker": True}
    return Tree(Variant(framework, answers), projects.copy(answers))


@pytest.mark.parametrize("framework", FRAMEWORKS.values())
def test_the_code_of_the_guide_answers_as_it_says(
    framework: str, projects: Projects, environments: Environments, tmp_path: Path
) -> None:
    tree = full(framework, projects)
    package = tree.path / "src" / "orders"
    modules = [section for section in SECTIONS.values() if section.exchanges]
    for section in modules:
        (package / f"{section.module}.py").write_text(section.code[framework])
    jobs = {
        "client": f"orders.{SECTIONS['Testing'].module}",
        "modules": {
            f"orders.{section.module}": [exchange.request for exchange in section.exchanges]
            for section in modules
        },
    }
    # What the guide says to add for asynchronous views on Flask.
    extra = ["flask[async]"] if framework == "flask" else []
    python = interpreter(environments.get([*tree.requirements, *extra]))

    done = subprocess.run(
        [str(python), "-W", "error", "-c", RUN],
        input=json.dumps(jobs),
        cwd=tmp_path,
        env={
            "PYTHONPATH": str(tree.path / "src"),
            "BASIC_AUTH_USERNAME": "ada",
            "BASIC_AUTH_PASSWORD": "correct horse",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    for section in modules:
        for expected, found in zip(
            section.exchanges, answers[f"orders.{section.module}"], strict=True
        ):
            compare(section.title, expected, *found)


def compare(
    title: str, expected: Exchange, status: int, headers: dict[str, str], text: str
) -> None:
    """Expect the answer that the guide shows."""
    what = f"{title}: {expected.request[0]} {expected.request[1]}: {status} {text}"
    assert status == expected.status, what
    if expected.body.startswith("{"):
        found: Any = json.loads(text)
        assert found == json.loads(expected.body), what
    else:
        assert expected.body in text, what
    lower = {name.lower(): value for name, value in headers.items()}
    for name, value in expected.headers.items():
        assert lower[name.lower()].startswith(value), what


def test_what_the_guide_says_of_servers_and_commands(projects: Projects) -> None:
    flask, fastapi = (full(framework, projects).path for framework in ("flask", "fastapi"))
    for framework, path in (("flask", flask), ("fastapi", fastapi)):
        configuration = (path / "gunicorn.conf.py").read_text()
        assert SECTIONS["Production server"].code[framework].strip() in configuration
        readme = (path / "README.md").read_text()
        for section in SECTIONS.values():
            for command in section.commands:
                assert f"\n{command}\n" in readme
    text = GUIDE.read_text()
    for path in (flask, fastapi):
        started = re.search(r"^uv run f.*$", (path / "README.md").read_text(), flags=re.MULTILINE)
        assert started is not None
        assert f"`{started[0]}`" in text
    assert (flask / "Dockerfile").read_bytes() == (fastapi / "Dockerfile").read_bytes()
    composed = (flask / "compose.yaml").read_text()
    assert composed.count("      WEB_THREADS:\n") == 1
    without_threads = composed.replace("      WEB_THREADS:\n", "")
    assert without_threads == (fastapi / "compose.yaml").read_text()


@pytest.mark.thorough
@pytest.mark.parametrize("framework", FRAMEWORKS.values())
def test_the_code_of_the_guide_is_formatted_and_typed(
    framework: str, projects: Projects, environments: Environments, tmp_path: Path
) -> None:
    tree = full(framework, projects)
    package = tree.path / "src" / "orders"
    for section in SECTIONS.values():
        if section.exchanges:
            code = f'"""{section.title}."""\n\n{section.code[framework].lstrip()}'
            (package / f"{section.module}.py").write_text(code)
    for arguments in (["check"], ["format", "--diff"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *arguments, "--no-cache", "src"],
            cwd=tree.path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
    python = interpreter(environments.get(tree.requirements))
    done = subprocess.run(
        [str(python), "-m", "mypy", "--cache-dir", str(tmp_path / framework), "src"],
        cwd=tree.path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
