"""The words of each feature: where it is off there are none of them, where it is on all.

They are words of packages, settings, routes and files, and stand in the feature's folder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import service

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matrix.rendering import Tree

# The file that remembers the answers names every question.
ANSWERS = ".copier-answers.yml"


def misplaced(
    trees: Iterable[Tree], features: Sequence[service.Feature] = service.FEATURES
) -> list[str]:
    """Look for words of features that are off, and for features whose words are missing."""
    # Upper and lower case differ.
    table = [
        (feature, other, words.split())
        for feature in features
        for other, words in feature.about.get("words", {}).items()
    ]
    every = {word for _, _, words in table for word in words}
    # Which of the words are in a file, for each file that differs.
    known: dict[tuple[str, bytes], frozenset[str]] = {}
    findings = []
    for tree in trees:
        found: dict[str, list[str]] = {}
        for path, content in tree.files.items():
            if path != ANSWERS:
                if (path, content) not in known:
                    text = f"{path}\n{content.decode()}"
                    known[path, content] = frozenset(word for word in every if word in text)
                for word in known[path, content]:
                    found.setdefault(word, []).append(path)
        switched = service.features(tree.variant.answers)
        for feature, other, words in table:
            on = feature.on(switched, other)
            whose = " with ".join(name for name in (feature.name, other) if name not in NO_NAMES)
            for word in words:
                if (word in found) != on:
                    where = "is missing" if on else f"is in {', '.join(found[word])}"
                    findings.append(f"{tree.variant.id}: {word} of {whose} {where}")
    return findings


# What every service has has no name, and what needs nothing else neither.
NO_NAMES = ("", "always")
