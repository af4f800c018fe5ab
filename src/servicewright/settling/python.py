"""Modules as statements, bodies, imports, and what stands one on a line between brackets."""

from __future__ import annotations

import ast
import builtins
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import PurePosixPath
from textwrap import dedent
from typing import TYPE_CHECKING

from servicewright.settling import signatures
from servicewright.settling.pieces import (
    Piece,
    UncertainError,
    headings,
    leading,
    lines_of,
    named,
    sort,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

# Classes in which attributes need no order.
_MODELS = ("Settings", "BaseModel")
_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
_BLOCKS = ast.If | ast.With | ast.AsyncWith | ast.For | ast.AsyncFor | ast.While


def split(text: str, own: frozenset[str], width: int) -> Piece:
    """Split a module.

    Args:
        text: The module.
        own: Names of the project's own packages, which are sorted behind those of others.
        width: How long a line may be.

    Raises:
        SyntaxError: It is none.
    """
    splitter = _Splitter(lines_of(text), own, width)
    return splitter.module(ast.parse(text).body)


@dataclass(frozen=True)
class _Splitter:
    _lines: list[str]
    _own: frozenset[str]
    _width: int

    def module(self, body: list[ast.stmt]) -> Piece:
        parts, tail = self._statements(body, 0, len(self._lines), loose=True)
        return Piece("", "", parts=parts, tail=tail)

    def _statements(
        self, body: Sequence[ast.stmt], begin: int, end: int, *, loose: bool
    ) -> tuple[tuple[Piece, ...], str]:
        """Split lines that hold statements, and give what is left after the last."""
        pieces = []
        keys = [_key(statement) for statement in body]
        for statement, key in zip(body, keys, strict=True):
            first, last = _first_line(statement), statement.end_lineno or 0
            if first < begin:
                # Two on a line.
                raise UncertainError
            name = key if keys.count(key) == 1 else ast.unparse(statement)
            found, rest = headings(self._lines[begin:first])
            pieces += found
            begin = first - len(rest)
            pieces.append(self._statement(statement, name, (begin, first, last), loose=loose))
            begin = last
        return named(pieces), "".join(self._lines[begin:end])

    def _statement(
        self, statement: ast.stmt, key: str, lines: tuple[int, int, int], *, loose: bool
    ) -> Piece:
        begin, first, last = lines
        gap, before = leading(self._lines[begin:first])
        make = partial(Piece, key, gap=gap)
        whole = before + "".join(self._lines[first:last])
        if isinstance(statement, ast.Import | ast.ImportFrom):
            order, union = self._imported(statement, whole)
            return make(whole, loose=True, order=order, union=union)
        is_named = isinstance(statement, _FUNCTIONS | ast.ClassDef)
        start = self._body(statement)
        if start is not None and isinstance(statement, _FUNCTIONS | ast.ClassDef | _BLOCKS):
            parts, tail = self._statements(statement.body, start, last, loose=_is_model(statement))
            head = before + "".join(self._lines[first:start])
            union = partial(signatures.union, self._width) if _is_function(statement) else None
            return make(head, parts=parts, tail=tail, loose=is_named, union=union)
        if key == "docstring":
            return make(whole, words=True)
        is_loose = loose and isinstance(statement, ast.Assign | ast.AnnAssign)
        if inside := self._bracketed(statement, first, last):
            head, parts, tail = inside
            return make(before + head, parts=parts, tail=tail, loose=is_loose)
        return make(whole, loose=is_loose or is_named)

    def _body(self, statement: ast.stmt) -> int | None:
        """Give the line where the only body of a statement begins, below the statement's colon."""
        body: list[ast.stmt] = getattr(statement, "body", [])
        if not body or getattr(statement, "orelse", None):
            return None
        for number in range(statement.lineno - 1, _first_line(body[0])):
            if self._lines[number].partition("#")[0].rstrip().endswith(":"):
                return number + 1
        return None

    def _bracketed(
        self, statement: ast.stmt, first: int, last: int
    ) -> tuple[str, tuple[Piece, ...], str] | None:
        """Split what a call, a list or a dictionary holds, if each stands on a line of its own."""
        value = getattr(statement, "value", None)
        elements = list(_elements(value))
        if value is None or not elements or value.end_lineno != last:
            return None
        start = elements[0][1] - 1
        pieces, begin = [], start
        for key, line, end, loose in elements:
            gap, before = leading(self._lines[begin : line - 1])
            text = before + "".join(self._lines[line - 1 : end])
            if line - 1 < begin or not text.rstrip().endswith(",") or line <= value.lineno:
                return None
            pieces.append(Piece(key, text, gap, loose=loose))
            begin = end
        if begin >= last:
            return None
        head, tail = self._lines[first:start], self._lines[begin:last]
        return "".join(head), named(pieces), "".join(tail)

    def _imported(
        self, statement: ast.Import | ast.ImportFrom, text: str
    ) -> tuple[tuple[str, ...], Callable[[str, str, str], str] | None]:
        """Say where an import is sorted, and how names are merged that it takes from a module."""
        if isinstance(statement, ast.Import):
            name = statement.names[0].name
            return (self._block(name), "0", name), None
        module = statement.module or ""
        distance = f"{9 - statement.level}{module}"
        block = "4" if statement.level else self._block(module)
        union = None if "#" in text else partial(_union, self._width)
        # There may be an import for each name.
        rank, name = _case(statement.names[0].name)
        return (block, "1", distance if statement.level else module, str(rank), name), union

    def _block(self, module: str) -> str:
        name = module.partition(".")[0]
        if name == "__future__":
            return "0"
        if name in sys.stdlib_module_names:
            return "1"
        return "3" if name in self._own else "2"


def _first_line(statement: ast.stmt) -> int:
    """Give the line where a statement begins, its decorators included, counted from zero."""
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(node.lineno for node in decorators)]) - 1


def _key(statement: ast.stmt) -> str:  # noqa: PLR0911 - one for each kind
    """Name a statement by what it is about, so that it is the same when it is changed."""
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return statement.name
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name
        case ast.Assign(targets=[ast.Attribute() as target]):
            return f"{ast.unparse(target)} ="
        case ast.Import():
            return ast.unparse(statement)
        case ast.ImportFrom():
            return f"from {'.' * statement.level}{statement.module or ''} import"
        case ast.If(test=test):
            return f"if {ast.unparse(test)}"
        case ast.Expr(value=ast.Constant(value=str())):
            return "docstring"
        case ast.Expr(value=ast.Call(func=func)):
            return f"{ast.unparse(func)}()"
        case ast.Return():
            return "return"
        case _:
            return ast.unparse(statement)


def sort_imports(text: str, own: frozenset[str]) -> str:
    """Sort the imports of a module, if they stand together.

    Args:
        text: The module.
        own: Names of the project's own packages.

    Raises:
        SyntaxError: It is none.
        UncertainError: It cannot be split.
    """
    module = split(text, own, width=88)
    return replace(module, parts=tuple(sort(module.parts or ()))).text


def _is_function(statement: ast.stmt) -> bool:
    return isinstance(statement, _FUNCTIONS)


def _is_model(statement: ast.stmt) -> bool:
    """Whether it is a class whose attributes need no order."""
    if not isinstance(statement, ast.ClassDef):
        return False
    return any(ast.unparse(base).endswith(_MODELS) for base in statement.bases) or any(
        "kw_only=True" in ast.unparse(decorator) for decorator in statement.decorator_list
    )


def _elements(value: ast.expr | None) -> Iterator[tuple[str, int, int, bool]]:
    """Give what stands between brackets: its name, first and last line, and if it is loose."""
    match value:
        case ast.Call():
            for argument in value.args:
                yield ast.unparse(argument), argument.lineno, argument.end_lineno or 0, False
            for word in value.keywords:
                key = f"{word.arg}=" if word.arg else ast.unparse(word.value)
                yield key, word.lineno, word.end_lineno or 0, word.arg is not None
        case ast.List() | ast.Tuple() | ast.Set():
            for element in value.elts:
                loose = isinstance(value, ast.Set)
                yield ast.unparse(element), element.lineno, element.end_lineno or 0, loose
        case ast.Dict():
            for name, content in zip(value.keys, value.values, strict=True):
                start = name or content
                yield ast.unparse(start), start.lineno, content.end_lineno or 0, name is not None


def _union(width: int, base: str, ours: str, theirs: str) -> str:
    """Import what both sides import."""
    sides = [_names(text) for text in (base, ours, theirs)]
    was, mine, new = ({*side} for side in sides)
    names = (mine & new) | ((mine | new) - was)
    first = ast.parse(ours.strip()).body[0]
    if not names or not isinstance(first, ast.ImportFrom):
        raise UncertainError
    listed = sorted(names, key=_case)
    if any(side != sorted(side, key=_case) for side in sides):
        listed = [*(name for name in sides[1] if name in names), *sorted(names - mine, key=_case)]
    indent = ours[: len(ours) - len(ours.lstrip(" "))]
    start = f"{indent}from {'.' * first.level}{first.module or ''} import "
    line = f"{start}{', '.join(listed)}\n"
    # Names that stand one on a line stay so.
    if ours.rstrip().endswith(")") or len(line) > width + 1:
        return f"{start}(\n{''.join(f'{indent}    {name},{chr(10)}' for name in listed)}{indent})\n"
    return line


def _names(text: str) -> list[str]:
    if not text.strip():
        return []
    (statement,) = ast.parse(text.strip()).body
    return [ast.unparse(name) for name in getattr(statement, "names", [])]


def _case(name: str) -> tuple[int, str]:
    """Sort as isort does: constants, classes, and the rest."""
    word = name.partition(" ")[0]
    if word.isupper() and len(word) > 1:
        return 0, word
    return (1, word) if word[:1].isupper() else (2, word)


def completed(sides: Sequence[str], merged: str, own: frozenset[str], width: int) -> str:
    """Take back imports that one side had no more use for, and what the other wrote needs.

    Only Python's own library, and those that both sides import from, are certain to be there.

    Args:
        sides: What the template wrote, what the user made of it, what the template writes now.
        merged: What comes of it.
        own: Names of the project's own packages.
        width: How long a line may be.

    Raises:
        SyntaxError: One of them is no module.
        UncertainError: It cannot be split.
    """
    _, *both = sides
    missing = _unknown(merged).difference(*map(_unknown, both))
    imported = [list(_imported(side)) for side in both] if missing else []
    libraries = [{library for library, _, _ in side} for side in imported]
    there = set(sys.stdlib_module_names).union(set.intersection(*libraries) if libraries else ())
    for library, name, line in (found for side in imported for found in side):
        if name in missing and library in there - own:
            merged = _with_import(merged, line, own, width)
            missing.remove(name)
    return merged


def _imported(text: str) -> Iterator[tuple[str, str, str]]:
    """Give what a module imports of libraries: of which one, what it is called, and a line."""
    for node in ast.parse(text).body:
        match node:
            case ast.Import(names):
                for alias in names:
                    library = alias.name.partition(".")[0]
                    line = ast.unparse(ast.Import([alias]))
                    yield library, alias.asname or library, f"{line}\n"
            case ast.ImportFrom(module=str() as module, level=0):
                for alias in node.names:
                    line = ast.unparse(ast.ImportFrom(module, [alias], 0))
                    yield module.partition(".")[0], alias.asname or alias.name, f"{line}\n"


def _with_import(text: str, line: str, own: frozenset[str], width: int) -> str:
    """Import from a module what a line takes from it, too."""
    module, (new,) = split(text, own, width), split(line, own, width).parts or ()
    parts = [*(module.parts or ())]
    place = next((n for n, part in enumerate(parts) if part.key == new.key and part.union), None)
    if place is None:
        parts.insert(next((n for n, part in enumerate(parts) if part.order), len(parts)), new)
    else:
        parts[place] = replace(parts[place], head=_union(width, "", parts[place].head, line))
    return replace(module, parts=tuple(sort(parts))).text


def check(sides: Sequence[str], merged: str) -> None:
    """Expect that a module uses no name that nothing in it gives any more, or not yet.

    Raises:
        UncertainError: It does.
    """
    _, ours, theirs = sides
    for find in (_unknown, _early):
        if found := find(merged) - find(ours) - find(theirs):
            raise UncertainError(", ".join(sorted(found)))


def follow(base: Piece, ours: Piece, theirs: Piece) -> tuple[Piece, Piece]:
    """Put statements that the user moved into a new function there on the other sides too.

    Returns:
        What the template wrote, and what it writes now.

    Raises:
        UncertainError: The template has something between them that cannot follow.
    """
    known = {part.key for side in (base, theirs) for part in side.parts or ()}
    for new in ours.parts or ():
        if new.parts is None or new.key in known:
            continue
        for home in base.parts or ():
            left, there = (
                next((part for part in side.parts or () if part.key == home.key), None)
                for side in (ours, theirs)
            )
            if home.parts and left and left.parts and there and there.parts:
                remaining = {part.code for part in left.parts}
                found = {part.code: part for part in new.parts}
                went = {
                    part.key: found[part.code].key
                    for part in home.parts
                    if part.code in found and part.code not in remaining and part.key != "return"
                }
                # It is called in their place.
                call = [part for part in left.parts if f"{new.key}(" in part.code]
                if went and call:
                    base = _with_moved(base, home, new, went, call)
                    went |= {
                        part.key: found[part.code].key
                        for part in there.parts
                        if part.code in found and part.code not in remaining
                    }
                    went |= _going_along(theirs, home, there, new, went)
                    theirs = _with_moved(theirs, there, new, went, call)
    return base, theirs


def _with_moved(
    module: Piece, home: Piece, new: Piece, went: Mapping[str, str], call: Sequence[Piece]
) -> Piece:
    """Put statements of a function into another, which is made like one of another module."""
    inside = home.parts or ()
    moved = [replace(part, key=went[part.key]) for part in inside if part.key in went]
    first = next((n for n, part in enumerate(inside) if part.key in went), len(inside))
    below = [part for part in inside[first:] if part.key not in went]
    rest = [*inside[:first], *(call if moved else ()), *below]
    parts: list[Piece] = []
    for part in module.parts or ():
        if part.key == home.key:
            parts += [replace(new, parts=tuple(moved)), replace(part, parts=tuple(rest))]
        else:
            parts.append(part)
    return replace(module, parts=tuple(parts))


def _going_along(
    module: Piece, before: Piece, home: Piece, new: Piece, went: Mapping[str, str]
) -> dict[str, str]:
    """Give what the template added between statements that were moved.

    Raises:
        UncertainError: It needs what there is not where they went.
    """
    was = {part.key for part in before.parts or ()}
    keys = [part.key for part in home.parts or ()]
    (function,) = ast.parse(dedent(new.text)).body
    given = {*dir(builtins), *_given(module.text)}
    given |= {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
    found = {}
    for number, part in enumerate(home.parts or ()):
        above = next((key for key in reversed(keys[:number]) if key in was), None)
        below = next((key for key in keys[number:] if key in was), None)
        if part.key not in was and above in went and below in went:
            used = ast.walk(ast.parse(dedent(part.code)))
            if not given.issuperset(node.id for node in used if isinstance(node, ast.Name)):
                raise UncertainError(part.key)
            found[part.key] = part.key
    return found


def lost(base: str, ours: str, theirs: str) -> frozenset[str]:
    """Give the names that a module had for its statements, and that nothing gives any more."""
    was, mine, new = ({*_given(text)} for text in (base, ours, theirs))
    return frozenset(was - new - (mine - was))


def _given(text: str) -> Iterator[str]:
    for statement in ast.parse(text).body:
        yield from _bound(statement)


def modules(text: str, path: PurePosixPath) -> set[str]:
    """Give the files that a module may import, if they are the project's: without their suffix."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.level <= len(path.parents):
            name = (node.module or "").replace(".", "/")
            folder = path.parents[node.level - 1] if node.level else PurePosixPath("src")
            module = folder / name
            found |= {str(module), *(str(module / alias.name) for alias in node.names)}
    return found


def _unknown(text: str) -> set[str]:
    """Give the names in a module that nothing in it binds."""
    used: set[str] = set()
    bound = {*dir(builtins)}
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Name(ctx=ast.Load()):
                used.add(node.id)
            case ast.Name():
                bound.add(node.id)
            case ast.arg():
                bound.add(node.arg)
            case ast.alias():
                bound.add((node.asname or node.name).partition(".")[0])
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                bound.add(node.name)
            case ast.ExceptHandler() | ast.MatchAs() | ast.MatchStar() if node.name:
                bound.add(node.name)
            case ast.MatchMapping() if node.rest:
                bound.add(node.rest)
    return used - bound


def _early(text: str) -> set[str]:
    """Give the names that a module uses while it is imported, above what binds them."""
    bound: dict[str, int] = {}
    body = ast.parse(text).body
    for number, statement in enumerate(body):
        for name in _bound(statement):
            bound.setdefault(name, number)
    return {
        node.id
        for number, statement in enumerate(body)
        for node in _run(statement)
        if isinstance(node, ast.Name) and bound.get(node.id, 0) > number
    }


def _bound(statement: ast.stmt) -> Iterator[str]:
    for node in _run(statement):
        match node:
            case ast.Name(ctx=ast.Store()):
                yield node.id
            case ast.alias():
                yield (node.asname or node.name).partition(".")[0]
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name


def _run(node: ast.AST) -> Iterator[ast.AST]:
    """Give what is run when a module is imported, which the bodies of functions are not."""
    yield node
    if isinstance(node, ast.Lambda):
        return
    inside = {id(each) for each in node.body} if isinstance(node, _FUNCTIONS) else set()
    for child in ast.iter_child_nodes(node):
        if id(child) not in inside:
            yield from _run(child)
