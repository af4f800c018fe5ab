"""TOML as tables, keys and the entries of lists."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from servicewright.settling.pieces import Piece, leading, lines_of, named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Lists of requirements, by the last or the first part of the name of the table or key.
_REQUIREMENTS = re.compile(
    r"(project\.)?(dependencies|optional-dependencies\..*|dependency-groups\..*)"
)
# Other lists that are read as sets.
_SETS = re.compile(
    r".*\b(classifiers|keywords|markers|(extend-)?(select|ignore|exclude|per-file-ignores\..*))"
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def split(text: str) -> Piece:
    """Split a document.

    Raises:
        ValueError: It is none.
    """
    tomllib.loads(text)
    table: list[Piece] = []
    tables: list[tuple[str, str, str, list[Piece]]] = [("", "", "", table)]
    path: tuple[str, ...] = ()
    lines = lines_of(text)
    begin = 0
    for first, last in _statements(lines, "", ""):
        gap, before = leading(lines[begin:first])
        whole = "".join(lines[first:last])
        begin = last
        if whole.lstrip().startswith("["):
            path = _path(tomllib.loads(whole))
            table = []
            tables.append((whole.partition("#")[0].strip(), before + whole, gap, table))
        else:
            table.append(_entry(whole, before, gap, path))
    parts = [
        Piece(_name_of(name, pieces), head, gap, named(pieces), loose=not name.startswith("[["))
        for name, head, gap, pieces in tables
    ]
    # What stands before the first table has no name of its own.
    return Piece("", "", parts=named(parts), tail="".join(lines[begin:]))


def _statements(lines: Sequence[str], before: str, after: str) -> Iterator[tuple[int, int]]:
    """Find what stands between blank lines and comments: as few lines as can be read alone."""
    begin: int | None = None
    for number, line in enumerate(lines):
        if begin is None and (not line.strip() or line.lstrip().startswith("#")):
            continue
        begin = number if begin is None else begin
        try:
            tomllib.loads(before + "".join(lines[begin : number + 1]) + after)
        except ValueError:
            continue
        yield begin, number + 1
        begin = None


def _entry(whole: str, before: str, gap: str, table: tuple[str, ...]) -> Piece:
    """Make a piece of a key with its value."""
    value: Any = tomllib.loads(whole)
    keys = _path(tomllib.loads(f"{whole.partition('=')[0]}= 0"))
    for name in keys:
        value = value[name]
    piece = Piece(".".join(keys), before + whole, gap, loose=True)
    name = ".".join((*table, *keys))
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        return piece
    is_requirements = _REQUIREMENTS.fullmatch(name) is not None
    lines = lines_of(whole)
    if len(lines) == 1 and is_requirements and "#" not in whole:
        inside = [f"    {json.dumps(entry, ensure_ascii=False)},\n" for entry in value]
        lines = [f"{whole.partition('=')[0].rstrip()} = [\n", *inside, "]\n"]
    if not lines[0].rstrip().endswith("[") or lines[-1].strip() != "]":
        return piece
    loose = is_requirements or _SETS.fullmatch(name) is not None
    entries, begin = [], 1
    for first, last in _statements(lines[1:-1], "x = [\n", "]"):
        space, comments = leading(lines[begin : first + 1])
        text = "".join(lines[first + 1 : last + 1])
        begin = last + 1
        (entry,) = tomllib.loads(f"x = [\n{text}]")["x"]
        if not text.partition("#")[0].rstrip().endswith(","):
            # The last one; more may follow.
            text = f"{text.rstrip()},\n"
        called = _requirement(entry) if is_requirements else entry
        order = ("", called) if loose else None
        entries.append(Piece(called, comments + text, space, loose=loose, order=order, apart=loose))
    return replace(piece, head=before + lines[0], parts=named(entries), tail="".join(lines[begin:]))


def _path(found: Any) -> tuple[str, ...]:
    """Give the names that a statement alone is about."""
    path: list[str] = []
    while isinstance(found, dict) and found:
        ((name, found),) = found.items()
        path.append(name)
        if isinstance(found, list):
            (found,) = found
    return tuple(path)


def _requirement(entry: str) -> str:
    """Name a requirement: the distribution, and where it is needed."""
    match = _NAME.match(entry)
    name = re.sub(r"[-_.]+", "-", match[0]).lower() if match else entry
    return name + entry[entry.find(";") :] if ";" in entry else name


def _name_of(header: str, pieces: Sequence[Piece]) -> str:
    """Name a table; one of several of a name by its first key."""
    if header.startswith("[["):
        return f"{header} {pieces[0].text.strip()}" if pieces else header
    return header.strip("[]")
