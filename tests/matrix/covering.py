"""Chooses variants that stand for all of them: in which any few answers meet."""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from servicewright.questions import Answer
    from servicewright.variants import Space, Variant

Answers: TypeAlias = tuple[tuple[str, "Answer"], ...]

# How many answers meet in the variants whose suites are run by default.
STRENGTH = 4

# How many of these variants there are at least: all of them, where there are not more.
AT_LEAST = 768

# Among how many variants those of a small set are looked for.
CANDIDATES = 1000


def default_set(every: Space) -> list[Variant]:
    """Choose the variants whose suites are run by default.

    Any four answers that can meet do so in one of them.
    """
    chosen = sample(every, AT_LEAST)
    return chosen + missing(every, chosen, STRENGTH)


def sample(every: Space, number: int) -> list[Variant]:
    """Choose some variants at random, always the same ones; all where there are not so many."""
    if len(every) <= number:
        return list(every)
    return random.Random(0).sample(every, number)  # noqa: S311


def missing(every: Space, chosen: Sequence[Variant], strength: int) -> list[Variant]:
    """Find variants in which those answers meet that do not meet in the chosen ones."""
    if len(chosen) == len(every):
        return []
    # In which of the chosen variants an answer is, as the bits of a number.
    having: dict[tuple[str, Answer], int] = {}
    for number, variant in enumerate(chosen):
        for item in variant.answers.items():
            having[item] = having.get(item, 0) | 1 << number
    added: list[Variant] = []
    for answers in combinations(every, strength):
        met = -1
        for item in answers:
            met &= having.get(item, 0)
        if met == 0 and not any(set(answers) <= other.answers.items() for other in added):
            first = every.first(dict(answers))
            if first is not None:
                added.append(first)
    return added


def combinations(every: Space, strength: int) -> Iterator[Answers]:
    """List the answers to any so many questions, those that never meet among them."""
    for some in itertools.combinations(every.values().items(), strength):
        yield from itertools.product(
            *([(name, answer) for answer in answers] for name, answers in some)
        )


def small_set(every: Space, strength: int) -> list[Variant]:
    """Choose few variants in which any ``strength`` answers meet that can."""
    candidates = sample(every, CANDIDATES)
    candidates += missing(every, candidates, strength)
    met = [set(itertools.combinations(variant.answers.items(), strength)) for variant in candidates]
    wanted = set().union(*met)
    chosen = []
    while wanted:
        best = max(range(len(candidates)), key=lambda number: len(wanted & met[number]))
        chosen.append(candidates[best])
        wanted -= met[best]
    return chosen
