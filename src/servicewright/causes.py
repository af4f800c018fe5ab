"""Finds the answers that make variants fail: the smallest sets that tell them from the others."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from servicewright.questions import Answer

    Answers: TypeAlias = Mapping[str, Answer]


@dataclass(frozen=True)
class Cause:
    """Answers that variants which fail have in common, and no variant that passes has.

    Attributes:
        sets: The smallest such sets; each of them tells the failing variants from the passing ones.
        count: How many of the variants fail that have the answers of such a set.
    """

    sets: tuple[Answers, ...]
    count: int

    def __str__(self) -> str:
        """Say it in words."""
        sets = [
            " ".join(f"{name}={_word(value)}" for name, value in one.items()) for one in self.sets
        ]
        return f"{' or '.join(filter(None, sets)) or 'every variant'} ({self.count} fail)"


def causes(failing: Sequence[Answers], passing: Sequence[Answers]) -> list[Cause]:
    """Find the smallest sets of answers that all failing variants share and no passing one has.

    Where one such set cannot explain all that fail, there are several causes: the one that explains
    most comes first.

    Args:
        failing: The answers of each variant that fails.
        passing: The answers of each variant that passes, none of which is among the others.
    """
    if not failing:
        return []
    shared = [
        (name, answer)
        for name, answer in failing[0].items()
        if all(variant.get(name) == answer for variant in failing)
    ]
    if sets := _telling(shared, passing):
        return [Cause(tuple(map(dict, sets)), len(failing))]
    # Each failing variant offers the sets that tell it from all that pass.
    explained: defaultdict[tuple[tuple[str, Answer], ...], set[int]] = defaultdict(set)
    for variant in failing:
        for telling in _telling(list(variant.items()), passing):
            if telling not in explained:
                explained[telling] = {
                    number
                    for number, other in enumerate(failing)
                    if dict(telling).items() <= other.items()
                }
    found = []
    left = set(range(len(failing)))
    while left:
        most = max(len(numbers & left) for numbers in explained.values())
        best = [(telling, own) for telling, own in explained.items() if len(own & left) == most]
        smallest = min(len(telling) for telling, _ in best)
        first = next(own for telling, own in best if len(telling) == smallest)
        alike = [
            dict(telling) for telling, own in best if len(telling) == smallest and own == first
        ]
        found.append(Cause(tuple(alike), len(first)))
        left -= first
    return found


def _telling(
    items: Sequence[tuple[str, Answer]], passing: Iterable[Answers]
) -> list[tuple[tuple[str, Answer], ...]]:
    """List the smallest sets out of some answers that no passing variant has whole."""
    # Of each passing variant, which of the answers it lacks: a set must hold one of them.
    lacking = {
        frozenset(item for item in items if item not in variant.items()) for variant in passing
    }
    for size in range(len(items) + 1):
        sets = [
            chosen
            for chosen in combinations(items, size)
            if not any(lacked.isdisjoint(chosen) for lacked in lacking)
        ]
        if sets:
            return sets
    return []


def _word(answer: Answer) -> str:
    """Write an answer as it is typed."""
    return {True: "yes", False: "no"}[answer] if isinstance(answer, bool) else str(answer)
