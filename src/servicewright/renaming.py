"""Follows names that the user changed throughout, such as an item that is a product in the project.

What the template writes is written with the user's names before it is merged: a line that only was
renamed is no conflict then, and what is new fits the rest. This is learned from files in which the
user changed nothing but words, and only what is the same in all of them counts.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import Counter, defaultdict
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

# Files with names of the service's, and those with variables of its environment.
_SUFFIXES = (".py", ".html", ".js")
_WITH_VARIABLES = (".env.example", "Dockerfile", "compose.yaml")

# So many different names have to show that a word is another now.
_ENOUGH = 3
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# A text that is a path, and the first part of that.
_PATH = re.compile(r"""(?<=["'])/(\w+)[^"'\s]*""")
_VARIABLE = re.compile(r"(?<![\w${])[A-Z][A-Z0-9_]*(?=[:=])")
# What takes longer to compare is left alone.
_MOST = 4000
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|_+")


Compared: TypeAlias = "Iterable[tuple[_Token, _Token]]"


class _Token(NamedTuple):
    """A word of a file: where it begins, what it is, and in which role it is there."""

    start: int
    word: str
    role: str


@dataclass(frozen=True)
class Renaming:
    """What the user renamed.

    Attributes:
        words: Words that are others now, in small letters.
        names: What became of each name in each role; nothing, if not the same everywhere.
        roles: Those in which all names with these words were renamed.
        defined: Names that the template defines itself.
        paths: What stands before paths now, by the folder of the file and the first part of each.
        whole: Names that are others now, without a word that is one in all names.
        variables: By the file, variables that are others now, and what stands before all of them.
    """

    words: dict[str, str]
    names: dict[tuple[str, str], str | None]
    roles: frozenset[str]
    defined: frozenset[str]
    paths: dict[tuple[str, str], str]
    whole: dict[str, str]
    variables: dict[str, tuple[dict[str, str], str]]

    @property
    def told(self) -> dict[str, str]:
        """What is another now, in words for the user."""
        paths = {f"/{path}": f"{before}/{path}" for (_, path), before in self.paths.items()}
        variables: dict[str, str] = {}
        for names, before in self.variables.values():
            variables |= {name: new for name, new in names.items() if new != before + name}
            variables |= {"each VARIABLE": f"{before}VARIABLE"} if before else {}
        return self.words | self.whole | paths | variables

    def apply(self, file: str, text: str) -> str:
        """Write a file of the template's with the names of the user's."""
        if file in self.variables:
            names, before = self.variables[file]
            return _VARIABLE.sub(lambda name: names.get(name[0], before + name[0]), text)
        if file.endswith(_WITH_VARIABLES):
            return text
        folder = file.partition("/")[0]
        if file.endswith(".py") and any(folder == each for each, _ in self.paths):
            text = _PATH.sub(lambda path: self.paths.get((folder, path[1]), "") + path[0], text)
        return self._with_names(file, text) if self.names else text

    def _with_names(self, file: str, text: str) -> str:
        parts, end = [], 0
        for token in _tokens(file, text):
            parts += [text[end : token.start], self._renamed(token)]
            end = token.start + len(token.word)
        return "".join([*parts, text[end:]])

    def _renamed(self, token: _Token) -> str:
        if (token.role, token.word) in self.names:
            return self.names[token.role, token.word] or token.word
        if token.role in {"name", "method"} and token.word not in self.defined:
            # It may be a name of a library's.
            return token.word
        if token.role not in self.roles:
            return token.word
        return "".join(_like(part, self.words.get(part.lower())) for part in _split(token.word))


def learn(
    pairs: Sequence[tuple[str, str, str]],
    written: Iterable[tuple[str, str]],
    untouched: Iterable[str] = (),
) -> Renaming:
    """Learn which names a user changed.

    Args:
        pairs: Files that the user changed: their names, what the template wrote and what they are.
        written: Names and texts of all files that the template wrote and writes now.
        untouched: Texts of files that the user did not change.

    Returns:
        What was renamed; no words, if nothing that is certain.
    """
    paths = _moved_paths(pairs)
    names, _ = _compared(pairs, _strictly)
    votes: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for (_, word), new_word in names.items():
        if new_word and new_word != word:
            before, after = _split(word), _split(new_word)
            if len(before) == len(after):
                for old, new in zip(before, after, strict=True):
                    if old != new:
                        votes[old.lower()][new.lower()].add(word.lower())
    known = {part.lower() for _, word in names for part in _split(word)}
    words = {
        old: next(iter(found))
        for old, found in votes.items()
        if len(found) == 1 and not found.keys() & known
    }
    supporters = {word for old in words for each in votes[old].values() for word in each}
    if len(supporters) < _ENOUGH:
        words = {}
    kept = {
        role
        for (role, word), new in names.items()
        if role not in {"name", "method"}
        and new in {None, word}
        and any(part.lower() in words for part in _split(word))
    }
    changed = {role for (role, word), new in names.items() if new not in {None, word}}
    alone: dict[tuple[str, str], str | None] = {}
    whole: dict[str, str] = {}
    if not words:
        alone, counts = _compared(pairs, _loosely)
        whole = _renamed_alone(alone, counts)
    texts = written if words or whole else ()
    defined = {name for file, text in texts for name in _defined(file, text)}
    if whole:
        there = {word for text in untouched for word in _WORD.findall(text)}
        whole = {word: new for word, new in whole.items() if word not in there}
    if not words:
        taken = {word for _, word in alone} | defined
        whole = {w: new for w, new in whole.items() if w in defined and new not in taken}
        names = {key: new for key, new in alone.items() if key[1] in whole}
    return Renaming(
        words,
        names,
        roles=frozenset(changed - kept),
        defined=frozenset(defined),
        paths=paths,
        whole=whole,
        variables=dict(_renamed_variables(pairs)),
    )


def _compared(
    pairs: Iterable[tuple[str, str, str]], compare: Callable[[list[_Token], list[_Token]], Compared]
) -> tuple[dict[tuple[str, str], str | None], Counter[str]]:
    """Give what became of names in each role, nothing where not always the same; and how often."""
    seen: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    counts: Counter[str] = Counter()
    for file, base, ours in pairs:
        if file.endswith(_SUFFIXES):
            was, now = list(_tokens(file, base)), list(_tokens(file, ours))
            for token, new_token in compare(was, now):
                seen[token.role, token.word].add(new_token.word)
                counts[token.word] += token.role == "name"
    return {key: next(iter(new)) if len(new) == 1 else None for key, new in seen.items()}, counts


def _strictly(was: list[_Token], now: list[_Token]) -> Compared:
    """Compare files in which nothing changed but words."""
    is_alike = [token.role for token in was] == [token.role for token in now]
    return zip(was, now, strict=True) if is_alike else ()


def _loosely(was: list[_Token], now: list[_Token]) -> Compared:
    """Compare what stayed and what is in the place of something, whatever else changed."""
    if len(was) > _MOST or len(now) > _MOST:
        return
    before, after = ([token[1:] for token in side] for side in (was, now))
    matcher = SequenceMatcher(None, before, after)
    for kind, first, last, begin, end in matcher.get_opcodes():
        if kind == "equal" or (kind == "replace" and last - first == end - begin):
            yield from _strictly(was[first:last], now[begin:end])


def _renamed_alone(
    names: Mapping[tuple[str, str], str | None], counts: Mapping[str, int]
) -> dict[str, str]:
    """Give names that are others in all of several places."""
    return {
        word: new
        for (role, word), new in names.items()
        if role == "name" and new and new != word and counts[word] > 1
    }


def is_followed(file: str) -> bool:
    """Whether names in a file are followed."""
    return file.endswith((*_SUFFIXES, *_WITH_VARIABLES))


def _renamed_variables(
    pairs: Iterable[tuple[str, str, str]],
) -> Iterator[tuple[str, tuple[dict[str, str], str]]]:
    """Learn which variables have other names in a file, and what stands before them, if it does."""
    for file, base, ours in pairs:
        if not file.endswith(_WITH_VARIABLES):
            continue
        was, now = _VARIABLE.findall(base), _VARIABLE.findall(ours)
        if len(was) != len(now):
            # The user added some, or deleted some.
            there = [(name, [new for new in now if f"_{new}".endswith(f"_{name}")]) for name in was]
            now = [min(found, key=len, default=name) for name, found in there]
        names = {name: new for name, new in zip(was, now, strict=True) if name != new}
        befores = Counter(
            new.removesuffix(name) for name, new in names.items() if new.endswith(name)
        )
        before, count = befores.most_common(1)[0] if befores else ("", 0)
        if count >= _ENOUGH:
            yield file, (names, before if len(names) == len({*was}) else "")


def _moved_paths(pairs: Iterable[tuple[str, str, str]]) -> dict[tuple[str, str], str]:
    """Learn what stands before paths of requests now, such as /api, in all files of a folder."""
    seen: defaultdict[tuple[str, str], list[str | None]] = defaultdict(list)
    for file, base, ours in pairs:
        was, now = list(_PATH.finditer(base)), list(_PATH.finditer(ours))
        if file.endswith(".py") and len(was) == len(now):
            for old, new in zip(was, now, strict=True):
                is_kept = new[0].endswith(old[0])
                before = new[0].removesuffix(old[0]) if is_kept else None
                seen[file.partition("/")[0], old[1]].append(before)
    found = {key: befores[0] for key, befores in seen.items() if len({*befores}) == 1}
    return {key: before for key, before in found.items() if before and len(seen[key]) >= _ENOUGH}


def _like(part: str, word: str | None) -> str:
    """Write a word with the letters, large or small, of the one in whose place it is."""
    if word is None or part.islower():
        return word or part
    return word.upper() if part.isupper() and len(part) > 1 else word.capitalize()


def _split(word: str) -> list[str]:
    return _PART.findall(word)


def _tokens(file: str, text: str) -> Iterator[_Token]:
    """Give the words of a file. In Python names, methods that are called, and text differ."""
    if not file.endswith(".py"):
        yield from (_Token(found.start(), found[0], "page") for found in _WORD.finditer(text))
        return
    starts = [0]
    for line in io.StringIO(text):
        starts.append(starts[-1] + len(line))
    try:
        found = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError):
        return
    for number, token in enumerate(found):
        start = starts[token.start[0] - 1] + token.start[1]
        if token.type == tokenize.NAME:
            is_method = found[number - 1].string == "." and found[number + 1].string == "("
            yield _Token(start, token.string, "method" if is_method else "name")
        elif token.type not in {tokenize.OP, tokenize.NUMBER}:
            for word in _WORD.finditer(token.string):
                yield _Token(start + word.start(), word[0], "text")


def _defined(file: str, text: str) -> Iterator[str]:
    """Give the names that a module defines, and its own."""
    if not file.endswith(".py"):
        return
    yield file.rpartition("/")[2].removesuffix(".py")
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except SyntaxError:
        return
    for node in nodes:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.arg():
                yield node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.id
            case ast.Attribute(ctx=ast.Store()):
                yield node.attr
