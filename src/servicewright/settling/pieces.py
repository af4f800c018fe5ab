"""Files as pieces with names, such as requirements, settings, imports and rows, and their merge.

Git merges lines and sees a conflict wherever both sides wrote next to each other. Between pieces
there is one only where both changed the same piece, or where it cannot be known which of two comes
first. All that a piece is made of are parts of the file's own text, so nothing is formatted anew.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from io import StringIO
from itertools import pairwise
from textwrap import shorten
from typing import TYPE_CHECKING

from servicewright.settling import values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


class UncertainError(Exception):
    """What the file should be cannot be told: the conflict is for the user."""


@dataclass(frozen=True)
class Piece:
    """A part of a file.

    Attributes:
        key: What it is called among its neighbours; no two of them are called the same.
        head: Its text, as whole lines; of one with parts, what stands before them.
        gap: The blank lines before it.
        parts: What it consists of, if it does.
        tail: What stands after the parts.
        loose: Whether it does not matter which of its new neighbours it comes before.
        order: Where it belongs among others, should these be sorted; the first word names a block,
            which a blank line divides from the next.
        apart: Whether one that is new can be no old one under another name.
        words: Whether it is for people to read and nothing else, such as a docstring.
        union: Merges texts of it that were all changed: what it was, if it was, and both. Of one
            with parts, those are what stands before them.
    """

    key: str
    head: str
    gap: str = ""
    parts: tuple[Piece, ...] | None = None
    tail: str = ""
    loose: bool = False
    order: tuple[str, ...] | None = None
    apart: bool = False
    words: bool = False
    union: Callable[[str, str, str], str] | None = field(default=None, compare=False)

    @property
    def text(self) -> str:
        """The text without the blank lines before it."""
        return "".join([self.head, *(part.gap + part.text for part in self.parts or ()), self.tail])

    @property
    def code(self) -> str:
        """The text without words for people."""
        if self.words or self.parts is None:
            return "" if self.words else self.text
        return "".join([self.head, *(part.gap + part.code for part in self.parts), self.tail])

    @property
    def prose(self) -> str:
        """The words for people that are in it."""
        return self.text if self.words else "".join(part.prose for part in self.parts or ())

    def leaves(self, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
        """Give all texts in it, and under which names they stand."""
        if self.parts is None:
            yield (*path, self.key), self.head.rstrip()
            return
        yield (*path, self.key), f"{self.head.rstrip()}\n{self.tail.rstrip()}"
        for part in self.parts:
            yield from part.leaves((*path, self.key))


@dataclass
class Merge:
    """Merges what two sides made of a piece.

    Attributes:
        forgiving: Whether what the one side deleted stays so, although the other changed it, and
            what it changed stays, although the other gives it up.
        follows_words: Whether names and texts that one side changed are followed in what the other
            changed around them.
        lost: Names that are not there any more, so that what uses them cannot be either.
        settled: The names of the pieces in which both sides changed something.
        left_out: Those that were changed by the other side and are not there any more.
        kept: Those that the other side gives up and the one side changed.
        worded: Those with words for people that both sides changed, and that the one side's are.
        given_up: Those that the other side gives up, where the one side changed such words alone,
            or which use what is lost.
    """

    forgiving: bool = False
    follows_words: bool = False
    lost: frozenset[str] = frozenset()
    settled: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    worded: list[str] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)

    def merge(self, base: Piece | None, ours: Piece, theirs: Piece, path: str = "") -> Piece:
        """Merge a piece, part by part, or else by its words.

        Args:
            base: What it was, if it was there.
            ours: What the user made of it.
            theirs: What the template did.
            path: The names of the pieces that it is in.

        Raises:
            UncertainError: Both changed the same, or want something else in the same place.
        """
        noted = (self.settled, self.left_out, self.kept, self.worded, self.given_up)
        counts = [len(each) for each in noted]
        try:
            return self._merge(base, ours, theirs, path)
        except UncertainError:
            if base is None or not self.follows_words:
                raise
            for each, count in zip(noted, counts, strict=True):
                del each[count:]
            for words, code in ((ours, theirs), (theirs, ours)):
                edits = values.edits(base.text, words.text, code.text)
                if edits is not None:
                    self.settled.append(_within(path, ours.key))
                    piece, _ = _edited(code, edits, 0)
                    return replace(piece, key=ours.key, gap=_gap(base, ours, theirs))
            raise

    def _merge(self, base: Piece | None, ours: Piece, theirs: Piece, path: str) -> Piece:
        """Merge a piece part by part, or raise UncertainError."""
        gap = _gap(base, ours, theirs)
        if ours.text == theirs.text or (base is not None and base.text == theirs.text):
            return replace(ours, gap=gap)
        if base is not None and base.text == ours.text:
            return replace(theirs, gap=gap)
        here = _within(path, ours.key)
        if ours.union and theirs.union and ours.parts is None:
            head = ours.union(base.head if base else "", ours.head, theirs.head)
            self.settled.append(here)
            return replace(ours, head=head, gap=gap)
        if base and not (base.parts or ours.parts or theirs.parts):
            head = self._head(base, ours, theirs, here)
            self.settled.append(here)
            return replace(ours, head=head, gap=gap)
        if ours.parts is None or theirs.parts is None:
            raise UncertainError(here)
        if base is None or base.parts is None:
            base = replace(ours, parts=())
            if ours.head != theirs.head or ours.tail != theirs.tail:
                raise UncertainError(here)
        if self.forgiving and _is_rewritten(base, ours):
            self.left_out.append(ours.key)
            return replace(ours, gap=gap)
        before = len(self.settled)
        merged = replace(
            ours,
            gap=gap,
            head=self._head(base, ours, theirs, here),
            tail=one(base.tail, ours.tail, theirs.tail, here),
            parts=self._parts(base.parts or (), ours.parts, theirs.parts, here),
        )
        if len(self.settled) == before:
            self.settled.append(here)
        return merged

    def _without_reworded(
        self, base: Sequence[Piece], ours: Sequence[Piece], theirs: Sequence[Piece], path: str
    ) -> Sequence[Piece]:
        """Leave out new words of the template's for what the user has in own words by now."""
        was, mine, new = ([part.key for part in side] for side in (base, ours, theirs))
        reworded: set[str] = set()
        for part in base:
            is_gone = part.parts is None and not part.apart and part.key not in {*mine, *new}
            if is_gone and _slot(part.key, was, mine).difference(was, new):
                reworded |= _slot(part.key, was, new).difference(was, mine)
        left_out = [part for part in theirs if part.key in reworded and not part.loose]
        if left_out:
            self.worded.append(path)
        return [part for part in theirs if part not in left_out]

    def _stays(
        self,
        was: Piece,
        mine: Piece | None,
        new: Piece | None,
        neighbours: Sequence[Piece],
        path: str,
    ) -> bool:
        """Whether what one of the sides dropped stays as the user has it."""
        there = mine or new or was
        here = _within(path, was.key)
        if was.words:
            # Who deleted words does not want others, and who changed them wants these.
            return mine is not None and mine.text != was.text
        if _same(was, there, neighbours):
            if mine and was.prose != mine.prose:
                self.given_up.append(here)
            return False
        if mine and self._cannot_stay(was, mine):
            self.given_up.append(here)
            return False
        if not self.forgiving or (mine and mine.parts is None):
            raise UncertainError(here)
        (self.kept if mine else self.left_out).append(was.key)
        return mine is not None

    def _cannot_stay(self, was: Piece, now: Piece) -> bool:
        """Whether what was changed in words alone uses something that is lost."""
        names = {*values.words(now.code)} - {was.key}
        return not self.lost.isdisjoint(names) and values.replaced(was.code, now.code) is not None

    def _head(self, base: Piece, ours: Piece, theirs: Piece, path: str) -> str:
        """Merge comments above something apart from it; who deleted them does not want others."""
        sides = [commented(side.head) for side in (base, ours, theirs)]
        (was, _), (mine, _), (new, _) = sides
        above = self._words(was, mine, new, path) if mine else ""
        (_, was), (_, mine), (_, new) = sides
        if ours.words:
            return above + self._words(was, mine, new, path)
        try:
            return above + one(was, mine, new, path)
        except UncertainError:
            if not ours.union or not was:
                raise
            return above + ours.union(was, mine, new)

    def _words(self, base: str, ours: str, theirs: str, path: str) -> str:
        """Take what people read as the user words it, and note that the template does otherwise."""
        try:
            return one(base, ours, theirs, path)
        except UncertainError:
            self.worded.append(path)
            return ours

    def _parts(
        self,
        base: Sequence[Piece],
        ours: Sequence[Piece],
        theirs: Sequence[Piece],
        path: str,
    ) -> tuple[Piece, ...]:
        if self.follows_words:
            both = (ours, theirs), (theirs, ours)
            ours, theirs = (_with_known_names(base, side, other) for side, other in both)
        if self.forgiving:
            theirs = self._without_reworded(base, ours, theirs, path)
        was, mine, new = ({part.key: part for part in side} for side in (base, ours, theirs))
        found: dict[str, Piece] = {}
        for key in {**was, **mine, **new}:
            if key in mine and key in new:
                found[key] = self.merge(was.get(key), mine[key], new[key], path)
            elif key not in was:
                found[key] = mine[key] if key in mine else new[key]
            elif key in mine or key in new:
                if self._stays(was[key], mine.get(key), new.get(key), base, path):
                    found[key] = mine[key]
            elif (
                # The one side may have dropped it and the other have renamed it.
                not (self.forgiving or was[key].apart)
                and any(_replaces(key, [*was], [*side]) for side in (mine, new))
            ):
                raise UncertainError(_within(path, key))
        sides = [list(was), list(mine), list(new)]
        ordered = [
            replace(found[key], gap=_gap_after(key, ours, found))
            for key in _order(sides, found, path)
        ]
        return tuple(_sorted(ordered, [base, ours, theirs]))


def _edited(piece: Piece, edits: Sequence[values.Edit], start: int) -> tuple[Piece, int]:
    """Write something else in places of a piece that begins at an offset, and say where it ends."""

    def written(text: str, begin: int) -> str:
        inside = [e for e in edits if begin <= e[0] and e[1] <= begin + len(text)]
        for first, last, new in reversed(inside):
            text = text[: first - begin] + new + text[last - begin :]
        return text

    head = written(piece.head, start)
    position = start + len(piece.head)
    if piece.parts is None:
        return replace(piece, head=head), position
    parts = []
    for part in piece.parts:
        done, position = _edited(part, edits, position + len(part.gap))
        parts.append(done)
    tail = written(piece.tail, position)
    return replace(piece, head=head, parts=tuple(parts), tail=tail), position + len(piece.tail)


def _with_known_names(
    base: Sequence[Piece], side: Sequence[Piece], other: Sequence[Piece]
) -> Sequence[Piece]:
    """Call statements as they were called, where they are the same but for some words."""
    was, there = ([part.key for part in each] for each in (base, side))
    elsewhere = {part.key: part.code for part in other}
    common = Counter(word for part in base for word in values.words(part.code))
    # How much of a piece is another word now: one that is everywhere counts for little.
    costs: dict[tuple[str, str], float] = {}
    for part in base:
        if part.key not in there and not (part.words or part.loose):
            slot = _slot(part.key, was, there).difference(was)
            for new in side:
                # What both sides have from now on is none of the old ones.
                if new.key in slot and elsewhere.get(new.key) != new.code:
                    words = values.replaced(part.code, new.code)
                    if words is not None:
                        costs[part.key, new.key] = sum(1 / common[word] for word in words)
    names = {}
    for (old, key), cost in costs.items():
        rivals = [each for pair, each in costs.items() if old in pair or key in pair]
        if rivals.count(cost) == 1 and cost == min(rivals):
            names[key] = old
    return [replace(part, key=names.get(part.key, part.key)) for part in side]


def _same(was: Piece, now: Piece, neighbours: Sequence[Piece]) -> bool:
    """Whether a piece was left alone, but for words for people.

    A comment may have come to it from a neighbour that went.
    """
    if was.code == now.code:
        return True
    known = {line for piece in neighbours for line in lines_of(piece.head)}

    def code(piece: Piece) -> str:
        lines = lines_of(piece.code)
        while lines and _is_comment(lines[0]) and lines[0] in known:
            del lines[0]
        return "".join(lines)

    return code(was) == code(now)


def _within(path: str, key: str) -> str:
    """Name a piece for who is to look at it."""
    return f"{path}.{shorten(key, 60, placeholder='…')}".strip(".")


def one(base: str, ours: str, theirs: str, path: str) -> str:
    """Give what one side made of a text that the other left alone."""
    if theirs in {base, ours}:
        return ours
    if base == ours:
        return theirs
    raise UncertainError(path)


def _gap(base: Piece | None, ours: Piece, theirs: Piece) -> str:
    try:
        return one(base.gap if base else "", ours.gap, theirs.gap, "")
    except UncertainError:
        return max(ours.gap, theirs.gap, key=len)


def _gap_after(key: str, ours: Sequence[Piece], found: dict[str, Piece]) -> str:
    """Give the blank lines before a piece: those of what was before it and is gone count too."""
    gaps = [found[key].gap]
    keys = [part.key for part in ours]
    for part in reversed(ours[: keys.index(key)] if key in keys else ()):
        if part.key in found:
            break
        gaps.append(part.gap)
    return max(gaps, key=len)


def _is_rewritten(base: Piece, ours: Piece) -> bool:
    """Whether nothing is left of what a text consisted of; the rows of a table are none."""

    def names(piece: Piece) -> Iterator[str]:
        for part in piece.parts or ():
            if part.parts is None:
                yield part.key
            yield from names(part)

    if all(part.apart for part in (*(base.parts or ()), *(ours.parts or ()))):
        return False
    return {*names(base)}.isdisjoint(names(ours))


def _order(sides: list[list[str]], found: dict[str, Piece], path: str) -> list[str]:
    """Bring pieces into an order that both sides can have meant.

    What a side wrote between two old pieces is between them, or where they were. What both wrote
    in the same place has no order, unless it needs none.
    """
    old, *others = sides
    base = _with_shared(old, others)
    place = {key: number for number, key in enumerate(base)}
    for side in others:
        known = [place[key] for key in side if key in place]
        if known != sorted(known):
            sides = [base, *others]
            ordered = _as_theirs(sides, found) if _agree(old, others) else None
            return ordered or _as_ours(sides, found, path)
    # For each run of new pieces: the places between which it stands, whose it is, and what it is.
    runs: list[tuple[int, int, int, list[str]]] = []
    for number, side in enumerate(others):
        begin, run = 0, []
        for key in [*side, None]:
            if key is not None and key not in place:
                run.append(key)
                continue
            end = len(base) if key is None else place[key]
            if run:
                runs.append((begin, end, -number, run))
            begin, run = end + 1, []
    runs.sort(key=lambda each: each[:3])
    for (begin, end, whose, run), (other_begin, other_end, other, other_run) in pairwise(runs):
        same_place = begin == end == other_begin == other_end
        loose = whose == other or _loose(run, found) or _loose(other_run, found)
        if (other_begin < end or same_place) and not loose:
            raise UncertainError(path)
    result: list[str] = []
    for number, key in enumerate([*base, ""]):
        result += [new for begin, _, _, run in runs if begin == number for new in run]
        result += [key] if key in found and number < len(base) else []
    return result


def _with_shared(base: list[str], others: list[list[str]]) -> list[str]:
    """Take what both sides added for something that was there, behind what both have before it."""
    result = base.copy()
    for key in others[0]:
        if key in others[1] and key not in base:
            before = {known for side in others for known in side[: side.index(key)]}
            place = max((n for n, known in enumerate(result, 1) if known in before), default=0)
            result.insert(place, key)
    return result


def _agree(base: list[str], others: list[list[str]]) -> bool:
    """Whether what both sides added follows the same pieces of those that both have."""
    common = [[key for key in side if all(key in each for each in others)] for side in others]
    added = {*common[0]} - {*base}
    before = [{key: {*keys[: keys.index(key)]} for key in added} for keys in common]
    return before[0] == before[1]


def _replaces(key: str, base: list[str], side: list[str]) -> bool:
    """Whether a side has something new in the place of what it dropped."""
    return not _slot(key, base, side) <= {*base}


def _slot(key: str, base: list[str], side: list[str]) -> set[str]:
    """Give what stands in the place of something that a side dropped."""
    number = base.index(key)
    before = next((k for k in reversed(base[:number]) if k in side), None)
    after = next((k for k in base[number:] if k in side), None)
    first = 0 if before is None else side.index(before) + 1
    last = len(side) if after is None else side.index(after)
    return {*side[first:last]}


def _as_theirs(sides: list[list[str]], found: dict[str, Piece]) -> list[str] | None:
    """Keep the template's new order, if it is known where in it what the user added belongs.

    What stood last stays there, also before the last statement, such as a return. Elsewhere, what
    needs no order follows what it followed.
    """
    base, ours, theirs = sides
    kept = [key for key in ours if key in base]
    if not base or kept != [key for key in base if key in kept]:
        return None
    last = base[-1]
    added = [key for key in ours if key not in base]
    result = [key for key in theirs if key in found]
    at_the_end = kept[-1:] == [last] == theirs[-1:] and ours[-len(added) - 1 :] == [*added, last]
    if at_the_end and len(result) + len({*added} - {*theirs}) == len(found):
        return [*result[:-1], *added, last]
    position: int | None = 0
    for key in ours:
        if key not in base and key not in theirs:
            if not found[key].loose or position is None:
                return None
            result.insert(position, key)
        position = result.index(key) + 1 if key in result else None
    return result if len(result) == len(found) else None


def _as_ours(sides: list[list[str]], found: dict[str, Piece], path: str) -> list[str]:
    """Keep the user's order of pieces that need none, each new one behind the one before it."""
    base, ours, theirs = sides
    strict = [key for key in base if key in found and not found[key].loose]
    for side in (ours, theirs):
        if [key for key in side if key in strict] != strict:
            raise UncertainError(path)
    if not _loose([key for key in theirs if key in found and key not in {*base, *ours}], found):
        raise UncertainError(path)
    result = [key for key in ours if key in found]
    position = 0
    for key in theirs:
        if key not in found:
            continue
        if key not in ours:
            result.insert(position, key)
        position = result.index(key) + 1
    return result


def _loose(keys: Sequence[str], found: dict[str, Piece]) -> bool:
    return all(found[key].loose for key in keys)


def _sorted(pieces: list[Piece], sides: Sequence[Sequence[Piece]]) -> list[Piece]:
    """Sort the pieces that both sides have sorted."""
    pieces = _together(pieces, sides)
    if not all(_is_sorted(_sortable(side)) for side in sides):
        return pieces
    return sort(pieces)


def sort(pieces: Sequence[Piece]) -> list[Piece]:
    """Sort the pieces that have an order, if they stand together, and divide their blocks."""
    there = [number for number, piece in enumerate(pieces) if piece.order]
    if not there or not _is_run(pieces):
        return list(pieces)
    first = pieces[there[0]].gap
    result: list[Piece] = []
    for piece in sorted(_sortable(pieces), key=lambda each: each.order or ()):
        gap = first
        if result and result[-1].order and piece.order:
            gap = "" if result[-1].order[0] == piece.order[0] else "\n"
        result.append(replace(piece, gap=gap))
    return [*pieces[: there[0]], *result, *pieces[there[-1] + 1 :]]


def _together(pieces: list[Piece], sides: Sequence[Sequence[Piece]]) -> list[Piece]:
    """Keep pieces that are sorted, such as imports, in one place, if both sides do."""
    if not all(_is_run(side) for side in sides) or _is_run(pieces):
        return pieces
    first = next(number for number, piece in enumerate(pieces) if piece.order)
    rest = [piece for piece in pieces[first:] if not piece.order]
    return [*pieces[:first], *_sortable(pieces), *rest]


def _is_run(pieces: Sequence[Piece]) -> bool:
    there = [number for number, piece in enumerate(pieces) if piece.order]
    return not there or there == list(range(there[0], there[-1] + 1))


def _sortable(pieces: Sequence[Piece]) -> list[Piece]:
    return [piece for piece in pieces if piece.order]


def _is_sorted(pieces: Sequence[Piece]) -> bool:
    return all(
        (a.order or ()) <= (b.order or ())
        and b.gap == ("" if (a.order or ("",))[0] == (b.order or ("",))[0] else "\n")
        for a, b in pairwise(pieces)
    )


def named(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """Number the pieces that are called the same."""
    counts: dict[str, int] = {}
    result = []
    for piece in pieces:
        count = counts[piece.key] = counts.get(piece.key, 0) + 1
        result.append(piece if count == 1 else replace(piece, key=f"{piece.key} ({count})"))
    return tuple(result)


def commented(text: str) -> tuple[str, str]:
    """Divide a text into the comments at its beginning and what they are about."""
    lines = lines_of(text)
    is_code = (n for n, line in enumerate(lines) if line.strip() and not _is_comment(line))
    count = next(is_code, 0)
    return "".join(lines[:count]), "".join(lines[count:])


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def lines_of(text: str) -> list[str]:
    """Divide a text into lines, as parsers count them: nothing but a line feed ends one."""
    return StringIO(text).readlines()


def headings(lines: Sequence[str]) -> tuple[list[Piece], list[str]]:
    """Take comments that a blank line divides from what follows out of what stands before it.

    Returns:
        Each as a piece, and the lines that are left.
    """
    found: list[Piece] = []
    begin = 0
    for number, line in enumerate(lines):
        if not line.strip() and any(each.strip() for each in lines[begin:number]):
            gap, text = leading(lines[begin:number])
            found.append(Piece(text.strip(), text, gap, loose=True, apart=True))
            begin = number
    return found, list(lines[begin:])


def leading(lines: Sequence[str]) -> tuple[str, str]:
    """Divide what stands before a piece: blank lines, and what belongs to it."""
    count = next((number for number, line in enumerate(lines) if line.strip()), len(lines))
    return "".join(lines[:count]), "".join(lines[count:])
