"""What is wrong with rendered projects, as far as reading them tells.

Each check goes over all trees at once and looks at what they have in common only once. It gives
its findings as sentences that begin with the variant they are about.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

import jinja2
import service
import tinycss2
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from matrix.environments import interpreter
from matrix.rendering import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from matrix.rendering import Tree

# Projects may hold what looks like the template's delimiters in files of these kinds.
TEMPLATES = (".html", ".mako", "monitoring/alerts.yaml", "monitoring/dashboard.json")
# A dollar before it makes it an expression of a workflow.
LEFTOVERS = re.compile(r"\[\[ | \]\]|#\{[%#]|[%#]\}|(?<!\$)\{\{|\{%|(from|import) PACKAGE\b")
LEFTOVERS_IN_TEMPLATES = re.compile(r"\[\[ | \]\]|#\{[%#]")

# Declared and never imported, because something else uses them.
USED_WITHOUT_IMPORT = frozenset(
    name for feature in service.FEATURES for name in feature.about.get("unimported", {})
)


# How many files a program is told of at once: systems limit what a command may be.
AT_ONCE = 500

# A file with more has one nearly for each variant: it joins all parts, or has all their settings.
MANY_FORMS = 200


class Import(NamedTuple):
    """An import statement, as far as it tells modules apart."""

    level: int
    module: str
    names: tuple[str, ...]


def each_file_once(
    trees: Iterable[Tree], check: Callable[[str, str], Iterator[str] | Iterable[str]]
) -> list[str]:
    """Apply a check to each file that differs in any way from those before.

    Args:
        trees: The projects.
        check: Is given a path and a text and gives what is wrong with them.
    """
    seen = set()
    findings = []
    for tree in trees:
        for path, content in tree.files.items():
            if (path, content) not in seen:
                seen.add((path, content))
                findings += [
                    f"{tree.variant.id}: {path}: {finding}"
                    for finding in check(path, content.decode())
                ]
    return findings


def syntax(path: str, text: str) -> Iterator[str]:
    """Parse a file in the language that its name tells."""
    try:
        match path.rpartition(".")[2]:
            case "py":
                ast.parse(text)
            case "toml":
                tomllib.loads(text)
            case "yaml" | "yml":
                list(yaml.safe_load_all(text))
            case "html":
                jinja2.Environment().parse(text)  # noqa: S701 - nothing is rendered
            case "css":
                yield from css_errors(tinycss2.parse_stylesheet(text))
    except (
        SyntaxError,
        tomllib.TOMLDecodeError,
        yaml.YAMLError,
        jinja2.TemplateSyntaxError,
    ) as error:
        yield f"is not well formed: {error}"


def css_errors(rules: Iterable[Any]) -> Iterator[str]:
    """Look for what browsers would leave out of a style sheet, at any depth."""
    for rule in rules:
        if rule.type == "error":
            yield f"is not well formed: {rule.source_line}: {rule.message}"
        elif getattr(rule, "content", None):
            yield from css_errors(tinycss2.parse_blocks_contents(rule.content))


def hadolint(trees: Iterable[Tree], directory: Path) -> list[str]:
    """Check the Dockerfiles of projects, each different one once.

    Args:
        trees: The projects.
        directory: An empty directory for the Dockerfiles.
    """
    different = {tree.files["Dockerfile"]: tree for tree in trees if "Dockerfile" in tree.files}
    for content, tree in different.items():
        (directory / tree.variant.id).write_bytes(content)
    done = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), *sorted(directory.iterdir())],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stdout + done.stderr).replace(f"{directory}/", "").splitlines()


def layout(path: str, text: str) -> Iterator[str]:
    """Look for what a template leaves behind when it was not careful."""
    if not text.strip():
        if text or not path.endswith("py.typed"):
            yield "is empty"
        return
    if not text.endswith("\n") or text.endswith("\n\n"):
        yield "does not end with one newline"
    if text.startswith("\n"):
        yield "begins with a blank line"
    if "\r" in text or "\t" in text:
        yield "has tabs or carriage returns"
    blank = 2 if path.endswith((".py", ".mako")) else 1
    marks = LEFTOVERS_IN_TEMPLATES if path.endswith(TEMPLATES) else LEFTOVERS
    if "\n" * (blank + 2) in text:
        yield f"has more than {blank} blank lines together"
    for number, line in enumerate(text.splitlines(), 1):
        if line != line.rstrip():
            yield f"line {number} ends with white space"
        if found := marks.search(line):
            yield f"line {number} has the mark {found[0]!r} of a template"


def empty_directories(trees: Iterable[Tree]) -> list[str]:
    """Look for directories that hold nothing."""
    return [
        f"{tree.variant.id}: {path.relative_to(tree.path)}: is empty"
        for tree in trees
        for path in tree.path.rglob("*")
        if path.is_dir() and not any(path.iterdir())
    ]


def ruff(*arguments: str | Path) -> str:
    """Run ruff over files or directories, each with the configuration it brings along."""
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *map(str, arguments), "--no-cache", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def lint(trees: Iterable[Tree], *arguments: str) -> list[str]:
    """Run ruff over the files of projects.

    Files that are the same are looked at once, where the same is around them as far as ruff can
    tell: the configuration, and which of the imported modules are the project's own.
    """
    files = [
        tree.path / path
        for tree, paths in different(trees, lint_context).values()
        for path in paths
        if path.endswith(".py") or ("check" in arguments and path == "pyproject.toml")
    ]
    parts = (files[start : start + AT_ONCE] for start in range(0, len(files), AT_ONCE))
    return "".join(ruff(*arguments, *part) for part in parts).splitlines()


def lint_context(tree: Tree) -> Callable[[str, bytes], object]:
    """Give what tells what ruff's findings in a file of a project depend on besides the file."""
    own = {PurePath(path).parts[1].removesuffix(".py") for path in tree.files if "/" in path}
    configuration = str(tree.pyproject["tool"]["ruff"])

    def around(path: str, content: bytes) -> object:
        if not path.endswith(".py"):
            return configuration
        imported = {found.module.partition(".")[0] for found in imports(content)}
        return configuration, frozenset(imported & own)

    return around


def different(
    trees: Iterable[Tree], context: Callable[[Tree], Callable[[str, bytes], object]]
) -> dict[str, tuple[Tree, list[str]]]:
    """Find the files that differ from all before, or stand in another context.

    Returns:
        For each variant that has such files the tree and their paths.
    """
    seen: set[tuple[object, str, bytes]] = set()
    found: dict[str, tuple[Tree, list[str]]] = {}
    for tree in trees:
        around = context(tree)
        keys = {path: (around(path, text), path, text) for path, text in tree.files.items()}
        new = [path for path, key in keys.items() if key not in seen]
        seen.update(keys.values())
        if new:
            found[tree.variant.id] = (tree, new)
    return found


@cache
def imports(source: bytes) -> tuple[Import, ...]:
    """List what a Python file imports, also inside of functions."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [Import(0, alias.name, ()) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            found.append(Import(node.level, node.module or "", names))
    return tuple(found)


def wrong_dependencies(trees: Iterable[Tree], distributions: dict[str, list[str]]) -> list[str]:
    """Compare what projects declare with what they import.

    Args:
        trees: The projects.
        distributions: For each module that can be imported, what it is installed with.
    """
    findings = []
    for tree in trees:
        project = tree.pyproject
        runtime = names(project["project"]["dependencies"])
        development = names(project["dependency-groups"]["dev"])
        used = {
            "src": imported(tree, "src", distributions, runtime),
            "tests": imported(tree, "tests", distributions, runtime | development),
        }
        wrong = [
            *(f"{name} is imported in src and not declared" for name in used["src"] - runtime),
            *(
                f"{name} is imported in tests and not declared"
                for name in used["tests"] - runtime - development
            ),
            *(
                f"{name} is declared and not imported in src"
                for name in runtime - used["src"] - USED_WITHOUT_IMPORT
            ),
            *(
                f"{name} is declared for development and not imported in tests"
                for name in development - used["tests"] - USED_WITHOUT_IMPORT
            ),
            *(f"{name} is declared twice" for name in development & runtime),
        ]
        findings += [f"{tree.variant.id}: {finding}" for finding in sorted(wrong)]
    return findings


def names(requirements: Iterable[str]) -> set[str]:
    """Name the distributions of some requirements."""
    return {canonicalize_name(Requirement(requirement).name) for requirement in requirements}


def imported(
    tree: Tree, folder: str, distributions: dict[str, list[str]], declared: set[str]
) -> set[str]:
    """Name the distributions of what the Python files in a folder of a project import.

    Of those that share the name of a module it is the ones that are declared.
    """
    # Tests can import each other; the package's modules are never named without the package.
    own = {path.stem for path in map(PurePath, tree.files) if path.match("tests/*.py")}
    modules = {
        found.module.partition(".")[0]
        for path, content in tree.files.items()
        if path.startswith(f"{folder}/") and path.endswith(".py")
        for found in imports(content)
        if found.level == 0
    }
    found: set[str] = set()
    for module in (
        modules - sys.stdlib_module_names - {PACKAGE} - (own if folder == "tests" else set())
    ):
        installed = [canonicalize_name(name) for name in distributions.get(module, [module])]
        found |= declared.intersection(installed) or {installed[0]}
    return found


def installed_with(environment: Path) -> dict[str, list[str]]:
    """Give, for each module that an environment can import, what it was installed with."""
    program = (
        "import importlib.metadata, json;"
        "print(json.dumps(importlib.metadata.packages_distributions()))"
    )
    answer: dict[str, list[str]] = json.loads(
        subprocess.check_output([str(interpreter(environment)), "-c", program])
    )
    return answer


def variables_read(tree: Tree) -> set[str]:
    """Name the environment variables that a service and its server read."""
    settings = tree.files[f"src/{PACKAGE}/settings.py"].decode()
    server = tree.files.get("gunicorn.conf.py", b"").decode()
    read = set(re.findall(r"environ\.get\(['\"](\w+)", server))
    if tree.variant.answers["settings"]:
        return read | {name.upper() for name in re.findall(r"^    (\w+): ", settings, re.MULTILINE)}
    return read | set(re.findall(r'variable\(\s*"(\w+)"', settings))


def wrong_variables(trees: Iterable[Tree]) -> list[str]:
    """Compare the environment variables that are read with those that users are told of."""
    findings = []
    for tree in trees:
        read = variables_read(tree)
        told = {"README.md": re.compile(r"^\| `([A-Z_]+)` \|", re.MULTILINE)}
        if tree.variant.answers["settings"]:
            told[".env.example"] = re.compile(r"^([A-Z_]+)=", re.MULTILINE)
        for path, pattern in told.items():
            named = set(pattern.findall(tree.files[path].decode()))
            findings += [f"{tree.variant.id}: {path}: lacks {name}" for name in read - named]
            findings += [
                f"{tree.variant.id}: {path}: has {name}, which is not read" for name in named - read
            ]
    return findings


# The tests of code that only one framework needs.
TESTS_OF_A_FRAMEWORK = (
    "tests/test_background.py",
    "tests/test_own_commands.py",
    "tests/test_authentication.py",
    "tests/test_guard.py",
    "tests/test_own_parts.py",
    "tests/test_proxies.py",
    "tests/test_request_telemetry.py",
    "tests/test_sessions.py",
    "tests/test_typed_views.py",
)


def share_of_common_lines(tree: Tree, other: Tree) -> float:
    """Give the part of a project's lines of Python that stand in files that another one has too.

    The tests of what only one framework needs are left out: they must not make it look cheaper to
    test less.
    """
    python = {
        path: text
        for path, text in tree.files.items()
        if path.endswith(".py") and path not in TESTS_OF_A_FRAMEWORK
    }
    common = [text for path, text in python.items() if other.files.get(path) == text]
    lines = sum(text.count(b"\n") for text in python.values())
    return sum(text.count(b"\n") for text in common) / lines


def differences_between_frameworks(
    trees: Iterable[Tree], of_the_framework: Collection[str]
) -> list[str]:
    """Compare the variants that differ in nothing but their framework.

    Args:
        trees: The projects.
        of_the_framework: The files that may differ or be there only once.
    """
    same: dict[tuple[object, ...], list[Tree]] = defaultdict(list)
    for tree in trees:
        others = [item for item in tree.variant.answers.items() if item[0] != "framework"]
        same[tuple(others)].append(tree)
    findings = []
    for first, *rest in same.values():
        for second in rest:
            for path in sorted(first.files.keys() | second.files.keys()):
                if path in of_the_framework:
                    continue
                if first.files.get(path) != second.files.get(path):
                    findings.append(f"{second.variant.id}: {path}: not as in {first.variant.id}")
    return findings


def modules(tree: Tree) -> dict[str, str]:
    """Give the path of each of a project's own modules."""
    return {
        path.removeprefix("src/")
        .removeprefix("tests/")
        .removesuffix(".py")
        .removesuffix("/__init__")
        .replace("/", "."): path
        for path in tree.files
        if path.startswith(("src/", "tests/")) and path.endswith(".py")
    }


def reach(tree: Tree) -> dict[str, frozenset[tuple[str, bytes]]]:
    """Give for each Python file of a project all that its types can depend on.

    Returns:
        The paths and contents of the file itself and of the project's own modules that it
        imports, directly or through others.
    """
    own = modules(tree)
    direct: dict[str, set[str]] = {}
    for module, path in own.items():
        package = module if path.endswith("__init__.py") else module.rpartition(".")[0]
        targets = set()
        for found in imports(tree.files[path]):
            start = ".".join(package.split(".")[: len(package.split(".")) - found.level + 1])
            base = ".".join(filter(None, [start if found.level else "", found.module]))
            targets |= {base, *(f"{base}.{name}" for name in found.names)}
        parents = {
            target.rsplit(".", depth)[0]
            for target in targets
            for depth in range(target.count(".") + 1)
        }
        direct[path] = {own[target] for target in (targets | parents) & own.keys()}
    result = {}
    for path in direct:
        reached = {path}
        todo = [path]
        while todo:
            new = direct[todo.pop()] - reached
            reached |= new
            todo += new
        result[path] = frozenset((file, tree.files[file]) for file in reached)
    return result


def covering(trees: Sequence[Tree]) -> list[tuple[Tree, set[str]]]:
    """Choose trees that have, together, every Python file with everything it imports.

    Returns:
        The trees, each with the files that no tree before it has with the same imports.
    """
    reached = [reach(tree) for tree in trees]
    missing = [set(files.items()) for files in reached]
    chosen = []
    while any(missing):
        best = max(range(len(trees)), key=lambda number: len(missing[number]))
        covered = missing[best]
        chosen.append((trees[best], {path for path, _ in covered}))
        missing = [files - covered for files in missing]
    return chosen


def each_form(
    trees: Sequence[Tree], names: Collection[str], more: Collection[str] = ()
) -> list[tuple[Tree, set[str]]]:
    """Choose trees in which each Python file is in each of its forms, and so is what some import.

    Args:
        trees: The trees.
        names: The variants in which each file counts with everything it imports.
        more: The variants in which the files are looked at that have very many forms.

    Returns:
        The trees, each with files that are to be looked at, as ``covering`` gives them.
    """
    chosen = covering([tree for tree in trees if tree.variant.id in names])
    seen = {(path, tree.files[path]) for tree, paths in chosen for path in paths}
    forms = {(path, tree.files[path]) for tree in trees for path in modules(tree).values()}
    counts = Counter(path for path, _ in forms)
    for tree in trees:
        new = {
            path
            for path in modules(tree).values()
            if (path, tree.files[path]) not in seen
            and (counts[path] <= MANY_FORMS or tree.variant.id in more)
        }
        if new:
            chosen.append((tree, new))
            seen |= {(path, tree.files[path]) for path in new}
    return chosen


def wrong_types(
    chosen: Sequence[tuple[Tree, Collection[str]]], environment: Path, directory: Path, cache: Path
) -> list[str]:
    """Check the types of several projects in one call of mypy.

    Args:
        chosen: The projects, all with the same configuration of mypy, and which of their files
            are checked. Of what these import, no more is looked at than they need.
        environment: Has mypy and what the projects need.
        directory: An empty directory, where each project becomes two packages.
        cache: What mypy remembers from call to call.
    """
    sources: dict[str, str] = {}
    configuration = chosen[0][0].path / "pyproject.toml"
    checked: list[str] = []
    for tree, files in chosen:
        imported = reach(tree)
        needed = {path for file in files if file in imported for path, _ in imported[file]}
        source = f"project_{tree.variant.id}".replace("-", "_")
        tests = f"{source}_tests"
        helpers = [name for name, path in modules(tree).items() if path.startswith("tests/")]
        for path in modules(tree).values():
            if path in needed:
                # What is imported is in these packages now, too.
                text = tree.files[path].decode()
                text = text.replace(f"\nfrom {PACKAGE}", f"\nfrom {source}")
                own = rf"\nfrom {tests}.\1 import"
                text = re.sub(rf"\nfrom ({'|'.join(helpers)}) import", own, text)
                place = path.replace(f"src/{PACKAGE}/", f"{source}/").replace("tests/", f"{tests}/")
                file = directory / place
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
                if path in files:
                    checked.append(place)
        sources[source] = f"{tree.variant.id}: src/{PACKAGE}/"
        sources[tests] = f"{tree.variant.id}: tests/"
    # There may be more than fit into a command.
    arguments = directory / "arguments.txt"
    arguments.write_text("\n".join(checked))
    done = subprocess.run(
        [
            *(str(interpreter(environment)), "-m", "mypy", "--no-error-summary"),
            *("--config-file", str(configuration), "--cache-dir", str(cache)),
            *("--explicit-package-bases", "--follow-imports=silent", f"@{arguments}"),
        ],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    findings = done.stdout.splitlines()
    if done.returncode not in (0, 1) or (done.returncode and not findings):
        findings += done.stderr.splitlines() or [f"mypy ended with status {done.returncode}"]
    parts = [line.partition("/") for line in findings]
    return [
        f"{sources[package]}{rest}" if package in sources else f": {package}{slash}{rest}"
        for package, slash, rest in parts
    ]


def affected(findings: Iterable[str], trees: Sequence[Tree]) -> dict[str, list[str]]:
    """Give the variants that have what was found in those that stand for them (see covering).

    Args:
        findings: What is wrong with types.
        trees: All projects, of which some were looked at.

    Returns:
        What is wrong with each variant.
    """
    reached = {tree.variant.id: reach(tree) for tree in trees}
    wrong: dict[str, list[str]] = {}
    for finding in findings:
        name, _, place = finding.partition(": ")
        path = place.partition(":")[0]
        seen = reached.get(name, {}).get(path)
        for other, files in reached.items():
            # What is not about a file of a project is about all of them.
            if seen is None or files.get(path) == seen:
                wrong.setdefault(other, []).append(f"mypy: {place}")
    return wrong
