"""Cooks recipes: puts them into projects, runs those, and looks at the outcome."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.services import Server, Service, free_port, run
from matrix.environments import interpreter
from matrix.postgresql import DRIVER
from matrix.rendering import PACKAGE, Tree
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing.exceptions import Unresolvable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matrix.postgresql import PostgreSQL
    from matrix.suites import Runner

    from .recipes import Block, Exchange, Recipe

SOURCE = f"src/{PACKAGE}"
# Where the test of a recipe's requests writes the OpenAPI document.
DOCUMENT = "COOKBOOK_DOCUMENT"
REQUESTS = "tests/test_requests_of_the_recipe.py"

# It sends the requests as a test of the owner's does.
TEST = """
import json, os
from pathlib import Path

REQUESTS = json.loads({requests!r})


def test_requests({fixture}):
    client = {client}
    answers = []
    for method, path, headers, body, anonymous in REQUESTS:
        request = client.build_request(method, path, headers=headers, content=body)
        # The client of some services is logged in, but recipes about that show what is sent.
        answer = client.send(request, **({{"auth": None}} if anonymous else {{}}))
        answers.append([answer.status_code, list(answer.headers.items()), answer.text])
    document = client.get("/openapi.json")
    found = {{"answers": answers, "document": document.json()}}
    Path(os.environ["{variable}"]).write_text(json.dumps(found))
"""


# What both documents say of an owner's routes, but not alike: Flask's blueprints are tags, and
# FastAPI has a model of its own for a 422.
OWN_WORDS = {"tags", "422", "HTTPValidationError", "ValidationError", "InvalidRequest"}

# A response of the view's own, of which Flask knows no more.
ANY: dict[str, Any] = {"application/json": {"schema": {}}}

# What some of the services need to be told. The others take no notice.
REQUIRED = {
    "ADMIN_PASSWORD": "correct horse",
    "ADMIN_USERNAME": "ada",
    "BASIC_AUTH_PASSWORD": "correct horse",
    "BASIC_AUTH_USERNAME": "ada",
    # In production it must be one of a server, which no recipe asks.
    "CELERY_BROKER_URL": "redis://127.0.0.1:9/0",
    "LOGIN_SECRET": "0123456789abcdef" * 2,
    "OIDC_AUDIENCE": "orders",
    "OIDC_CLIENT_ID": "the pages",
    "OIDC_ISSUER": "https://login.example/realms/a",
    "TOKEN_SECRETS": "0123456789abcdef" * 2,
}

# Runs in the environment of a service that has PostgreSQL.
MAKE_DATABASE = """
import sys
import psycopg

url, name = sys.argv[1:]
with psycopg.connect(url, autocommit=True) as connection:
    if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
        connection.execute(f"CREATE DATABASE {name}")
"""


# Runs in the environment of a service that has websockets.
CONVERSE = """
import sys
from websockets.sync.client import connect

with connect(sys.argv[1], open_timeout=10, close_timeout=10) as conversation:
    print(conversation.recv(10))
    conversation.send("hi")
    print(conversation.recv(10))
"""


@dataclass
class Dish:
    """A recipe in a project.

    Attributes:
        recipe: The recipe.
        tree: The project, which is the dish's own.
        environment: The environment of the project.
        changed: The files that the recipe wrote or changed, from the project's directory.
        problems: What was wrong with it so far.
    """

    recipe: Recipe
    tree: Tree
    environment: Path
    changed: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def framework(self) -> str:
        """The framework of the project."""
        return str(self.tree.variant.answers["framework"])

    @property
    def tests(self) -> list[str]:
        """The owner's tests."""
        return [path for path in self.changed if path.startswith("tests/test_")]


def extras(recipes: list[Recipe], framework: str) -> set[str]:
    """Name the packages that recipes add to a project."""
    found = set()
    for recipe in recipes:
        for command in recipe.run(framework):
            if command.startswith("uv add "):
                words = command.removeprefix("uv add ").replace("--dev ", "").split()
                found |= {word.strip('"') for word in words}
    return found


def copy_of(tree: Tree, name: str, directory: Path) -> Tree:
    """Copy a project, to put recipes into it."""
    directory.mkdir(exist_ok=True)
    path = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=directory))
    shutil.copytree(tree.path, path, dirs_exist_ok=True)
    return Tree(tree.variant, path)


def add(recipe: Recipe, tree: Tree, environment: Path, postgresql: PostgreSQL) -> Dish:
    """Put a recipe into a project, as its owner does: write the code, run the commands."""
    dish = Dish(recipe, tree, environment)
    for block in recipe.of(dish.framework):
        put(block, tree.path)
        if block.manner != "in" and block.path not in dish.changed:
            dish.changed.append(block.path)
    custom = f"{SOURCE}/custom.py"
    if custom not in dish.changed:
        joined = join(tree.path / custom, recipe.of(dish.framework))
        dish.changed += [custom] * joined
    sort_imports(dish)
    dish.problems = [*commands(dish, postgresql), *style(dish)]
    return dish


def put(block: Block, project: Path) -> None:
    """Put a block of code where it belongs."""
    file = project / block.path
    match block.manner:
        case "write":
            assert not file.exists() or file.name == "custom.py", f"{block.path} is there already"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.code)
        case "add":
            imports, rest = split(block.code)
            file.write_text(with_imports(file.read_text(), imports).rstrip() + "\n\n\n" + rest)
        case "in":
            assert block.code.strip() in file.read_text(), f"{block.path} has no {block.code}"
        case _:
            for hunk in re.split(r"^@@.*\n", block.code, flags=re.MULTILINE):
                change(file, hunk.splitlines(keepends=True))


def split(code: str) -> tuple[str, str]:
    """Split code into its imports and the rest."""
    paragraphs = code.split("\n\n")
    imports = [text for text in paragraphs if text.startswith(("from ", "import "))]
    rest = [text for text in paragraphs if text not in imports]
    return "\n".join(imports), "\n\n".join(rest).lstrip("\n")


def with_imports(text: str, imports: str) -> str:
    """Add imports before the first import of a module."""
    first = re.search(r"^(from|import) ", text, flags=re.MULTILINE)
    assert first is not None
    return f"{text[: first.start()]}{imports}\n{text[first.start() :]}" if imports else text


def change(file: Path, hunk: list[str]) -> None:
    """Change a part of a file that is there once."""
    hunk = [line if line.strip() else " \n" for line in hunk]
    old = "".join(line[1:] for line in hunk if line[0] in " -")
    new = "".join(line[1:] for line in hunk if line[0] in " +")
    text = file.read_text()
    if not "".join(line[1:] for line in hunk if line[0] != "+").strip():
        file.write_text(with_imports(text, new.strip()))
        return
    assert text.count(old) == 1, f"{file.name} has {text.count(old)} times:\n{old}"
    file.write_text(text.replace(old, new))


def join(custom: Path, blocks: list[Block]) -> bool:
    """Install the modules of a recipe in custom.py, as the cookbook says at its beginning."""
    modules, calls = [], []
    for block in blocks:
        module = Path(block.path).stem
        if block.manner != "write" or Path(block.path).parent != Path(SOURCE):
            continue
        if re.search(r"^def init_app\(", block.code, flags=re.MULTILINE):
            modules.append(module)
            calls.append(f"{module}.init_app(app)")
        elif re.search(r"^mine = ", block.code, flags=re.MULTILINE):
            modules.append(module)
            install = "register_blueprint" if "Blueprint(" in block.code else "include_router"
            calls.append(f"app.{install}({module}.mine)")
    if calls:
        imports = "".join(f"from . import {module}\n" for module in modules)
        text = with_imports(custom.read_text(), imports.strip())
        custom.write_text(text.rstrip() + "".join(f"\n    {call}" for call in calls) + "\n")
    return bool(calls)


def unite(recipes: list[Recipe], tree: Tree, directory: Path) -> Path:
    """Put the code of all recipes into one project, to check its types at once.

    Whole files that are there already get a name beside it: they are one for each recipe.
    """
    path = directory / f"{tree.variant.id}-all"
    shutil.copytree(tree.path, path)
    framework = str(tree.variant.answers["framework"])
    for number, recipe in enumerate(recipes):
        for block in recipe.of(framework):
            file = path / block.path
            if block.manner == "write" and file.exists():
                assert file.name == "custom.py", f"two recipes write {block.path}"
                file.with_name(f"custom_{number}.py").write_text(block.code)
            else:
                put(block, path)
    return path


def wrong_types(project: Path, environment: Path, cache: Path) -> str:
    """Check the types of a project as its owner does, and give what is found."""
    done = subprocess.run(
        [str(interpreter(environment)), "-m", "mypy", "--cache-dir", str(cache)],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr if done.returncode else ""


def ruff(*arguments: str | Path) -> str:
    """Run ruff, and give what it finds."""
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *arguments], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr if done.returncode else ""


def sort_imports(dish: Dish) -> None:
    """Merge and sort the imports of the files that were changed and not written."""
    written = {block.path for block in dish.recipe.blocks if block.manner == "write"}
    files = [dish.tree.path / path for path in dish.changed if path not in written]
    if files:
        ruff("check", "--quiet", "--fix", "--select", "I", *files)
        ruff("format", "--quiet", *files)


def cook(
    dishes: Sequence[Dish],
    runner: Runner,
    postgresql: PostgreSQL,
    scratch: Path,
    *,
    whole: bool = False,
) -> tuple[list[str], dict[str, Any]]:
    """Try recipes in a project: their requests and tests.

    Args:
        dishes: The recipes, all in one project.
        runner: Runs its tests.
        postgresql: Its database, if it needs that.
        scratch: A directory that ends with the run.
        whole: Whether all of the project's suite is run too.

    Returns:
        What is wrong, and the OpenAPI document.
    """
    tree, environment = dishes[0].tree, dishes[0].environment
    report = scratch / f"{os.getpid()}-document.json"
    report.unlink(missing_ok=True)
    problems = [problem for dish in dishes for problem in dish.problems]
    for database in tree.path.glob("*.db*"):
        database.unlink()
    recipes = [dish.recipe for dish in dishes]
    (tree.path / REQUESTS).write_text(requests(recipes))
    tests = [REQUESTS, *(test for dish in dishes for test in dish.tests)]
    result = runner.run(
        tree.path,
        environment,
        variables={
            **postgresql.variables(tree.requirements, environment),
            DOCUMENT: str(report),
        },
        arguments=[] if whole else tests,
    )
    (tree.path / REQUESTS).unlink()
    if result.problems or not report.exists():
        return [*problems, *result.problems, result.log], {}
    for dish in dishes:
        if dish.recipe.server:
            problems += served(dish, postgresql)
    found = json.loads(report.read_text())
    exchanges = [one for recipe in recipes if not recipe.server for one in recipe.exchanges]
    for expected, (status, headers, text) in zip(exchanges, found["answers"], strict=True):
        problems += compare(expected, status, dict(headers), text)
    # FastAPI describes streamed events in the words of OpenAPI 3.2.
    document = without("itemSchema", found["document"])
    problems += invalid(document)
    for recipe in recipes:
        problems += missing(recipe.document, document, "openapi.json")
    return problems, document


def requests(recipes: Sequence[Recipe]) -> str:
    """Write a test that sends the requests of recipes."""
    sent = [
        # One that is for services without logins, too, is not about them.
        [
            one.method,
            one.path,
            dict(one.sent),
            one.body,
            "none" not in recipe.needs.get("auth", ["none"]),
        ]
        for recipe in recipes
        if not recipe.server
        for one in recipe.exchanges
    ]
    settings = {name.lower(): text for recipe in recipes for name, text in recipe.settings.items()}
    return TEST.format(
        requests=json.dumps(sent),
        fixture="start" if settings else "client",
        client=f"start(**{settings})" if settings else "client",
        variable=DOCUMENT,
    )


def commands(dish: Dish, postgresql: PostgreSQL) -> list[str]:
    """Run the commands of a recipe that change a project, and name those that fail."""
    problems: list[str] = []
    path = dish.tree.path
    for command in dish.recipe.run(dish.framework):
        words = [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|(\S+)', command)]
        if words[:3] == ["uv", "run", "python"]:
            arguments = words[3:]
        elif words[:2] == ["uv", "run"] and words[2] in {"alembic", "flask"}:
            arguments = ["-m", *words[2:]]
        else:
            continue
        before = set(path.rglob("*.py"))
        done = subprocess.run(
            [str(interpreter(dish.environment)), "-W", "error", *arguments],
            cwd=path,
            env=variables(dish, postgresql),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            problems.append(f"{command}: {done.stdout}{done.stderr}")
        made = set(path.rglob("*.py")) - before
        dish.changed += sorted(file.relative_to(path).as_posix() for file in made)
    return problems


def style(dish: Dish) -> list[str]:
    """Name what ruff finds in the files of a recipe, with the project's own settings."""
    files = [dish.tree.path / path for path in dish.changed if path.endswith(".py")]
    if not files:
        return []
    found = [
        ruff("check", "--quiet", "--output-format=concise", *files),
        ruff("format", "--quiet", "--diff", *files),
    ]
    return [text for text in found if text]


def variables(dish: Dish, postgresql: PostgreSQL) -> dict[str, str]:
    """Give what must be set for a server or a command of the project."""
    given = {name: os.environ[name] for name in ("HOME", "LANG", "PATH") if name in os.environ}
    given |= {"PYTHONPATH": "src", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
    given |= REQUIRED
    if dish.tree.variant.answers["database"] == "postgresql":
        url = postgresql.variables((DRIVER,), dish.environment)["TEST_DATABASE_URL"]
        given["DATABASE_URL"] = own_database(url, dish)
    return given | dish.recipe.settings


def own_database(url: str, dish: Dish) -> str:
    """Make a database for a dish, unless it has one, and give its address."""
    name = f"dish_{zlib.crc32(str(dish.tree.path).encode())}"
    server, _, query = url.partition("?")
    command = [str(interpreter(dish.environment)), "-c", MAKE_DATABASE, url, name]
    subprocess.run(command, check=True)
    return f"{server.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")


@contextmanager
def serving(dish: Dish, postgresql: PostgreSQL) -> Iterator[Server]:
    """Run a server of a project until the block ends."""
    service = Service(dish.tree.path, dish.environment)
    port = free_port()
    given = variables(dish, postgresql) | {"PORT": str(port), "WEB_CONCURRENCY": "1"}
    with run(start(dish, service, port), port, service.path, given) as server:
        yield server


def served(dish: Dish, postgresql: PostgreSQL) -> list[str]:
    """Send the requests of a recipe to a server."""
    problems: list[str] = []
    with serving(dish, postgresql) as server:
        for expected in dish.recipe.exchanges:
            body = expected.body.encode() if expected.body else None
            answer = server.ask(expected.method, expected.path, body, expected.sent)
            problems += compare(expected, answer.status, dict(answer.headers), answer.body.decode())
    return problems


def converse(dish: Dish, postgresql: PostgreSQL, path: str) -> str:
    """Say ``hi`` to a server over a WebSocket, and give what it says before and after."""
    with serving(dish, postgresql) as server:
        url = f"ws://127.0.0.1:{server.port}{path}"
        done = subprocess.run(
            [str(interpreter(dish.environment)), "-c", CONVERSE, url],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return done.stdout + done.stderr


def start(dish: Dish, service: Service, port: int) -> list[str]:
    """Give the command that starts the server: the production's where there is one."""
    if dish.tree.variant.answers["docker"]:
        return service.program("gunicorn")
    if dish.framework == "fastapi":
        return service.program("uvicorn", f"{PACKAGE}.main:app", "--port", str(port))
    return service.program("flask", "--app", f"{PACKAGE}.main", "run", "--port", str(port))


def compare(
    expected: Exchange, status: int, headers: Mapping[str, str], text: str
) -> Iterator[str]:
    """Say where an answer is not what the cookbook shows."""
    what = f"{expected.method} {expected.path}: {status} {text} {dict(headers)}"
    if status != expected.status:
        yield f"{what}: the status is not {expected.status}"
        return
    if status in {204, 304} and (text or "content-type" in {name.lower() for name in headers}):
        yield f"{what}: it has a body"
    if expected.text[:1] in {"{", "[", '"'} or expected.text in {"null", "true", "false"}:
        try:
            right = json.loads(text) == json.loads(expected.text)
        except ValueError:
            right = False
        if not right and not (expected.text[0] == '"' and expected.text in text):
            yield f"{what}: the body is not {expected.text}"
    else:
        lines = [line for line in expected.text.splitlines() if line.strip()]
        position = 0
        for line in lines:
            found = text.find(line, position)
            if found < 0:
                yield f"{what}: the body has no {line}"
            position = max(found, position)
    lower = {name.lower(): value for name, value in headers.items()}
    for name, value in expected.headers.items():
        if not lower.get(name.lower(), "").startswith(value):
            yield f"{what}: {name} does not begin with {value}"


def invalid(document: dict[str, Any]) -> list[str]:
    """Say where a document is not as OpenAPI asks for."""
    try:
        return [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()]
    except Unresolvable as error:
        # The whole document is in its message.
        return [f"The document refers to {error.ref}, which it does not have"]


def differences(flask: Any, fastapi: Any, place: str = "openapi.json") -> Iterator[str]:
    """Say where two documents differ, but for what the frameworks say in their own words."""
    if isinstance(flask, dict) and isinstance(fastapi, dict):
        contents = [one.get("content") for one in flask.values() if isinstance(one, dict)]
        if place.endswith("/responses") and ANY in contents:
            return
        for name in sorted(flask.keys() | fastapi.keys()):
            # Views of Flask's that are not typed are no part of the document.
            if name in OWN_WORDS or (place.endswith("/paths") and name not in flask):
                continue
            if name in flask and name in fastapi:
                yield from differences(flask[name], fastapi[name], f"{place}/{name}")
            elif flask.get(name) is not None or fastapi.get(name) is not None:
                where = "Flask" if name in flask else "FastAPI"
                yield f"{place}: only on {where}: {name}: {flask.get(name, fastapi.get(name))}"
    elif isinstance(flask, list) and isinstance(fastapi, list) and len(flask) == len(fastapi):
        for number, (one, other) in enumerate(zip(flask, fastapi, strict=True)):
            yield from differences(one, other, f"{place}/{number}")
    elif flask != fastapi:
        yield f"{place}: {flask!r} on Flask, {fastapi!r} on FastAPI"


def without(name: str, part: Any) -> Any:
    """Leave a key out of a document."""
    if isinstance(part, dict):
        return {key: without(name, inner) for key, inner in part.items() if key != name}
    return [without(name, inner) for inner in part] if isinstance(part, list) else part


def missing(part: Any, whole: Any, place: str) -> Iterator[str]:
    """Say what of a part of a document is not in it."""
    if isinstance(part, dict) and isinstance(whole, dict):
        for name, inner in part.items():
            if name not in whole:
                yield f"{place} has no {name}, but {sorted(whole)}"
            else:
                yield from missing(inner, whole[name], f"{place}/{name}")
    elif isinstance(part, list) and isinstance(whole, list) and len(part) == len(whole):
        for number, (inner, found) in enumerate(zip(part, whole, strict=True)):
            yield from missing(inner, found, f"{place}/{number}")
    elif part != whole:
        yield f"{place} is {whole!r}, not {part!r}"
