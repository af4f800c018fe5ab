"""Merges what a template wrote, what it writes now, and what the user made of it, as git does.

The merge follows files and folders that the user renamed. What git would ask about files that one
side deleted is decided here: what the user deleted stays deleted, and what the template gives up
goes; both are told. What git cannot merge line by line may be settled with what the lines mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from servicewright import moving, renaming
from servicewright.repository import Unmerged
from servicewright.settling import Project, completed, settle

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from servicewright.repository import Entry, Repository
    from servicewright.settling import Settled

# The versions of a file with a conflict, as git numbers them.
_ALL = _BASE, _MINE, _NEW = "1", "2", "3"
_PLAIN_FILES = ({"100644"}, {"100755"})


@dataclass(frozen=True)
class Merged:
    """What comes of a merge. Names are those of files, from the project's directory.

    Attributes:
        tree: What the project will be.
        unmerged: The versions of the files that need the user's hand.
        moved: Files that go because they are elsewhere from now on, and where.
        missed: Files that the template changed and the user deleted.
        orphaned: Files that the user renamed and the template gave up, with their former names.
        left_out: Files that the template changed and that are the user's alone.
        settled: Files in which both sides wrote next to each other, with what could be settled.
        words: Words of names that the user changed throughout, and what they are now.
    """

    tree: str
    unmerged: tuple[Unmerged, ...]
    moved: Mapping[str, str]
    missed: tuple[str, ...]
    orphaned: Mapping[str, str]
    left_out: tuple[str, ...]
    settled: Mapping[str, Settled]
    words: Mapping[str, str]


@dataclass(frozen=True)
class Sides:
    """What is merged.

    Attributes:
        base: The tree of what the template wrote.
        ours: The tree of what the user made of it.
        theirs: The tree of what the template writes now.
        folder: A folder that has another name from now on, as its names before and after.
        same_version: Whether one version of the template wrote what is merged.
        keep: Patterns of names of files that are the user's alone.
        width: How long a line of the project's may be.
    """

    base: str
    ours: str
    theirs: str
    folder: tuple[str, str] | None = None
    same_version: bool = False
    keep: Sequence[str] = ()
    width: int = 88


def merge(repository: Repository, sides: Sides) -> Merged:
    """Merge what the template changed into a project.

    Args:
        repository: The project's repository.
        sides: What is merged.

    Raises:
        ProjectError: Git refuses.
    """
    base, ours, moved = _with_folder_renamed(repository, sides)
    base, written, words = _with_names_renamed(repository, base, ours, sides.theirs)
    base, written = _with_modules_moved(repository, base, ours, written)
    # Between its variants a version renames nothing else: names are an interface.
    renames_nothing = sides.same_version and (sides.folder is None or bool(moved))
    was, mine, now = (repository.entries(tree) for tree in (base, ours, written))
    changes: dict[str, Entry | None] = {
        name: was.get(name)
        for name in {*was, *now, *mine}
        if was.get(name) != now.get(name) and _is_one_of(name, sides.keep)
    }
    left_out = [name for name in changes if now.get(name) != mine.get(name)]
    gone = {name for name in was if name not in now and name not in changes}
    if renames_nothing:
        # A file that goes is no file that comes under another name, however similar they are.
        changes |= {name: was[name] for name in gone if not _clashes(name, now)}
    theirs = repository.edited(written, changes)

    tree, stages = repository.merge(base, ours, theirs)
    result = repository.entries(tree)
    final: dict[str, Entry | None] = {}
    if renames_nothing:
        final |= {name: None for name in gone if name in result}
    missed, undecided = [], {}
    for name, versions in stages.items():
        if _MINE in versions and _NEW in versions:
            undecided[name] = versions
        elif _NEW in versions:
            # The user deleted it; without a base they gave it another name than the template did.
            final[name] = None
            missed += [name] if _BASE in versions else []
        elif _BASE in versions and name in was:
            final[name] = None
        elif _BASE not in versions and repository.has_marks(result[name]):
            undecided[name] = versions
    packages = {name.split("/")[1] for name in mine if name.startswith("src/")}
    project = Project(
        packages=frozenset({*packages, "tests"}),
        width=sides.width,
        gone=frozenset({*was, *mine, *now} - (result.keys() - final.keys())),
    )
    settled = dict(_settled(repository, undecided, project))
    for name, (_, entry) in settled.items():
        final[name] = entry
        del undecided[name]
    merged = {name: entry for name, entry in result.items() if name not in {*final, *undecided}}
    final |= dict(_completed(repository, [was, mine, now, merged], project))
    renamed = repository.renames(base, ours) if gone or stages else {}
    if not renames_nothing:
        moved |= repository.renames(base, theirs)
    there = {name for name in result if final.get(name, result[name])}
    return Merged(
        tree=repository.edited(tree, final),
        unmerged=tuple(
            Unmerged(f"{repository.prefix}{name}", mode, stage, object_name)
            for name, versions in undecided.items()
            for stage, (mode, object_name) in sorted(versions.items())
        ),
        moved={
            before: after
            for before, after in moved.items()
            if before not in there and after in there
        },
        missed=tuple(sorted(missed)),
        orphaned={
            before: after
            for before, after in sorted(renamed.items())
            if before in gone and after in there and after not in now
        },
        left_out=tuple(sorted(left_out)),
        settled={name: what for name, (what, _) in sorted(settled.items())},
        words=words,
    )


def _settled(
    repository: Repository, undecided: Mapping[str, Mapping[str, Entry]], project: Project
) -> Iterator[tuple[str, tuple[Settled, Entry]]]:
    """Look at files with conflicts as what they are, and give those that have none then."""
    for name, versions in undecided.items():
        if {mode for mode, _ in versions.values()} not in _PLAIN_FILES or len(versions) < len(_ALL):
            continue
        try:
            base, ours, theirs = (repository.read(versions[stage][1]).decode() for stage in _ALL)
        except UnicodeDecodeError:
            continue
        if what := settle(name, base, ours, theirs, project=project):
            mode, _ = versions[_MINE]
            yield name, (what, (mode, repository.write(what.text.encode())))


def _completed(
    repository: Repository, trees: Sequence[Mapping[str, Entry]], project: Project
) -> Iterator[tuple[str, Entry]]:
    """Look at modules that git merged by lines, and give those that lacked imports."""
    for name, (mode, _) in trees[-1].items():
        versions = [tree[name] for tree in trees if name in tree]
        if not name.endswith(".py") or len({*versions}) < len(trees):
            continue
        try:
            *texts, text = (repository.read(each).decode() for _, each in versions)
        except UnicodeDecodeError:
            continue
        if (whole := completed(name, texts, text, project=project)) != text:
            yield name, (mode, repository.write(whole.encode()))


def _with_folder_renamed(repository: Repository, sides: Sides) -> tuple[str, str, dict[str, str]]:
    """Move a folder that has another name from now on, with all that the user has in it.

    Returns:
        What the template wrote and what the user made of it, with the folder moved; and the files
        of the user's that were.
    """
    if sides.folder is None:
        return sides.base, sides.ours, {}
    before, after = (f"{folder}/" for folder in sides.folder)
    listed = {tree: repository.entries(tree) for tree in (sides.base, sides.ours, sides.theirs)}
    if (
        any(name.startswith(after) for name in {*listed[sides.base], *listed[sides.ours]})
        or not any(name.startswith(before) for name in listed[sides.base])
        or not any(name.startswith(after) for name in listed[sides.theirs])
    ):
        return sides.base, sides.ours, {}
    trees = []
    for tree in (sides.base, sides.ours):
        inside = {name: entry for name, entry in listed[tree].items() if name.startswith(before)}
        changes: dict[str, Entry | None] = dict.fromkeys(inside)
        changes |= {after + name.removeprefix(before): entry for name, entry in inside.items()}
        trees.append(repository.edited(tree, changes))
    moved = {name: after + name.removeprefix(before) for name in inside}
    return trees[0], trees[1], moved


def _with_names_renamed(
    repository: Repository, base: str, ours: str, theirs: str
) -> tuple[str, str, dict[str, str]]:
    """Write what the template wrote, and writes now, with the names that the user gave.

    Returns:
        The two trees, and the words that are others.
    """
    was, mine, now = (repository.entries(tree) for tree in (base, ours, theirs))
    went = repository.renames(base, ours)
    edited = [
        (name, was[name][1], mine[after][1])
        for name in was
        if renaming.is_followed(name)
        and (after := went.get(name, name)) in mine
        and was[name] != mine[after]
    ]
    if not edited:
        return base, theirs, {}
    names = sorted(
        {
            stored
            for side in (was, now)
            for name, (_, stored) in side.items()
            if renaming.is_followed(name)
        }
    )
    names += [mine_stored for _, _, mine_stored in edited]
    read = zip(names, repository.read_all(names), strict=True)
    texts = {stored: content.decode(errors="surrogateescape") for stored, content in read}
    written = [
        (name, stored)
        for side in (was, now)
        for name, (_, stored) in side.items()
        if stored in texts and renaming.is_followed(name)
    ]
    learned = renaming.learn(
        [(name, texts[before], texts[after]) for name, before, after in edited],
        [(name, texts[stored]) for name, stored in written],
        [
            texts[entry[1]]
            for name, entry in was.items()
            if entry[1] in texts and mine.get(went.get(name, name)) == entry
        ],
    )
    if not learned.told:
        return base, theirs, {}
    trees = []
    for tree, side in ((base, was), (theirs, now)):
        changes: dict[str, Entry | None] = {}
        for name, (mode, stored) in side.items():
            if renaming.is_followed(name):
                text = learned.apply(name, texts[stored])
                if text != texts[stored]:
                    content = text.encode(errors="surrogateescape")
                    changes[name] = (mode, repository.write(content))
        trees.append(repository.edited(tree, changes))
    return trees[0], trees[1], learned.told


def _with_modules_moved(
    repository: Repository, base: str, ours: str, theirs: str
) -> tuple[str, str]:
    """Import in what the template wrote, and writes now, modules from where the user put them."""
    was, now = (repository.entries(tree) for tree in (base, theirs))
    moves = moving.learn(repository.renames(base, ours), was, now)
    if not moves.modules:
        return base, theirs
    sides = [
        [(name, mode, stored) for name, (mode, stored) in side.items() if name.endswith(".py")]
        for side in (was, now)
    ]
    names = sorted({stored for side in sides for _, _, stored in side})
    texts = dict(zip(names, repository.read_all(names), strict=True))
    trees = []
    for tree, side in zip((base, theirs), sides, strict=True):
        changes: dict[str, Entry | None] = {}
        for name, mode, stored in side:
            before = texts[stored].decode(errors="surrogateescape")
            after = moves.apply(name, before)
            if after != before:
                changes[name] = (mode, repository.write(after.encode(errors="surrogateescape")))
        trees.append(repository.edited(tree, changes))
    return trees[0], trees[1]


def _is_one_of(name: str, patterns: Iterable[str]) -> bool:
    """Whether a file is one that the patterns name, or is in a folder that they name."""
    return any(
        fnmatchcase(name, pattern) or name.startswith(f"{pattern.rstrip('/')}/")
        for pattern in patterns
    )


def _clashes(name: str, others: Iterable[str]) -> bool:
    """Whether a file cannot be where others are: one of two names is a folder of the other."""
    return any(other.startswith(f"{name}/") or name.startswith(f"{other}/") for other in others)
