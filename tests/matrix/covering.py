"""Chooses variants that stand for all of them: in which any few answers meet."""

from __future__ import annotations

import heapq
import itertools
import math
import random
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from servicewright.questions import Answer
    from servicewright.variants import Space, Variant

Answers: TypeAlias = tuple[tuple[str, "Answer"], ...]

# Of how many variants the suites are run by default: any three answers meet in so many.
SUITES = 60

# In how many ways questions are taken together at most to see which of their answers meet.
WAYS = 1500

# Among how many variants those of a small set are looked for.
CANDIDATES = 1000


def default_set(every: Space, most: int = SUITES) -> list[Variant]:
    """Choose the variants whose suites are run by default, as many as there is time for.

    Any so many answers that can meet do so in one of them, for the largest number for which there
    is time; then most of the answers to one question more, as long as there is time left.
    """
    chosen: list[Variant] = []
    questions = len(every.values())
    for strength in range(1, questions + 1):
        if math.comb(questions, strength) > WAYS:
            break
        alone = small_set(every, strength, most=most + 1)
        if len(alone) > most:
            chosen += small_set(every, strength, chosen, most - len(chosen))
            break
        chosen = alone
    known = {variant.id for variant in chosen}
    others = (variant for variant in sample(every, most) if variant.id not in known)
    return [*chosen, *itertools.islice(others, most - len(chosen))]


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


def small_set(
    every: Space, strength: int, chosen: Sequence[Variant] = (), most: int | None = None
) -> list[Variant]:
    """Choose few variants in which any ``strength`` answers meet that can.

    Args:
        every: The variants to choose from.
        strength: How many answers meet.
        chosen: Variants that are chosen already.
        most: How many to choose at most, those first in which most answers meet; all that are
            needed unless it is given.
    """
    candidates = sample(every, CANDIDATES)
    candidates += missing(every, candidates, strength)
    # Numbers for answers, for those that meet, and for all that meet in a variant: as its bits.
    items: dict[tuple[str, Answer], int] = {}
    bits: dict[tuple[int, ...], int] = {}
    met = []
    for variant in (*candidates, *chosen):
        answers = [items.setdefault(item, len(items)) for item in variant.answers.items()]
        together = itertools.combinations(answers, strength)
        met.append(sum(1 << bits.setdefault(some, len(bits)) for some in together))
    wanted = (1 << len(bits)) - 1
    for number in range(len(candidates), len(met)):
        wanted &= ~met[number]
    # How much each brought when that was last looked at: now it brings no more than then.
    waiting = [(-(met[number] & wanted).bit_count(), number) for number in range(len(candidates))]
    heapq.heapify(waiting)
    added: list[Variant] = []
    while wanted and len(added) != most:
        before, best = waiting[0]
        now = -(met[best] & wanted).bit_count()
        heapq.heapreplace(waiting, (now, best))
        if now == before:
            added.append(candidates[best])
            wanted &= ~met[best]
    return added
