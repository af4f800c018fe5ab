"""Names, texts and numbers that one side changed in code that it left as it was otherwise.

Where the other side left these very words alone, its code has them changed too, whatever else it
changed around them.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

_TOKEN = re.compile(
    r"""[rbfuRBFU]{0,2}(?:\"{3}(?:.|\n)*?\"{3}|'{3}(?:.|\n)*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')"""
    r"""|\#.*|\w+|[^\w\s]"""
)
# A word has to stand between so many others that both sides left alone.
_AROUND = 2
# What is longer takes too long to compare.
_MOST = 4000

Edit: TypeAlias = tuple[int, int, str]
"""Where something is put in a text: from which letter to which, and what."""


def words(text: str) -> list[str]:
    """Give the words of a text, and what stands between them."""
    return _TOKEN.findall(text)


def replaced(before: str, after: str) -> list[str] | None:
    """Give the words that are others now; None if anything else differs."""
    was, now = words(before), words(after)
    return [was[number] for number in _differences(was, now)] if _is_alike(was, now) else None


def edits(base: str, reworded: str, code: str) -> list[Edit] | None:
    """Give what is to be put where in a text, to change the words that another side changed.

    Args:
        base: What both sides were.
        reworded: The side that changed words alone.
        code: The side that changed anything.

    Returns:
        The edits in ``code``, from its beginning on; None if ``reworded`` has more changed, or if
        ``code`` does not have the words as they were, in the places where they were.
    """
    was, mine, theirs = (list(_TOKEN.finditer(text)) for text in (base, reworded, code))
    old, new, other = ([token[0] for token in side] for side in (was, mine, theirs))
    if len(old) > _MOST or len(other) > _MOST or not _is_alike(old, new):
        return None
    matcher = SequenceMatcher(None, old, other, autojunk=False)
    places: dict[int, int] = {}
    for begin, place, size in matcher.get_matching_blocks():
        places |= {begin + number: place + number for number in range(size)}
    found: list[Edit] = []
    for number in _differences(old, new):
        near = range(max(number - _AROUND, 0), min(number + _AROUND + 1, len(old)))
        if any(places.get(each) != places.get(number, -9) + each - number for each in near):
            return None
        token = theirs[places[number]]
        found.append((token.start(), token.end(), new[number]))
    return found


def _is_alike(before: Sequence[str], after: Sequence[str]) -> bool:
    """Whether both consist of the same but for words, which only changed places in neither."""
    if len(before) != len(after):
        return False
    pairs = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
    return all(_kind(was) == _kind(now) != "" for was, now in pairs) and {
        was for was, _ in pairs
    }.isdisjoint(now for _, now in pairs)


def _kind(token: str) -> str:
    """Say what sort of word it is; nothing for what is none."""
    if token.startswith("#"):
        return "comment"
    if token[-1] in "\"'":
        return "text"
    return "name" if token.isidentifier() else "number" if token[0].isdigit() else ""


def _differences(before: Sequence[str], after: Sequence[str]) -> list[int]:
    return [n for n, (was, now) in enumerate(zip(before, after, strict=True)) if was != now]
