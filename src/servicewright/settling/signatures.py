"""The first lines of functions, which parameters of both sides meet in."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from textwrap import dedent, indent

from servicewright.settling.pieces import UncertainError, one


@dataclass(frozen=True)
class _Signature:
    """What a function's first lines say: decorators, its name, what it takes and what it gives."""

    above: str
    name: str
    parameters: dict[str, str]
    keywords: frozenset[str]
    returns: str
    is_long: bool


def union(width: int, base: str, ours: str, theirs: str) -> str:
    """Give a function the parameters that both sides want it to have.

    Args:
        width: How long a line may be.
        base: The first lines as they were.
        ours: What the user made of them.
        theirs: What the template did.

    Raises:
        UncertainError: Both changed the same in other ways.
    """
    was, mine, new = (_read(text) for text in (base, ours, theirs))
    above, name, returns = (
        one(getattr(was, part), getattr(mine, part), getattr(new, part), part)
        for part in ("above", "name", "returns")
    )
    sides = [side.parameters for side in (was, mine, new)]
    parameters: dict[str, str] = {}
    for key in {**sides[0], **sides[1], **sides[2]}:
        before, here, there = (side.get(key, "") for side in sides)
        parameters[key] = one(before, here, there, key)
    order = [key for key in new.parameters if parameters[key]]
    for before, key in zip(["", *mine.parameters], mine.parameters, strict=False):
        if parameters[key] and key not in order:
            order.insert(order.index(before) + 1 if before in order else len(order), key)
    keywords = [key for key in order if key in mine.keywords | new.keywords]
    listed = [parameters[key] for key in order if key not in keywords]
    listed += ["*", *(parameters[key] for key in keywords)] if keywords else []
    margin = ours[: len(ours) - len(ours.lstrip(" "))]
    text = indent(_written(f"{above}{name}", listed, returns, width - len(margin), mine), margin)
    if [*_read(text).parameters] != [*(key for key in order if key not in keywords), *keywords]:
        raise UncertainError(name)
    return text


def _written(start: str, listed: list[str], returns: str, width: int, like: _Signature) -> str:
    """Write first lines as ruff does."""
    line = f"{start}({', '.join(listed)}){returns}:\n"
    if not like.is_long and len(line.splitlines()[-1]) <= width:
        return line
    inside = f"    {', '.join(listed)}\n"
    if like.is_long or len(inside) > width + 1:
        inside = "".join(f"    {each},\n" for each in listed)
    return f"{start}(\n{inside}){returns}:\n"


def _read(text: str) -> _Signature:
    source = f"{dedent(text)}    pass\n"
    try:
        (node,) = ast.parse(source).body
    except (SyntaxError, ValueError) as error:
        raise UncertainError from error
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or "#" in text:
        raise UncertainError
    taken = node.args
    if taken.posonlyargs or taken.vararg or taken.kwarg or len(node.body) > 1:
        raise UncertainError

    def written(part: ast.AST) -> str:
        return ast.get_source_segment(source, part) or ""

    first = len(taken.args) - len(taken.defaults)
    defaults = [*([None] * first), *taken.defaults, *taken.kw_defaults]
    parameters = {}
    for argument, default in zip([*taken.args, *taken.kwonlyargs], defaults, strict=True):
        equals = " = " if argument.annotation else "="
        parameters[argument.arg] = written(argument) + (
            equals + written(default) if default else ""
        )
    lines = source.splitlines(keepends=True)
    return _Signature(
        above="".join(lines[: node.lineno - 1]),
        name=lines[node.lineno - 1].partition("(")[0],
        parameters=parameters,
        keywords=frozenset(each.arg for each in taken.kwonlyargs),
        returns=f" -> {written(node.returns)}" if node.returns else "",
        is_long=any(line.rstrip().endswith(",") for line in lines[node.lineno :]),
    )
