"""Files of lines: variables, names of files, and what an image is made of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from servicewright.settling.pieces import (
    Piece,
    UncertainError,
    headings,
    leading,
    lines_of,
    named,
)

if TYPE_CHECKING:
    from collections.abc import Callable

# Instructions of which a stage has one.
_SINGLE = {"CMD", "ENTRYPOINT", "EXPOSE", "HEALTHCHECK", "STOPSIGNAL", "USER", "WORKDIR"}
_NAMED = {"ARG", "ENV", "LABEL"}


def split_variables(text: str) -> Piece:
    """Split a file of lines such as NAME=value, comments above them included."""
    return _split(text, lambda line: line.partition("=")[0].strip(), loose=True)


def split_names(text: str) -> Piece:
    """Split a list of names of files that something leaves out."""
    # One that is taken in again must come after what left it out.
    return _split(text, str.strip, loose="\n!" not in f"\n{text}")


def split_image(text: str) -> Piece:
    """Split a Dockerfile into stages and these into instructions."""
    if re.search(r"^\s*#\s*escape=|<<[-~]?['\"A-Za-z]", text, re.MULTILINE):
        raise UncertainError
    stages: list[Piece] = []
    lines = lines_of(text)
    head, gap, name, parts = "", "", "", list[Piece]()
    begin = number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        first = number - 1
        while lines[number - 1].rstrip().endswith("\\") and number < len(lines):
            number += 1
        space, before = leading(lines[begin:first])
        whole = before + "".join(lines[first:number])
        begin = number
        words = line.split()
        word = words[0].upper()
        if word == "FROM":
            if head or parts:
                stages.append(Piece(name, head, gap, parts=named(parts)))
            alias = words[-2].upper() == "AS" if len(words) > 3 else False  # noqa: PLR2004
            name = words[-1] if alias else "FROM"
            head, gap, parts = whole, space, []
        else:
            parts.append(Piece(_instruction(word, words, whole), whole, space))
    stages.append(Piece(name, head, gap, parts=named(parts)))
    return Piece("", "", parts=named(stages), tail="".join(lines[begin:]))


def _instruction(word: str, words: list[str], whole: str) -> str:
    """Name an instruction."""
    if word in _SINGLE:
        return word
    if word in _NAMED and len(words) > 1:
        return f"{word} {words[1].partition('=')[0]}"
    return whole.strip()


def _split(text: str, name: Callable[[str], str], *, loose: bool) -> Piece:
    lines = lines_of(text)
    pieces: list[Piece] = []
    begin = 0
    for number, line in enumerate(lines):
        if line.strip() and not line.lstrip().startswith("#"):
            found, rest = headings(lines[begin:number])
            pieces += found
            gap, before = leading(rest)
            pieces.append(Piece(name(line), before + line, gap, loose=loose, apart=True))
            begin = number + 1
    return Piece("", "", parts=named(pieces), tail="".join(lines[begin:]))
