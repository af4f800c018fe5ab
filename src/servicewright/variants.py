"""The variants of the template: every combination of the answers that can be listed.

They are computed from copier.yml, so a new question or a new answer is in the list, and in every
test that goes through it, from the moment it is asked.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, TypeVar

from servicewright import questions
from servicewright.errors import TemplateError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from servicewright.questions import Answer, Question

# Closed questions that describe a project as its name does: they choose no part of the service.
NOT_VARIED = ("python_version",)

# What a question answers when it asks for nothing. Such answers have no part in a variant's id.
OFF = (False, "none")

T = TypeVar("T")


@dataclass(frozen=True)
class Variant:
    """One combination of answers.

    Attributes:
        id: A name for it that no other variant has, fit for a file name: what is on, in the order
            of copier.yml, as in ``flask-settings-sqlite-docker``.
        answers: The answer to each question that makes up the variants.
    """

    id: str
    answers: Mapping[str, Answer]


def variants(template: Path) -> list[Variant]:
    """List all variants of the template in a directory.

    The order is that of copier.yml: the answers to the last question vary fastest.

    Raises:
        TemplateError: The directory holds no template, or two variants would have the same id.
    """
    varied = [
        question
        for question in questions.read(template)
        if question.answers is not None and question.name not in NOT_VARIED
    ]
    # An answer is called by its own name where that is unmistakable.
    names = Counter(_name(question, answer) for question in varied for answer in _on(question))
    result = []
    for combination in product(*(question.answers or () for question in varied)):
        parts = [
            name if names[name := _name(question, answer)] == 1 else f"{question.name}.{answer}"
            for question, answer in zip(varied, combination, strict=True)
            if answer not in OFF
        ]
        answers = {
            question.name: answer for question, answer in zip(varied, combination, strict=True)
        }
        result.append(Variant("-".join(parts), answers))
    if len({variant.id for variant in result}) != len(result):
        raise TemplateError(f"Two variants of {template} have the same id: rename an answer.")
    return result


def shard(items: Sequence[T], part: str) -> list[T]:
    """Take every Nth item, beginning with the Kth, where ``part`` is ``K/N``.

    The N shards hold each item once, and variants that are alike, which are neighbours, are
    spread over all of them.

    Raises:
        UsageError: ``part`` is not K/N with 1 <= K <= N.
    """
    numbers = re.fullmatch(r"([1-9][0-9]{0,8})/([1-9][0-9]{0,8})", part, re.ASCII)
    if numbers is None or int(numbers[1]) > int(numbers[2]):
        raise UsageError(f"A shard is K/N with K from 1 to N, such as 3/8, not {part!r}.")
    return list(items[int(numbers[1]) - 1 :: int(numbers[2])])


def _on(question: Question) -> list[Answer]:
    """List the answers that show in an id."""
    return [answer for answer in question.answers or () if answer not in OFF]


def _name(question: Question, answer: Answer) -> str:
    """Call an answer by its value, and a yes by what it says yes to."""
    return question.name if question.is_yes_no else str(answer)
