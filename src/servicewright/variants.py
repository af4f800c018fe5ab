"""The variants of the template: every combination of the answers that can be listed.

They are computed from copier.yml, so a new question or a new answer is in the list, and in every
test that goes through it, from the moment it is asked. There may be many millions: each is made
only when it is looked at.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeVar, overload

from servicewright import questions
from servicewright.errors import TemplateError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from servicewright.questions import Answer, Question

# Closed questions that describe a project as its name does: they choose no part of the service.
NOT_VARIED = ("python_version",)

# What a question answers when it asks for nothing. Such answers have no part in a variant's id.
OFF = (False, "none")

# Of so many variants at most, each part is chosen to have every answer as often as any other part.
# Parts of more have that without choosing.
BALANCED = 20_000

T = TypeVar("T")


@dataclass(frozen=True)
class Variant:
    """One combination of answers.

    Attributes:
        id: A name for it that no other variant has, fit for a file name: what is on, in the order
            of copier.yml, as in ``flask-settings-sqlite-docker``.
        answers: The answer to each question that makes up the variants and is asked in this one.
    """

    id: str
    answers: Mapping[str, Answer]


class Space(Sequence[Variant]):
    """All variants of a template, in the order of copier.yml: the last question varies fastest.

    Its length, one variant of it and a random sample cost the same however many there are.

    Args:
        asked: All questions of the template.

    Raises:
        TemplateError: Two variants would have the same id, or a condition is not about answers.
    """

    def __init__(self, asked: Iterable[Question]) -> None:
        asked = list(asked)
        self._defaults = {question.name: question.default for question in asked}
        for question in asked:
            if unknown := question.condition.names - self._defaults.keys():
                raise TemplateError(
                    f"{question.name} is asked depending on {min(unknown)}, which is no question."
                )
        self._varied = [
            question
            for question in asked
            if question.answers is not None and question.name not in NOT_VARIED
        ]
        self._names = names(self._varied)
        # Which answers the number of variants below a question depends on: those that conditions
        # from there on read.
        self._read = [
            sorted({name for later in self._varied[depth:] for name in later.condition.names})
            for depth in range(len(self._varied) + 1)
        ]
        self._sizes: dict[tuple[object, ...], int] = {}

    def __len__(self) -> int:
        """Count the variants."""
        return self._size({})

    @overload
    def __getitem__(self, index: int) -> Variant: ...

    @overload
    def __getitem__(self, index: slice) -> list[Variant]: ...

    def __getitem__(self, index: int | slice) -> Variant | list[Variant]:
        """Make the variant with a number, or those with some numbers."""
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        left = index + len(self) if index < 0 else index
        if not 0 <= left < len(self):
            raise IndexError(index)
        answers: dict[str, Answer | None] = {}
        for question in self._varied:
            for answer in self._choices(question, answers):
                answers[question.name] = answer
                size = self._size(answers)
                if left < size:
                    break
                left -= size
        return self._variant(answers)

    def __iter__(self) -> Iterator[Variant]:
        """Make all variants, one after the other."""
        return self._below({})

    def named(self, name: str) -> Variant:
        """Make the variant with an id.

        Raises:
            KeyError: There is none.
        """
        parts = [part for part in reversed(name.split("-")) if part]
        answers: dict[str, Answer | None] = {}
        for question in self._varied:
            choices = self._choices(question, answers)
            fitting = [
                answer
                for answer in choices
                if parts and self._names.get((question.name, answer)) == parts[-1]
            ]
            if fitting:
                parts.pop()
            else:
                fitting = [answer for answer in choices if answer is None or answer in OFF]
            if not fitting:
                raise KeyError(name)
            answers[question.name] = fitting[0]
        if parts:
            raise KeyError(name)
        return self._variant(answers)

    def first(self, wanted: Mapping[str, Answer | None]) -> Variant | None:
        """Make the first variant that has some answers; None when no variant has them all.

        A question whose answer is to be None is not asked in it.
        """
        return self._first({}, wanted, set())

    def values(self) -> dict[str, tuple[Answer, ...]]:
        """Give the questions that make up the variants, with the answers that each takes."""
        return {question.name: question.answers or () for question in self._varied}

    def _below(self, answers: dict[str, Answer | None], named: str = "") -> Iterator[Variant]:
        """Make the variants that begin with some answers."""
        if len(answers) == len(self._varied):
            yield self._variant(answers, named)
            return
        question = self._varied[len(answers)]
        for answer in self._choices(question, answers):
            answers[question.name] = answer
            part = self._names.get((question.name, answer))
            yield from self._below(answers, f"{named}-{part}" if part else named)
            del answers[question.name]

    def _first(
        self,
        answers: dict[str, Answer | None],
        wanted: Mapping[str, Answer | None],
        vain: set[tuple[object, ...]],
    ) -> Variant | None:
        """Make the first variant that begins with some answers and has some others.

        Args:
            answers: The answers to the first questions.
            wanted: The others.
            vain: After which answers there is none, as far as that is known.
        """
        if len(answers) == len(self._varied):
            return self._variant(answers)
        key = self._deciding(answers)
        question = self._varied[len(answers)]
        for answer in self._choices(question, answers) if key not in vain else ():
            if wanted.get(question.name, answer) == answer:
                found = self._first({**answers, question.name: answer}, wanted, vain)
                if found is not None:
                    return found
        vain.add(key)
        return None

    def _variant(self, answers: Mapping[str, Answer | None], named: str | None = None) -> Variant:
        if named is None:
            named = "".join(
                f"-{self._names[item]}" for item in answers.items() if item in self._names
            )
        asked = {name: answer for name, answer in answers.items() if answer is not None}
        return Variant(named.removeprefix("-"), asked)

    def _choices(
        self, question: Question, answers: Mapping[str, Answer | None]
    ) -> tuple[Answer | None, ...]:
        """Give the answers to the next question; None alone where it is not asked."""
        if not question.condition.names and question.condition.holds({}):
            return question.answers or ()
        known = {name: self._known(name, answers) for name in question.condition.names}
        return (question.answers or ()) if question.condition.holds(known) else (None,)

    def _known(self, name: str, answers: Mapping[str, Answer | None]) -> object:
        """Give what Copier knows a question's answer to be: its default where it is not asked."""
        answer = answers.get(name)
        return self._defaults.get(name) if answer is None else answer

    def _deciding(self, answers: Mapping[str, Answer | None]) -> tuple[object, ...]:
        """Give what decides which answers can follow to the questions that come next."""
        depth = len(answers)
        return (depth, *(self._known(name, answers) for name in self._read[depth]))

    def _size(self, answers: Mapping[str, Answer | None]) -> int:
        """Count the variants that begin with some answers."""
        key = self._deciding(answers)
        if key not in self._sizes:
            self._sizes[key] = 1
            if len(answers) < len(self._varied):
                question = self._varied[len(answers)]
                self._sizes[key] = sum(
                    self._size({**answers, question.name: answer})
                    for answer in self._choices(question, answers)
                )
        return self._sizes[key]


def variants(template: Path) -> Space:
    """Give all variants of the template in a directory.

    Raises:
        TemplateError: The directory holds no template, or two variants would have the same id.
    """
    return Space(questions.read(template))


def having(every: Sequence[Variant], wanted: Mapping[str, Answer]) -> Sequence[Variant]:
    """Choose the variants that have some answers.

    Raises:
        UsageError: No variant has them.
    """
    if not wanted:
        return every
    found = [variant for variant in every if wanted.items() <= variant.answers.items()]
    if not found:
        answers = ", ".join(f"{name}={_word(answer)}" for name, answer in wanted.items())
        raise UsageError(f"No variant has {answers}: `servicewright variants` lists them all.")
    return found


def turn(part: str) -> tuple[int, int]:
    """Read K/N as K - 1 and N.

    Raises:
        UsageError: ``part`` is not K/N with 1 <= K <= N.
    """
    numbers = re.fullmatch(r"([1-9][0-9]{0,8})/([1-9][0-9]{0,8})", part, re.ASCII)
    if numbers is None or int(numbers[1]) > int(numbers[2]):
        raise UsageError(f"A shard is K/N with K from 1 to N, such as 3/8, not {part!r}.")
    return int(numbers[1]) - 1, int(numbers[2])


def shard(items: Sequence[T], part: str) -> list[T]:
    """Take the Kth of N parts of a list in its order, where ``part`` is ``K/N``.

    The N parts hold each item once. Of N neighbours each part gets one, and of N times N neighbours
    it gets one at every place in a row of N. Which one, a hash decides, so that nothing that recurs
    in the list recurs in a part. Only the items of the part are looked at.

    Raises:
        UsageError: ``part`` is not K/N with 1 <= K <= N.
    """
    own, count = turn(part)
    places = (
        row * count + place(own + row, row // count, count)
        for row in range(-(-len(items) // count))
    )
    return [items[index] for index in places if index < len(items)]


def place(own: int, square: int, count: int) -> int:
    """Say which place of a row a part gets: another one for each part, and in each row of a square.

    Args:
        own: The number of the part plus that of the row.
        square: Which ``count`` rows the row belongs to.
        count: How many parts, places in a row and rows in a square there are.
    """
    digest = digest_of(f"{square} {count}")
    factor, start = divmod(int.from_bytes(digest[:16]), 2**64)
    # With a factor that has no divisor in common with the count, all places are reached.
    factor %= count
    while math.gcd(factor, count) != 1:
        factor += 1
    return (factor * own + start) % count


@cache
def digest_of(text: str) -> bytes:
    """Give a hash of a text."""
    return hashlib.sha256(text.encode()).digest()


def fair(every: Sequence[Variant], part: str) -> list[int]:
    """Give the numbers of the variants in the Kth of N parts, where ``part`` is ``K/N``.

    The N parts hold each variant once, and each of them has every answer about equally often.

    Raises:
        UsageError: ``part`` is not K/N with 1 <= K <= N.
    """
    own, count = turn(part)
    if count == 1 or len(every) > max(BALANCED, count):
        return shard(range(len(every)), part)
    return sorted(balanced(every, count)[own])


def balanced(every: Iterable[Variant], count: int) -> list[list[int]]:
    """Deal variants to ``count`` parts so that every answer is in each of them equally often.

    In the order of a hash of their ids, each goes to the part that has least of its answers; the
    rarer an answer, the more it weighs.

    Returns:
        The numbers of the variants in each part.
    """
    numbered = sorted(enumerate(every), key=lambda one: digest_of(one[1].id))
    shares = Counter(item for _, variant in numbered for item in variant.answers.items())
    had = [dict.fromkeys(shares, 0.0) for _ in range(count)]
    parts: list[list[int]] = [[] for _ in range(count)]
    for row in range(0, len(numbered), count):
        free = list(range(count))
        for number, variant in numbered[row : row + count]:
            answers = tuple(variant.answers.items())
            least = min(free, key=lambda part: sum(had[part][item] for item in answers))
            free.remove(least)
            parts[least].append(number)
            for item in answers:
                had[least][item] += 1 / shares[item]
    return parts


def names(varied: Sequence[Question]) -> dict[tuple[str, Answer | None], str]:
    """Name each answer that shows in an id: by itself, or with its question where that is unclear.

    Raises:
        TemplateError: Two answers to one question would have the same name.
    """
    shown = [
        (question, answer)
        for question in varied
        for answer in question.answers or ()
        if answer not in OFF
    ]
    counted = Counter(_name(question, answer) for question, answer in shown)
    result: dict[tuple[str, Answer | None], str] = {}
    for question, answer in shown:
        name = _name(question, answer)
        if counted[name] > 1:
            name = f"{question.name}.{_word(answer)}"
        if name in result.values():
            raise TemplateError(f"Two variants would both be called {name}: rename an answer.")
        result[question.name, answer] = name
    return result


def _name(question: Question, answer: Answer) -> str:
    """Call an answer by its value, and a yes by what it says yes to."""
    return question.name if question.is_yes_no else _word(answer)


def _word(answer: Answer) -> str:
    """Write an answer so that it can stand between dashes."""
    return str(answer).replace("-", "_")
