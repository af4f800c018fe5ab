"""What the page shows of a service."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote_plus, urlencode

from fastapi import Request
from markupsafe import Markup
from servicewright.questions import Preset, Question, word

from .drafts import BEFORE, FILE, Draft, Drafts, Mark, difference, marks, shown
from .highlighting import highlighted
from .templating import templates

# What is shown until a file is chosen.
FIRST = "README.md"


@dataclass
class Folder:
    """A folder of the tree, with what it holds by name."""

    folders: dict[str, "Folder"] = field(default_factory=dict)
    files: dict[str, "Leaf"] = field(default_factory=dict)
    changes: int = 0


@dataclass(frozen=True)
class Leaf:
    """A file of the tree: its path, its link and what has become of it."""

    path: str
    link: str
    mark: Mark


@dataclass(frozen=True)
class Line:
    """A line of a file: its number, its code as HTML and what has become of it."""

    number: int
    code: Markup
    mark: Mark


@dataclass(frozen=True)
class View:
    """A part of the page, and a sentence that says what has changed in it."""

    html: str
    summary: str


def values(drafts: Drafts, draft: Draft) -> dict[str, str]:
    """Give the answers of a draft as the form shows them."""
    return {
        question.name: shown(question, draft.answers[question.name])
        for question in drafts.questions
    }


def answers(question: Question) -> list[str]:
    """Give what a question takes, as it is typed."""
    return [word(answer) for answer in question.answers or ()]


def preview(request: Request, draft: Draft, before: Draft | None, file: str) -> View:
    """Show the tree, a file, and how to get them."""
    if draft.problems:
        return View("", "")
    # A mistake has no files that could be compared.
    former = renamed(before, draft) if before is not None and before.files else draft.files
    found = marks(draft.files, former)
    shown_before = before.link if before is not None else ""
    tree = Folder()
    link = f"{draft.link}&{urlencode({BEFORE: shown_before})}&{FILE}="
    for path, mark in found.items():
        add(tree, Leaf(path, f"{link}{quote_plus(path)}", mark))
    if file not in found:
        file = FIRST if FIRST in found else next(iter(found))
    summary = said(found, is_change=before is not None and before.link != draft.link)
    root = str(request.base_url)
    html = templates.get_template("preview.html").render(
        root_path=request.scope.get("root_path", ""),
        draft=draft,
        tree=tree,
        file=file,
        mark=found[file],
        lines=lines(draft, former, file),
        summary=summary,
        address=f"{root}?{draft.link}",
        curl=f"curl --output {draft.folder}.zip '{root}service.zip?{draft.link}'",
    )
    return View(html, summary)


def renamed(before: Draft, draft: Draft) -> dict[str, bytes]:
    """Give the files of a draft in the places that they have when the package is called otherwise.

    Else a new name would make every file a new one.
    """
    old, new = (f"src/{each.answers.get('package_name')}/" for each in (before, draft))
    return {path.replace(old, new, 1): file for path, file in before.files.items()}


def add(tree: Folder, leaf: Leaf) -> None:
    """Put a file into a tree."""
    *folders, name = leaf.path.split("/")
    for folder in folders:
        tree = tree.folders.setdefault(folder, Folder())
        tree.changes += bool(leaf.mark)
    tree.files[name] = leaf


def said(found: Mapping[str, Mark], *, is_change: bool) -> str:
    """Say what has become of files."""
    counts = Counter(found.values())
    here = f"{len(found) - counts['gone']} files"
    if not is_change:
        return f"{here}."
    done = [f"{counts[mark]} {mark}" for mark in ("new", "changed", "gone") if counts[mark]]
    return f"{here}; the last answer made {', '.join(done) or 'no difference'}."


def lines(draft: Draft, former: Mapping[str, bytes], path: str) -> list[Line]:
    """Give the lines of a file, with those that are no longer there."""
    texts = [
        files[path].decode(errors="replace") if path in files else ""
        for files in (draft.files, former)
    ]
    now, before = (text.removesuffix("\n").split("\n") if text else [] for text in texts)
    code, code_before = (highlighted(path, text) for text in texts)
    return [
        Line(
            place + 1,
            # What Pygments wrote is HTML.
            Markup((code_before if mark == "gone" else code)[place]),  # noqa: S704
            mark,
        )
        for mark, place in difference(now, before)
    ]


def preset_links(drafts: Drafts, draft: Draft) -> list[tuple[Preset, str]]:
    """Give the presets with their links, which leave all other answers as they are."""
    current = dict(parse_qsl(draft.link, keep_blank_values=True))
    links = []
    for preset in drafts.presets:
        chosen = {name: word(answer) for name, answer in preset.answers.items()}
        links.append((preset, urlencode({**current, **chosen, BEFORE: draft.link})))
    return links
