"""Markdown as sections, paragraphs and the rows of tables."""

from __future__ import annotations

from dataclasses import replace

from markdown_it import MarkdownIt

from servicewright.settling.pieces import Piece, leading, lines_of, named


def split(text: str) -> Piece:
    """Split a document."""
    lines = lines_of(text)
    document = Piece("", "", parts=())
    # The sections that are open, with their levels.
    stack: list[tuple[int, Piece, list[Piece]]] = [(0, document, [])]

    def close(level: int) -> None:
        while stack[-1][0] >= level:
            _, section, inside = stack.pop()
            stack[-1][2].append(replace(section, parts=named(inside)))

    begin = 0
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.level or token.map is None or token.nesting < 0:
            continue
        first, last = token.map
        while last > first and not lines[last - 1].strip():
            last -= 1
        gap, before = leading(lines[begin:first])
        whole = before + "".join(lines[first:last])
        begin = last
        if token.type == "heading_open":
            level = int(token.tag[1:])
            close(level)
            title = lines[first].strip("# \n")
            stack.append((level, Piece(title, whole, gap, parts=(), loose=True), []))
        elif token.type == "table_open":
            inside = lines[first + 2 : last]
            rows = [Piece(_cell(line), line, loose=True, apart=True) for line in inside]
            head = before + "".join(lines[first : first + 2])
            stack[-1][2].append(
                Piece(lines[first].strip(), head, gap, parts=named(rows), loose=True)
            )
        else:
            stack[-1][2].append(Piece(whole.strip(), whole, gap))
    close(1)
    return replace(document, parts=named(stack[0][2]), tail="".join(lines[begin:]))


def _cell(row: str) -> str:
    """Name a row by what stands first in it."""
    return row.strip().strip("|").partition("|")[0].strip()
