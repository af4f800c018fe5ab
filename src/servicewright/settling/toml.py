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
    is_requirements = _REQUIREMENTS.fullmatch(name) is not None
    if not isinstance(value, list) or not all(
        isinstance(entry, str) or (is_requirements and _is_group(entry)) for entry in value
    ):
        return piece
    lines = lines_of(whole)
    if len(lines) == 1 and is_requirements and "#" not in whole:
        inside = [f"    {_written(entry)},\n" for entry in value]
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
        is_group = not isinstance(entry, str)
        called = entry
        if is_requirements:
            called = _written(entry) if is_group else _requirement(entry)
        order = ("", called) if loose and not is_group else None
        # What is ignored may be so in any order.
        is_loose = loose or (name.endswith("filterwarnings") and entry.startswith("ignore"))
        entries.append(
            Piece(called, comments + text, space, loose=is_loose, order=order, apart=is_loose)
        )
    return replace(piece, head=before + lines[0], parts=named(entries), tail="".join(lines[begin:]))


def follow(base: Piece, ours: Piece, theirs: Piece) -> tuple[Piece, Piece]:
    """Put requirements that the user moved to other lists into these on the other sides too.

    Returns:
        What the template wrote, and what it writes now.
    """
    homes, new_homes = _homes(base), _homes(ours)
    for name, places in homes.items():
        there = new_homes.get(name, [])
        if len(places) == len(there) == 1 and places != there:
            base, theirs = (
                _moved(side, name, places[0], there[0], ours) for side in (base, theirs)
            )
    return base, theirs


def _homes(document: Piece) -> dict[str, list[tuple[str, str]]]:
    """Give the lists in which each requirement stands."""
    found: dict[str, list[tuple[str, str]]] = {}
    for table in document.parts or ():
        for key in table.parts or ():
            if _REQUIREMENTS.fullmatch(f"{table.key}.{key.key}"):
                for entry in key.parts or ():
                    found.setdefault(entry.key, []).append((table.key, key.key))
    return found


def _moved(
    document: Piece, name: str, before: tuple[str, str], after: tuple[str, str], like: Piece
) -> Piece:
    """Move a requirement to another list, which is made like the one of another document."""
    requirement = _part(_part(_part(document, before[0]), before[1]), name)
    for path, changed in ((before, None), (after, requirement)):
        known_table = _part(like, path[0])
        table = _part(document, path[0]) or (known_table and replace(known_table, parts=()))
        known = _part(known_table, path[1])
        entries = _part(table, path[1]) or (known and replace(known, parts=()))
        if table is None or entries is None:
            return document
        document = _with(document, _with(table, _with(entries, changed, name)))
    return document


def _part(piece: Piece | None, key: str) -> Piece | None:
    return next((part for part in (piece and piece.parts) or () if part.key == key), None)


def _with(piece: Piece, part: Piece | None, key: str = "") -> Piece:
    """Give a piece with another part of a name, a new one at the end, or without the part."""
    key = part.key if part else key
    parts = [part if part and each.key == key else each for each in piece.parts or ()]
    if part is None:
        parts = [each for each in parts if each.key != key]
    elif part not in parts:
        parts.append(part)
    return replace(piece, parts=tuple(parts))


def _is_group(entry: Any) -> bool:
    return isinstance(entry, dict) and [*entry] == ["include-group"]


def _written(entry: Any) -> str:
    """Write an entry of a list."""
    if _is_group(entry):
        return f"{{ include-group = {json.dumps(entry['include-group'])} }}"
    return json.dumps(entry, ensure_ascii=False)


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
