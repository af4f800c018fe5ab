"""Settles conflicts that are such only because both sides wrote next to each other.

What git leaves is looked at again, with a parser of the file's language: as requirements, settings,
imports and rows instead of lines. Only what is certain is settled, and what comes of it is read
again before it is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import yaml

from servicewright.settling import lines, markdown, python, toml, yml
from servicewright.settling.pieces import Merge, UncertainError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from servicewright.settling.pieces import Piece

_BY_SUFFIX: dict[str, Callable[[str], Piece]] = {
    ".toml": toml.split,
    ".yaml": yml.split,
    ".yml": yml.split,
    ".md": markdown.split,
}
_BY_NAME: dict[str, Callable[[str], Piece]] = {
    "Dockerfile": lines.split_image,
    ".env.example": lines.split_variables,
    ".gitignore": lines.split_names,
    ".dockerignore": lines.split_names,
}


@dataclass(frozen=True)
class Settled:
    """What comes of a conflict that could be settled.

    Attributes:
        text: What the file is.
        places: The names of the parts in which both sides changed something.
        left_out: The names of those that the template changed and the user deleted.
        kept: The names of those that the template gives up and the user changed.
        worded: The names of those with words for people that both changed, and that are the user's.
        given_up: The names of those that the template gives up, where the user changed such words.
    """

    text: str
    places: tuple[str, ...]
    left_out: tuple[str, ...]
    kept: tuple[str, ...] = ()
    worded: tuple[str, ...] = ()
    given_up: tuple[str, ...] = ()


@dataclass(frozen=True)
class Project:
    """What the settling of Python modules depends on.

    Attributes:
        packages: Names of the project's own packages, which are sorted behind those of others.
        width: How long a line may be.
        gone: Files that one of the sides had and that are not there any more.
    """

    packages: frozenset[str] = frozenset()
    width: int = 88
    gone: frozenset[str] = frozenset()


_UNKNOWN = Project()


def completed(name: str, sides: Sequence[str], merged: str, *, project: Project = _UNKNOWN) -> str:
    """Take back imports in what git merged by lines, where what the user wrote needs them.

    Args:
        name: The file.
        sides: What the template wrote, what the user made of it, what the template writes now.
        merged: What git made of that.
        project: What modules depend on.
    """
    if not name.endswith(".py"):
        return merged
    try:
        return python.completed(sides, merged, project.packages, project.width)
    except (UncertainError, ValueError, SyntaxError, RecursionError):
        return merged


def settle(
    name: str, base: str, ours: str, theirs: str, *, project: Project = _UNKNOWN
) -> Settled | None:
    """Settle a conflict in a file.

    Args:
        name: The file.
        base: What the template wrote.
        ours: What the user made of it.
        theirs: What the template writes now.
        project: What modules depend on.

    Returns:
        The file, or None when it is for the user to say what it should be.
    """
    path = PurePosixPath(name)
    split = _BY_NAME.get(path.name) or _BY_SUFFIX.get(path.suffix)
    if path.suffix == ".py":
        split = partial(python.split, own=project.packages, width=project.width)
    texts = [side if side.endswith("\n") else f"{side}\n" for side in (base, ours, theirs)]
    if split is None or any("\r" in side for side in texts):
        return None
    # Prose works without the template's; code does not.
    merge = Merge(forgiving=path.suffix == ".md", follows_words=path.suffix == ".py")
    try:
        base_piece, our_piece, their_piece = (split(side) for side in texts)
        if path.suffix == ".toml":
            base_piece, their_piece = toml.follow(base_piece, our_piece, their_piece)
        if path.suffix == ".py":
            base_piece, their_piece = python.follow(base_piece, our_piece, their_piece)
            merge.lost = python.lost(*texts)
        merged = merge.merge(base_piece, our_piece, their_piece)
        if _texts(merged) != _texts(split(merged.text)):
            return None
        text = merged.text
        if path.suffix == ".py":
            text = python.completed(texts, text, project.packages, project.width)
            python.check(texts, text)
            if any(f"{module}.py" in project.gone for module in python.modules(text, path)):
                return None
    except (UncertainError, ValueError, SyntaxError, RecursionError, yaml.YAMLError):
        return None
    places = tuple(dict.fromkeys(place or path.name for place in merge.settled))
    return Settled(
        text,
        places,
        left_out=tuple(merge.left_out),
        kept=tuple(merge.kept),
        worded=tuple(dict.fromkeys(merge.worded)),
        given_up=tuple(merge.given_up),
    )


def _texts(piece: Piece) -> list[tuple[int, str]]:
    """Give all texts in a piece, and how deep they are."""
    return sorted((len(path), text) for path, text in piece.leaves())
