"""What answers change: two renders of the template and the difference between them."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from servicewright import questions
from servicewright.changes import render
from servicewright.errors import UsageError
from servicewright.git import run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from servicewright.questions import Question
    from servicewright.templates import Source


def parse(asked: Sequence[Question], text: str) -> dict[str, Any]:
    """Read a list of answers, such as ``framework=flask,database=none``.

    Commas or spaces separate them; in front of anything but an answer they are part of a value.
    An answer's value may stand alone where no other question takes it, as in ``flask``, and so
    may the name of a question for yes. ``defaults`` is the empty list.

    Raises:
        AnswerError: An answer is none that its question takes.
        UsageError: A word is no answer.
    """
    words = _words(asked)
    pairs: list[tuple[str, str]] = []
    alone = "|".join(map(re.escape, [*words, "defaults"]))
    for part in re.split(rf"[\s,]+(?=\w+=|(?:{alone})(?:[\s,]|$))", text.strip(" ,")):
        name, equals, value = part.partition("=")
        if equals:
            pairs.append((name, value))
        elif part in words:
            pairs.append(words[part])
        elif part not in {"", "defaults"}:
            raise UsageError(
                f"{part!r} is no answer: write KEY=VALUE, or one of {', '.join(sorted(words))}."
            )
    return {**questions.parse_answers(asked, pairs)}


def difference(
    source: Source,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *options: str,
) -> bytes:
    """Compare the project that some answers give with the one that others give.

    Args:
        source: The template.
        before: The answers of the one; questions that are not in it get their defaults.
        after: The answers of the other.
        options: What ``git diff-tree`` is to print.

    Raises:
        ServicewrightError: One of the two cannot be made.
    """
    with tempfile.TemporaryDirectory(prefix="servicewright-") as directory:
        trees = []
        for name, answers in (("before", before), ("after", after)):
            # Copier derives defaults from the destination's name, which is the same for both.
            project = Path(directory, name, "service")
            render(source, project, answers)
            run(project, "init", "--quiet", "--template=")
            run(project, "-c", "core.autocrlf=false", "add", "--all", "--force")
            trees.append(run(project, "write-tree").strip())
        objects = Path(directory, "before", "service", ".git", "objects")
        text = run(
            project,
            *("diff-tree", "-r", *options, *trees),
            environment={"GIT_ALTERNATE_OBJECT_DIRECTORIES": str(objects)},
        )
        return text.encode(errors="surrogateescape")


def _words(asked: Sequence[Question]) -> dict[str, tuple[str, str]]:
    """Give the words that stand for an answer all alone."""
    choices = [
        (str(answer), question.name)
        for question in asked
        for answer in question.answers or ()
        if not question.is_yes_no
    ]
    known = Counter(answer for answer, _ in choices)
    known.update(question.name for question in asked)
    words = {answer: (name, answer) for answer, name in choices if known[answer] == 1}
    return words | {
        question.name: (question.name, "yes") for question in asked if question.is_yes_no
    }
