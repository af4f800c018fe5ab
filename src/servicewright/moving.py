"""Follows modules that the user moved into other folders, such as ``database.py`` in ``storage/``.

What the template wrote, and writes now, imports them from where they are before it is merged: an
import that only followed a move is no conflict then, and what is new finds the modules.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from servicewright.settling import python
from servicewright.settling.pieces import UncertainError, lines_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_SOURCES = "src/"
_FROM = re.compile(r"(\s*from\s+)[\w.]+(\s+import\b)")


@dataclass(frozen=True)
class Moves:
    """Where modules are now.

    Attributes:
        modules: The files of those that are elsewhere, by the names that the template gives them.
        files: All files of the template's.
    """

    modules: Mapping[str, str]
    files: Collection[str]

    def apply(self, file: str, text: str) -> str:
        """Write a file of the template's with imports of modules where they are."""
        lines = lines_of(text)
        try:
            statements = [
                node
                for node in ast.walk(ast.parse(text))
                if isinstance(node, ast.ImportFrom) and node.level < len(PurePosixPath(file).parts)
            ]
        except SyntaxError:
            return text
        for statement in sorted(statements, key=lambda node: -node.lineno):
            first, last = statement.lineno - 1, statement.end_lineno or 0
            written = "".join(lines[first:last])
            lines[first:last] = [self._followed(file, statement, written)]
        return self._sorted_as(text, "".join(lines))

    def _sorted_as(self, before: str, after: str) -> str:
        """Sort the imports of a module, if they were sorted."""
        packages = {name.split("/")[1] for name in self.files if name.startswith(_SOURCES)}
        own = frozenset({*packages, "tests"})
        try:
            is_sorted = after != before and python.sort_imports(before, own) == before
            return python.sort_imports(after, own) if is_sorted else after
        except (UncertainError, SyntaxError):
            return after

    def _followed(self, file: str, statement: ast.ImportFrom, text: str) -> str:
        """Write an import with the modules where they are; several, if they parted."""
        was = PurePosixPath(_SOURCES.rstrip("/"))
        if statement.level:
            was = PurePosixPath(file).parents[statement.level - 1]
        was = was.joinpath(*(statement.module or "").split("."))
        here = self.modules.get(file, file)
        names: defaultdict[str, list[str]] = defaultdict(list)
        for alias in statement.names:
            submodule = f"{was}/{alias.name}.py"
            if submodule in self.files:
                now = PurePosixPath(self.modules.get(submodule, submodule)).parent
            else:
                now = PurePosixPath(self.modules.get(f"{was}.py", f"{was}.py")).with_suffix("")
            source = _source(here, now, is_relative=statement.level > 0)
            names[source].append(ast.unparse(alias))
        before = f"{'.' * statement.level}{statement.module or ''}"
        if [*names] == [before] or "" in names or (len(names) > 1 and "#" in text):
            return text
        if len(names) == 1:
            return _FROM.sub(rf"\g<1>{next(iter(names))}\g<2>", text, count=1)
        indent = text[: len(text) - len(text.lstrip(" "))]
        return "".join(
            f"{indent}from {source} import {', '.join(listed)}\n"
            for source, listed in sorted(names.items())
        )


def _source(here: str, module: PurePosixPath, *, is_relative: bool) -> str:
    """Name a module for an import; an empty name, if it has none there."""
    if not is_relative:
        return ".".join(module.parts[1:])
    parents = PurePosixPath(here).parent.parts
    shared = 0
    for ours, theirs in zip(parents, module.parts, strict=False):
        if ours != theirs:
            break
        shared += 1
    if shared < len((_SOURCES, "the package")):
        return ""
    return "." * (len(parents) - shared + 1) + ".".join(module.parts[shared:])


def learn(renamed: Mapping[str, str], before: Collection[str], after: Collection[str]) -> Moves:
    """Learn which modules a user moved.

    Args:
        renamed: Files that have other names now.
        before: The files that the template wrote.
        after: Those that it writes now.
    """
    modules = {
        old: new
        for old, new in renamed.items()
        if old.startswith(_SOURCES)
        and new.startswith(_SOURCES)
        and old.endswith(".py")
        and PurePosixPath(old).name == PurePosixPath(new).name
    }
    # As git does, let what is new follow a folder of which nothing is left.
    folders = defaultdict[str, set[str]](set)
    for name in before:
        if name.startswith(_SOURCES) and name.endswith(".py"):
            now = modules.get(name, name)
            folders[str(PurePosixPath(name).parent)].add(str(PurePosixPath(now).parent))
    for name in {*after} - {*before}:
        path = PurePosixPath(name)
        homes = folders.get(str(path.parent), set())
        if modules and path.suffix == ".py" and len(homes) == 1:
            (home,) = homes
            if home != str(path.parent):
                modules[name] = f"{home}/{path.name}"
    return Moves(modules, frozenset({*before, *after}))
