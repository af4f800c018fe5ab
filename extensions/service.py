"""What template files may use besides the answers.

Copier loads this file by its path, so it stands alone: it imports nothing of its neighbours.
"""

from __future__ import annotations

import json
import keyword
import re
import subprocess
import sys
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from copier_template_extensions import ContextHook

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from jinja2 import Environment

PYTHON_VERSIONS = ("3.11", "3.12", "3.13", "3.14")

# The folders of features, each with a feature.toml that is not copied into projects.
TEMPLATE = Path(__file__).resolve().parents[1] / "template"
FOLDER = re.compile(r"\[\[ when\.(\w+) \]\]")


@dataclass(frozen=True)
class Variable:
    """An environment variable of the generated service.

    Attributes:
        name: Its name.
        meaning: What it is for, as a sentence without its full stop.
        default: Its value where it is not set; None where the service does not start without it.
        example: A value for development where there is no default; empty when there is none.
    """

    name: str
    meaning: str
    default: str | None
    example: str


class Feature:
    """What the folder of a feature says about it, in a file that CONTRIBUTING.md explains.

    Attributes:
        name: What the folder is called after; empty for what every service has.
        about: What the file says.
    """

    def __init__(self, name: str, about: Mapping[str, Any]) -> None:
        self.name = name
        self.about = about

    def on(self, features: Mapping[str, bool], other: str = "always") -> bool:
        """Say whether it is on, together with another feature."""
        return features.get(self.name, not self.name) and features.get(other, True)

    def listed(self, key: str, features: Mapping[str, bool]) -> list[str]:
        """Give what is listed under a key for these features, but for what stands last."""
        table = self.about.get(key, {})
        return [
            item
            for other, items in table.items()
            for item in items
            if other != "last" and self.on(features, other)
        ]


def read(template: Path) -> list[Feature]:
    """Read what the folders of a template say, in the order in which lists go through them."""
    found = []
    for path in (template / "feature.toml", *template.glob("*/feature.toml")):
        folder = FOLDER.fullmatch(path.parent.name)
        about = tomllib.loads(path.read_text(encoding="utf-8"))
        found.append(Feature(folder[1] if folder else "", about))
    return sorted(found, key=lambda feature: (feature.about.get("order", LAST), feature.name))


# Where a feature stands in lists that does not say it.
LAST = 100
FEATURES = read(TEMPLATE)

# When each feature is on: the ways it can be, each with the answers that some questions must have.
WHEN: dict[str, list[dict[str, list[Any]]]] = {
    name: ways if isinstance(ways, list) else [ways]
    for feature in FEATURES
    for name, ways in feature.about["when"].items()
}
QUESTIONS = frozenset(question for ways in WHEN.values() for way in ways for question in way)


def features(answers: Mapping[str, Any]) -> dict[str, bool]:
    """Give each feature and whether the answers switch it on.

    A question without an answer switches nothing on: not all of them are answered while Copier
    asks, and the answers of an older template lack those that were not asked then. Of resources it
    matters whether there are any, and unless others are asked for there are those of the default.
    """
    answers = {
        **answers,
        "resources": answers.get("resources") != [],
        "items": answers.get("items", answers.get("resources") != []),
        "others": answers.get("others", False),
    }
    return {
        name: any(
            all(answers.get(question) in allowed for question, allowed in way.items())
            for way in ways
        )
        for name, ways in WHEN.items()
    }


def requirements(on: Mapping[str, bool], *, development: bool) -> list[str]:
    """List what the project depends on with these features, by name.

    What every service has at the end stands out of order: `uv add` writes what the user adds behind
    it, away from lines that an answer adds or removes.
    """
    key = "development" if development else "requirements"
    listed = [item for feature in FEATURES for item in feature.listed(key, on)]
    if development:
        # What the service needs itself is there for who works on it.
        needed = {distribution(item) for item in requirements(on, development=False)}
        listed = [item for item in listed if distribution(item) not in needed]
    last = [item for feature in FEATURES for item in feature.about.get(key, {}).get("last", [])]
    return sorted(listed, key=distribution) + last


def distribution(requirement: str) -> str:
    """Give the name of what is required."""
    return re.split(r"[^\w.-]", requirement)[0]


def variables(on: Mapping[str, bool], package: str) -> list[Variable]:
    """List the environment variables of a service with these features."""
    return [
        Variable(
            about["name"],
            about["meaning"],
            default and default.format(package=package),
            about.get("example", "").format(package=package),
        )
        for feature in FEATURES
        for about in feature.about.get("variables", [])
        if feature.on(on, about.get("with", "always"))
        for default in [about.get("default")]
    ]


def requests(on: Mapping[str, bool]) -> list[tuple[str, str]]:
    """List the requests that a service with these features answers besides every service's."""
    return [
        (request, answer)
        for feature in FEATURES
        if feature.on(on)
        for request, answer in feature.about.get("requests", [])
    ]


# The template's files of routes, each once for each framework.
ROUTES = [
    path.relative_to(TEMPLATE.parent).as_posix()
    for path in sorted(TEMPLATE.rglob("routes/[!_]*.py"))
]


def routes(on: Mapping[str, bool]) -> dict[str, str]:
    """Give the template's files of the routes with these features, by the names of the modules."""
    return {
        "resources" if "yield" in file else PurePosixPath(file).stem: file
        for file in ROUTES
        if all(on[name] for name in FOLDER.findall(file) if name != "modular")
    }


# Packages that cannot be named like one of these, modules or distributions that a service may need:
# the project would import or require itself instead.
TAKEN = frozenset(
    name
    for feature in FEATURES
    for names in (
        feature.about.get("modules", "").split(),
        (
            distribution(item).replace("-", "_")
            for key in ("requirements", "development")
            for items in feature.about.get(key, {}).values()
            for item in items
        ),
    )
    for name in names
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


def of_database(text: str, database: str) -> str:
    """Leave out the lines with what only another database is told of a table."""
    others = "|".join({"postgresql", "sqlite"} - {database})
    return re.sub(rf"^ *(?:{others})_\w+=.*\n", "", text, flags=re.MULTILINE)


def derived(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Give what follows from the answers: the features and what they bring along."""
    on = features(answers)
    return {
        "when": {feature: "." if active else "" for feature, active in on.items()},
        "dependencies": requirements(on, development=False),
        "development_dependencies": requirements(on, development=True),
        "variables": variables(on, answers["package_name"]),
        "requests": requests(on),
        "routes": routes(on),
        "tables": {
            feature.name: {
                name: of_database(text, answers["database"])
                for name, text in feature.about["tables"].items()
            }
            for feature in FEATURES
            if "tables" in feature.about
        },
        "tested_versions": sorted({answers["python_version"], PYTHON_VERSIONS[-1]}),
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
        # Copier forgets the `yield` in a name when it reads the next text, which it need not do
        # for what was compiled before.
        self.environment.preprocess("")
        answers = {name: context.get(name) for name in QUESTIONS}
        answers["package_name"] = context.get("package_name", "service")
        answers["python_version"] = context.get("python_version", PYTHON_VERSIONS[0])
        # Whether the items of the default are among the resources, and others, as the other
        # extension found.
        answers["items"] = context.get("shows_items", True)
        answers["others"] = context.get("shows_others", False)
        if answers != self._answers:
            self._answers, self._derived = answers, derived(answers)
        context.update(self._derived)
        context["defaults"] = Defaults(context)
        context["limits"] = limits
        context["problem"] = problem
