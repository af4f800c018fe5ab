"""What a newer version of a template brings, from its changelog."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from servicewright import git, templates
from servicewright.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicewright.changes import Change
    from servicewright.templates import Source

CHANGELOG = "CHANGELOG.md"
_ENTRY = re.compile(r"^- (.*(?:\n(?:[ \t]+\S.*|[ \t]*(?=\n[ \t]+\S)))*)", re.MULTILINE)
_HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)


def between(source: Source, before: str, after: str) -> list[tuple[str, str]]:
    """List the entries of a template's changelog that it has at one version and not at another.

    Args:
        source: The template.
        before: The version that does not have them.
        after: The version that has.

    Returns:
        For each entry the heading above it, such as Added, and its text on one line. None when the
        template has no changelog, or cannot be fetched for it: an update would tell why.
    """
    with tempfile.TemporaryDirectory(
        prefix="servicewright-", ignore_cleanup_errors=True
    ) as directory:
        try:
            clone = templates.clone(source.location, Path(directory, "template"))
        except TemplateError:
            return []
        known = {text for _, text in _entries(clone, before)}
        return [(kind, text) for kind, text in _entries(clone, after) if text not in known]


def _entries(repository: Path, version: str) -> Iterator[tuple[str, str]]:
    shown = git.attempt(repository, "show", f"{version}:{CHANGELOG}")
    text = shown.stdout.decode(errors="replace") if not shown.returncode else ""
    headings = [*_HEADING.finditer(text)]
    for entry in _ENTRY.finditer(text):
        above = [heading[1] for heading in headings if heading.start() < entry.start()]
        yield above[-1] if above else "", " ".join(entry[1].split())


def message(change: Change) -> str:
    """Write what a commit says of an update."""
    before, after = change.before.commit, change.after.commit
    paragraphs = [f"Update from version {before} of the template to {after}"]
    kinds = list(dict.fromkeys(kind for kind, _ in change.news))
    for kind in kinds:
        entries = "\n".join(f"- {text}" for each, text in change.news if each == kind)
        paragraphs.append(f"{kind}:\n\n{entries}" if kind else entries)
    for heading, listed in (
        ("New answers", [f"{name}={answer}" for name, answer in change.new_answers.items()]),
        ("To be set before it starts", change.required),
        ("Files that go with edits in them", change.edited),
        ("Files with edits next to what changes", change.settled),
        ("Files with conflicts, to be put right", change.conflicts),
    ):
        if listed:
            lines = "\n".join(f"- {each}" for each in listed)
            paragraphs.append(f"{heading}:\n\n{lines}")
    paragraphs += change.warnings
    return "\n\n".join(paragraphs) + "\n"
