"""Changes what a service keeps, as it is typed: resources that come, go or have other fields.

Only names are read here. Whether the rest can be made is for the template to say, whose version
may be another one.
"""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import yaml

from servicewright.errors import AnswerError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# The question whose answer they are.
QUESTION = "resources"
_TEXT = r'"(?:[^"\\]|\\.)*"'
_RESOURCE = re.compile(
    r"\s*(?P<name>\w+)\s*(?:/\s*(?P<plural>\w+))?\s*\((?P<fields>.*)\)\s*", re.DOTALL
)


@dataclass(frozen=True)
class Resource:
    """A resource as it is answered.

    Attributes:
        name: What one is called.
        plural: What several are called, if that is said.
        fields: Its fields, each with what is said of it.
        is_text: Whether it is answered in one line, and not as data.
    """

    name: str
    plural: str
    fields: tuple[tuple[str, str], ...]
    is_text: bool = True

    @property
    def answer(self) -> str | dict[str, Any]:
        """What the template is answered."""
        if not self.is_text:
            plural = {"plural": self.plural} if self.plural else {}
            return {
                "name": self.name,
                **plural,
                "fields": [{name: said} for name, said in self.fields],
            }
        head = f"{self.name}/{self.plural}" if self.plural else self.name
        return f"{head}({', '.join(f'{name}: {said}' for name, said in self.fields)})"

    @property
    def names(self) -> tuple[str, ...]:
        """What it may be called: one of it, or several."""
        return (self.name, self.plural or plural_of(self.name))

    def refers_to(self, other: Resource) -> Iterator[str]:
        """Give its fields that refer to another resource."""
        for name, said in self.fields:
            if said.split("?")[0].split()[:1] in [[each] for each in other.names]:
                yield name


def plural_of(name: str) -> str:
    """Give the plural of a word of English, as the template's rule has it."""
    if re.search(r"(s|x|z|ch|sh)$", name):
        return f"{name}es"
    return f"{name[:-1]}ies" if re.search(r"[^aeiou]y$", name) else f"{name}s"


def read(answer: Any) -> list[Resource]:
    """Read an answer, which is a list or what was typed of one.

    Raises:
        AnswerError: It is no list of resources.
    """
    if isinstance(answer, str):
        try:
            answer = yaml.safe_load(answer)
        except yaml.YAMLError as error:
            reason = " ".join(str(error).split())
            raise AnswerError(f"resources cannot be read: {reason}.") from error
    if not isinstance(answer, list):
        raise AnswerError('resources must be a list, such as ["order(total: money)"] or [].')
    return [read_one(entry) for entry in answer]


def read_one(entry: Any) -> Resource:
    """Read a resource.

    Raises:
        AnswerError: It is none.
    """
    if isinstance(entry, dict) and isinstance(entry.get("fields"), list):
        pairs = [
            pair for field in entry["fields"] if isinstance(field, dict) for pair in field.items()
        ]
        fields = tuple((str(name), str(said)) for name, said in pairs)
        plural = str(entry.get("plural") or "")
        return Resource(str(entry.get("name")), plural, fields, is_text=False)
    found = _RESOURCE.fullmatch(str(entry))
    if found is None:
        raise AnswerError(
            f"{str(entry)!r} is no resource: write NAME(FIELD: TYPE, ...), such as "
            '"order(customer: text(100), total: money)".'
        )
    fields = tuple(read_field(text, found["name"]) for text in split(found["fields"]))
    return Resource(found["name"], found["plural"] or "", fields)


def split(text: str) -> list[str]:
    """Split a text at the commas that stand in no brackets and in no quotes."""
    parts, depth = [""], 0
    for piece in re.findall(rf"{_TEXT}|.", text, re.DOTALL):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(piece, 0)
        if piece == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += piece
    return [part.strip() for part in parts if part.strip()]


def read_field(text: str, resource: str) -> tuple[str, str]:
    """Read a field: its name, and what is said of it.

    Raises:
        AnswerError: It is none.
    """
    name, colon, said = (part.strip() for part in text.partition(":"))
    if not (name and colon and said):
        raise AnswerError(
            f"{resource}: {text!r} is no field: write NAME: TYPE, such as note: text."
        )
    return name, said


def added(known: Sequence[Resource], texts: Iterable[str]) -> list[Resource]:
    """Add resources behind the others.

    Raises:
        AnswerError: One is none, or is there already.
    """
    result = list(known)
    for text in texts:
        new = read_one(text)
        if any(new.name == other.name for other in result):
            raise AnswerError(
                f"{new.name} is there already: change it with `servicewright change {new.name} "
                "'+FIELD: TYPE'`."
            )
        result.append(new)
    return result


def removed(known: Sequence[Resource], names: Iterable[str]) -> list[Resource]:
    """Leave out resources.

    Raises:
        AnswerError: There is none of a name, or one that stays refers to it.
    """
    gone = [find(known, name) for name in names]
    left = [resource for resource in known if resource not in gone]
    for resource in left:
        for other in gone:
            for field in resource.refers_to(other):
                raise AnswerError(
                    f"{other.name} cannot go, because {resource.name}.{field} refers to it: "
                    f"remove {resource.name} too, or first that field with `servicewright change "
                    f"{resource.name} -{field}`."
                )
    return left


def changed(known: Sequence[Resource], name: str, changes: Sequence[str]) -> list[Resource]:
    """Change fields of a resource.

    ``+note: text`` comes, ``note: text?`` is another from now on, ``-note`` goes.

    Raises:
        AnswerError: There is no such resource or field, or there is one already.
        UsageError: Nothing is to be changed.
    """
    resource = find(known, name)
    if not changes:
        raise UsageError(
            f"Nothing to change in {resource.name}: write '+FIELD: TYPE' for a new field, "
            "'FIELD: TYPE' for what one is from now on, -FIELD for one that goes."
        )
    fields = dict(resource.fields)
    for change in map(str.strip, changes):
        if change.startswith("-"):
            field = change[1:].strip()
            _expect(field, fields, resource, "")
            del fields[field]
            continue
        field, said = read_field(change.removeprefix("+"), resource.name)
        if not change.startswith("+"):
            _expect(field, fields, resource, f": write '+{field}: {said}' to add it")
        elif field in fields:
            raise AnswerError(
                f"{resource.name}.{field} is there already: write '{field}: {said}' to change it."
            )
        fields[field] = said
    return [
        replace(resource, fields=tuple(fields.items())) if other is resource else other
        for other in known
    ]


def _expect(field: str, fields: Iterable[str], resource: Resource, instead: str) -> None:
    """Expect that a resource has a field."""
    known = list(fields)
    if field in known:
        return
    similar = difflib.get_close_matches(field, known, n=1)
    hint = f": did you mean {similar[0]!r}?" if similar else f"{instead}."
    if not similar and not instead:
        hint = f": its fields are {', '.join(known)}."
    raise AnswerError(f"{resource.name} has no field {field!r}{hint}")


def find(known: Sequence[Resource], name: str) -> Resource:
    """Find a resource by what one or several are called.

    Raises:
        AnswerError: There is none.
    """
    for resource in known:
        if name in resource.names:
            return resource
    names = [each for resource in known for each in resource.names]
    if similar := difflib.get_close_matches(name, names, n=1):
        raise AnswerError(f"There is no resource {name!r}: did you mean {similar[0]!r}?")
    there = (
        f"there are {', '.join(resource.name for resource in known)}" if known else "none is left"
    )
    raise AnswerError(f"There is no resource {name!r}: {there}.")


def typed(resources: Iterable[Resource]) -> str:
    """Write an answer as it is typed."""
    return json.dumps([resource.answer for resource in resources], ensure_ascii=False)
