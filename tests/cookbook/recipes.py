"""Reads the recipes of the cookbook.

A recipe is a section ``### Title``. Its blocks of code say in their first line whose they are
(``Flask``, ``FastAPI`` or ``Both``) and where they go::

    # Flask: src/orders/hello.py           a file of the owner's
    # Both: add to src/orders/models.py    goes to the end of a file, its imports to the others
    # Both: in gunicorn.conf.py            stands there already

Blocks of ``diff`` change a file of the project, blocks of ``http`` are requests and what both
frameworks answer, a block of ``yaml`` is a part of the OpenAPI document, one of ``ini`` the
settings, ``console`` has commands. ``Needs `database=sqlite`.`` says for which answers it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FRAMEWORKS = {"Flask": "flask", "FastAPI": "fastapi"}
HEADING = re.compile(r"# (Flask|FastAPI|Both): (add to |in )?(\S+)")
BLOCK = re.compile(r"^```(\w+)( server)?\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
NEED = re.compile(r"`(\w+)=(\w+)`")
HEADER = re.compile(r"([A-Z][\w-]*): (.*)")
WORDS = {"yes": True, "no": False}


@dataclass(frozen=True)
class Block:
    """Code of a recipe: what it is for, how it gets there, and where.

    Attributes:
        frameworks: The frameworks that it is for.
        manner: ``write``, ``add``, ``in`` or ``diff``.
        path: The file, from the directory of the project.
        code: The code.
    """

    frameworks: frozenset[str]
    manner: str
    path: str
    code: str


@dataclass(frozen=True)
class Exchange:
    """A request and what is said of the answer to it."""

    method: str
    path: str
    sent: Mapping[str, str]
    body: str | None
    status: int
    text: str
    headers: Mapping[str, str]


@dataclass
class Recipe:
    """A section of the cookbook.

    Attributes:
        title: Its heading.
        group: The heading of the sections around it.
        needs: The answers that it is for, by question.
        blocks: Its code.
        exchanges: Its requests.
        server: Whether the requests are for a server, as a test's client would hide something.
        document: What stands in the OpenAPI document.
        settings: What is set.
        commands: What is run; with the frameworks that it is for.
    """

    title: str
    group: str
    needs: dict[str, set[Any]] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    server: bool = False
    document: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    commands: list[tuple[frozenset[str], str]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """A name for tests and files."""
        return re.sub(r"\W+", "-", self.title.lower()).strip("-")

    def of(self, framework: str) -> list[Block]:
        """Give the blocks for a framework."""
        return [block for block in self.blocks if framework in block.frameworks]

    def run(self, framework: str) -> list[str]:
        """Give the commands for a framework."""
        return [command for frameworks, command in self.commands if framework in frameworks]

    def suits(self, answers: Mapping[str, Any]) -> bool:
        """Tell whether it is for a project with these answers."""
        return all(answers[question] in allowed for question, allowed in self.needs.items())


def read(file: Path) -> list[Recipe]:
    """Read all recipes of the cookbook."""
    found = []
    for part in re.split(r"^## ", file.read_text(), flags=re.MULTILINE)[1:]:
        group, *sections = re.split(r"^### ", part, flags=re.MULTILINE)
        found += [recipe(group.partition("\n")[0], text) for text in sections]
    return found


def recipe(group: str, text: str) -> Recipe:
    """Read one recipe."""
    made = Recipe(text.partition("\n")[0], group)
    if needs := re.search(r"^Needs (?:.|\n)+?\.$", BLOCK.sub("", text), flags=re.MULTILINE):
        for question, answer in NEED.findall(needs[0]):
            made.needs.setdefault(question, set()).add(WORDS.get(answer, answer))
    for language, server, content in BLOCK.findall(text):
        match language:
            case "python" | "diff" | "html":
                made.blocks.append(block(language, content))
            case "http":
                made.exchanges += [exchange(lines) for lines in re.split(r"\n\n+", content.strip())]
                made.server = made.server or bool(server)
            case "yaml":
                made.document = yaml.safe_load(content)
            case "ini":
                made.settings |= dict(line.split("=", 1) for line in content.splitlines())
            case "console":
                made.commands += [command(line) for line in content.splitlines()]
            case _:
                raise ValueError(f"{made.title}: nobody reads blocks of {language}")
    return made


def whose(word: str) -> frozenset[str]:
    """Say which frameworks a word stands for."""
    return frozenset(FRAMEWORKS.values() if word == "Both" else [FRAMEWORKS[word]])


def block(language: str, content: str) -> Block:
    """Read a block of code."""
    first, _, code = content.partition("\n")
    # A comment in HTML looks different.
    heading = HEADING.fullmatch(first.replace("<!--", "#").replace("-->", "").strip())
    assert heading is not None, f"whose is {first!r}?"
    manner = {None: "write", "add to ": "add", "in ": "in"}[heading[2]]
    return Block(
        whose(heading[1]), "diff" if language == "diff" else manner, heading[3], code.lstrip("\n")
    )


def command(line: str) -> tuple[frozenset[str], str]:
    """Read a command: behind it may stand the framework that it is for."""
    text, _, word = line.partition("  # ")
    return whose(word or "Both"), text


def exchange(text: str) -> Exchange:
    """Read a request with its headers, the status and body of the answer, and headers of that."""
    lines = text.splitlines()
    method, path, *body = lines.pop(0).split(" ", 2)
    sent = headers_from(lines)
    status, _, content = lines.pop(0).partition(" ")
    headers = headers_from(lines)
    if body:
        kind = "json" if body[0][0] in '{["' else "x-www-form-urlencoded"
        sent = {"Content-Type": f"application/{kind}"} | sent
    return Exchange(
        *(method, path, sent, body[0] if body else None, int(status)),
        *("\n".join([content, *lines]), headers),
    )


def headers_from(lines: list[str]) -> dict[str, str]:
    """Take the headers from the beginning of some lines."""
    found = {}
    while lines and (header := HEADER.fullmatch(lines[0])):
        found[header[1]] = header[2]
        del lines[0]
    return found
