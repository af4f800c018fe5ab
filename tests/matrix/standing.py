"""Chooses the variants that are looked at where there are too many to look at all of them.

In them any four answers meet that can, and every file of the template takes every form that it can
have. What a form depends on is not guessed: it follows from what the file looks up.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import service

from matrix.covering import missing, sample

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

    from matrix.forms import Look, Project
    from servicewright.questions import Answer
    from servicewright.variants import Space, Variant

# Up to so many variants all are looked at.
ALL = 2000

# So many are chosen at random, half of them with one framework and the same with the other.
AT_LEAST = 768

# How many answers meet in those that are chosen, besides.
STRENGTH = 4

# Of so many forms a file is seen in all; of more it is left to the answers that meet.
MOST_FORMS = 500


class Standing(NamedTuple):
    """The variants that stand for all.

    Attributes:
        names: Their ids.
        all: How many variants there are.
        unseen: The files of the template that may have forms which none of these variants has.
    """

    names: list[str]
    all: int
    unseen: list[str]

    def __str__(self) -> str:
        """Say what was looked at."""
        if len(self.names) == self.all:
            return f"All {self.all} variants were rendered and read."
        return (
            f"{len(self.names)} of {self.all} variants were rendered and read: any {STRENGTH} "
            "answers meet in them, and each file of the template has all its forms but "
            f"{', '.join(self.unseen)}."
        )


def standing(every: Space, project: Callable[[Variant], Project]) -> Standing:
    """Choose the variants.

    Args:
        every: All variants.
        project: Gives what the template writes for a variant.
    """
    if len(every) <= ALL:
        return Standing([variant.id for variant in every], len(every), [])
    some = with_others(every, sample(every, AT_LEAST // 2))
    seen = Seen(every, project)
    for variant in (*some, *missing(every, some, STRENGTH)):
        seen.add(variant)
    unseen = [file for file in list(seen.looks) if not seen.complete(file)]
    return Standing(list(seen.chosen), len(every), unseen)


def with_others(every: Space, some: Iterable[Variant]) -> list[Variant]:
    """Give variants, each with those that differ from it in the framework alone."""
    found = (
        every.first({**variant.answers, "framework": framework})
        for variant in some
        for framework in every.values()["framework"]
    )
    return list({variant.id: variant for variant in found if variant is not None}.values())


class Seen:
    """What is known of the forms of files in the variants that are chosen.

    Attributes:
        chosen: The variants.
        looks: For each file of the template all that it looks up in any of them.
    """

    def __init__(self, every: Space, project: Callable[[Variant], Project]) -> None:
        self._every = every
        self._project = project
        self._looks: dict[str, Mapping[str, tuple[Look, ...]]] = {}
        self._values: dict[Look, Hashable] = {}
        self._differing: set[Look] = set()
        self.chosen: dict[str, Variant] = {}
        self.looks: dict[str, set[Look]] = defaultdict(set)

    def add(self, variant: Variant) -> None:
        """Choose a variant."""
        project = self._project(variant)
        self.chosen[variant.id] = variant
        self._looks[variant.id] = project.looks
        for file, looks in project.looks.items():
            self.looks[file].update(looks)
        for look, value in project.values.items():
            if self._values.setdefault(look, value) != value:
                self._differing.add(look)

    def complete(self, file: str) -> bool:
        """Choose variants until a file takes all its forms, unless that may be too many."""
        todo: list[dict[str, Answer | None]] = [{}]
        while todo:
            answers = todo.pop()
            variant = self._having(answers)
            if variant is None:
                continue
            read = {name for look in self.looks[file] for name in self._questions(look)}
            if math.prod(len(self._every.values()[name]) for name in read) > MOST_FORMS:
                return False
            # The same answers to all that it looks up give the same form; others may give another.
            more = [
                name
                for look in self._looks[variant.id][file]
                for name in self._questions(look)
                if name not in answers
            ]
            if more:
                values = (*self._every.values()[more[0]], None)
                todo += [{**answers, more[0]: value} for value in values]
        return True

    def _having(self, answers: Mapping[str, Answer | None]) -> Variant | None:
        """Give a chosen variant with some answers, where None is for a question that is not asked.

        Where none is chosen that has them, one is, if there is any.
        """
        for variant in self.chosen.values():
            if all(variant.answers.get(name) == answer for name, answer in answers.items()):
                return variant
        found = self._every.first(answers)
        if found is not None:
            self.add(found)
        return found

    def _questions(self, look: Look) -> Sequence[str]:
        """Name the questions on which it depends what is found."""
        varied = self._every.values()
        if look[0] == "when":
            ways = service.WHEN[look[1]]
            return [name for name in varied if any(name in way for way in ways)]
        if look[0] in varied:
            return [look[0]]
        # It may depend on all of them, unless it has been the same everywhere.
        return list(varied) if look in self._differing else []
