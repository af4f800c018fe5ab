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
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Files with names of the service's.
SUFFIXES = (".py", ".html", ".js")

# So many different names have to show that a word is another now.
_ENOUGH = 3
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|_+")


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
    """

    words: dict[str, str]
    names: dict[tuple[str, str], str | None]
    roles: frozenset[str]
    defined: frozenset[str]

    def apply(self, file: str, text: str) -> str:
        """Write a file of the template's with the names of the user's."""
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


def learn(pairs: Iterable[tuple[str, str, str]], written: Iterable[tuple[str, str]]) -> Renaming:
    """Learn which names a user changed.

    Args:
        pairs: Files that the user changed: their names, what the template wrote and what they are.
        written: Names and texts of all files that the template wrote and writes now.

    Returns:
        What was renamed; no words, if nothing that is certain.
    """
    seen: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for file, base, ours in pairs:
        was, now = list(_tokens(file, base)), list(_tokens(file, ours))
        if [token.role for token in was] == [token.role for token in now]:
            for token, new_token in zip(was, now, strict=True):
                seen[token.role, token.word].add(new_token.word)
    names = {key: next(iter(words)) if len(words) == 1 else None for key, words in seen.items()}
    votes: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for (_, word), new_word in names.items():
        if new_word and new_word != word:
            before, after = _split(word), _split(new_word)
            if len(before) == len(after):
                for old, new in zip(before, after, strict=True):
                    if old != new:
                        votes[old.lower()][new.lower()].add(word.lower())
    known = {part.lower() for _, word in seen for part in _split(word)}
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
    defined = {name for file, text in written for name in _defined(file, text)} if words else set()
    return Renaming(words, names, frozenset(changed - kept), frozenset(defined))


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
