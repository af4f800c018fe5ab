"""The filter ``imports``, for files of the template whose imports depend on the answers.

Such a file names all that it may import, without conditions, and this leaves what is used. Copier
loads this file by its path, so it stands alone.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from typing import TYPE_CHECKING

from jinja2.ext import Extension

if TYPE_CHECKING:
    from jinja2 import Environment

# As in the generated pyproject.toml.
LINE_LENGTH = 100

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def imports(text: str) -> str:
    """Make one module of Python of the modules in a text, with the imports that it needs.

    The imports of all of them come first, joined and sorted as ruff sorts them, without those of
    names that nothing uses or that one of the modules defines. A list that stands one name a line
    stays so while it has several names. The first docstring is the module's, the others go.
    """
    tree = ast.parse(text)
    lines = text.split("\n")
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - defined(tree)
    # By the module, and by the other name where there is one: such an import stands alone.
    names: dict[tuple[str, str], set[str]] = defaultdict(set)
    whole, exploded, docstrings = set(), set(), []
    for node in tree.body:
        source_lines = slice(node.lineno - 1, node.end_lineno)
        match node:
            case ast.Import(aliases):
                whole |= {ast.unparse(alias) for alias in aliases if bound(alias) in used}
            case ast.ImportFrom(module, aliases, level):
                source = "." * level + (module or "")
                for alias in aliases:
                    if bound(alias) in used or source == "__future__":
                        names[source, alias.asname or ""].add(ast.unparse(alias))
                if lines[source_lines][-1] == ")":
                    exploded.add(source)
            case ast.Expr(ast.Constant(str())):
                docstrings.append("\n".join(lines[source_lines]))
            case _:
                continue
        lines[source_lines] = [""] * len(lines[source_lines])

    sections: dict[int, list[str]] = defaultdict(list)
    for source in sorted(whole, key=str.lower):
        sections[section(source)].append(f"import {source}")
    for source, other in sorted(names, key=lambda key: (key[0].lower(), key[1])):
        listed = sorted(names[source, other], key=kind)
        line = statement(source, listed, exploded=source in exploded)
        sections[section(source)].append(line)
    head = docstrings[:1] + ["\n".join(sections[number]) for number in sorted(sections)]
    body = re.sub(r"\n{4,}", "\n\n\n", "\n".join(lines).strip("\n"))
    gap = "\n\n\n" if re.match(r"@|(async )?def |class ", body) else "\n\n"
    return ("\n\n".join(head) + gap + body).lstrip("\n") + "\n"


def defined(tree: ast.Module) -> set[str]:
    """Give the names that a module defines itself."""
    assigned = (node.targets for node in tree.body if isinstance(node, ast.Assign))
    return {node.name for node in tree.body if isinstance(node, DEFINITIONS)} | {
        target.id for targets in assigned for target in targets if isinstance(target, ast.Name)
    }


def bound(alias: ast.alias) -> str:
    """Give the name that an import binds."""
    return alias.asname or alias.name.split(".")[0]


def section(source: str) -> int:
    """Tell where a module stands: the future, Python's, those of others, the package's own."""
    if source == "__future__":
        return 0
    if source.startswith("."):
        return 3
    return 1 if re.split(r"[. ]", source)[0] in sys.stdlib_module_names else 2


def kind(name: str) -> tuple[bool, bool, str]:
    """Order constants before classes and these before the rest."""
    return not (name.isupper() and len(name) > 1), not name[0].isupper(), name.lower()


def statement(source: str, names: list[str], *, exploded: bool) -> str:
    """Write an import as a formatter does."""
    line = f"from {source} import {', '.join(names)}"
    if len(line) > LINE_LENGTH or (exploded and len(names) > 1):
        return "\n".join([f"from {source} import (", *(f"    {name}," for name in names), ")"])
    return line


class Imports(Extension):
    """Adds the filter to what template files may use."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.filters["imports"] = imports
