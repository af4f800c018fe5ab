"""What an answer brings that others to the same question do not, in a line, from the template."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from servicewright.forms import Form
    from servicewright.questions import Answer, Question

# So many files, packages or routes are named, and the others counted.
NAMED = 3


def consequences(form: Form, question: Question) -> dict[Answer, str]:
    """Say for each answer to a question what it brings with the other answers as they are.

    What the template keeps for itself, in folders and their feature.toml, is all that this knows:
    nothing is said of an answer that brings nothing.
    """
    kinds = {answer: _brought(form, known) for answer, known in form.ways(question).items()}
    said = {}
    for answer, brought in kinds.items():
        others = [kind for other, kind in kinds.items() if other != answer]
        own = {
            kind: {thing for thing in things if not all(thing in other[kind] for other in others)}
            for kind, things in brought.items()
        }
        own["Files"] = set(_folded(own["Files"], brought["Files"] - own["Files"]))
        said[answer] = " ".join(
            f"{kind}: {_listed(sorted(things, key=_weight))}."
            for kind, things in own.items()
            if things
        )
    return said


def _brought(form: Form, known: Mapping[str, Answer]) -> dict[str, set[str]]:
    """Give all that a service with certain answers has."""
    variables = form.value("variables", known) or ()
    package = f"src/{known.get('package_name')}/"
    return {
        "Routes": {request for request, _ in form.value("requests", known) or ()},
        "Packages": {
            re.split(r"[^\w.-]", requirement)[0]
            for requirement in form.value("dependencies", known) or ()
        },
        "Files": {file.replace(package, "", 1) for file in form.files(known)},
        "To be set": {variable.name for variable in variables if variable.default is None},
    }


def _folded(files: Iterable[str], others: Iterable[str]) -> Iterable[str]:
    """Name folders in the place of all their files where no other file is in them."""
    shared = {folder for other in others for folder in _folders(other)}
    for file in files:
        own = [folder for folder in _folders(file) if folder not in shared]
        yield own[0] if own else file


def _folders(file: str) -> list[str]:
    """Give the folders that a file is in, the outermost first."""
    return [file[: place + 1] for place, character in enumerate(file) if character == "/"]


def _weight(name: str) -> tuple[object, ...]:
    """Order names so that those come first which say most."""
    minor = name.startswith((".", "tests"))
    return minor, not name.endswith("/"), name.endswith(".py"), name.count("/"), name


def _listed(names: list[str]) -> str:
    """List names, not too many of them."""
    left = len(names) - NAMED
    return ", ".join(names) if left <= 1 else f"{', '.join(names[:NAMED])} and {left} more"
