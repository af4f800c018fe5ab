"""YAML as keys and the entries of lists."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

import yaml

from servicewright.settling.pieces import Piece, UncertainError, leading, lines_of, named

if TYPE_CHECKING:
    from collections.abc import Sequence

# What entries of lists are told from each other by.
_NAMES = ("name", "id", "key")


def split(text: str) -> Piece:
    """Split a document.

    Raises:
        yaml.YAMLError: It is none, or more than one.
    """
    lines = lines_of(text)
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if node is None:
        raise UncertainError
    parts, tail = _inside(node, lines, 0, len(lines))
    return Piece("", "", parts=parts, tail=tail)


def _inside(
    node: yaml.Node, lines: Sequence[str], begin: int, end: int
) -> tuple[tuple[Piece, ...], str]:
    """Split the lines of a mapping or a list, and give what is left after the last piece."""
    children: list[tuple[str, int, yaml.Node, bool]] = []
    if isinstance(node, yaml.MappingNode) and not node.flow_style:
        for key, value in node.value:
            children.append((str(key.value), key.start_mark.line, value, True))
    elif isinstance(node, yaml.SequenceNode) and not node.flow_style:
        for item in node.value:
            line = item.start_mark.line
            if not lines[line].lstrip().startswith("-"):
                raise UncertainError
            children.append((_name(item), line, item, False))
    else:
        raise UncertainError
    starts = [line for _, line, _, _ in children]
    # What an alias stands for is elsewhere.
    if not starts or starts != sorted({*starts}) or not begin <= starts[0] <= starts[-1] < end:
        raise UncertainError
    column = len(lines[starts[0]]) - len(lines[starts[0]].lstrip())
    ends = [_end(lines, start, column) for start in [*starts[1:], end]]
    pieces, position = [], begin
    for (key, start, value, loose), stop in zip(children, ends, strict=True):
        gap, before = leading(lines[position:start])
        piece = Piece(key, before + "".join(lines[start:stop]), gap, loose=loose)
        # In a mapping the value is below its key; in a list the first key is on the entry's line.
        first = start + 1 if loose else start
        with contextlib.suppress(UncertainError):
            parts, tail = _inside(value, lines, first, stop)
            piece = replace(
                piece, head=before + "".join(lines[start:first]), parts=parts, tail=tail
            )
        pieces.append(piece)
        position = stop
    return named(pieces), "".join(lines[position:end])


def _end(lines: Sequence[str], following: int, column: int) -> int:
    """Give where a piece ends: blank lines and comments above the next one are that one's."""
    end = following
    while end and (
        not (line := lines[end - 1]).strip()
        or (line.lstrip().startswith("#") and len(line) - len(line.lstrip()) <= column)
    ):
        end -= 1
    return end


def _name(item: yaml.Node) -> str:
    """Name an entry of a list."""
    if isinstance(item, yaml.MappingNode):
        for key, value in item.value:
            if key.value in _NAMES and isinstance(value, yaml.ScalarNode):
                return str(value.value)
    return yaml.serialize(item).strip()
