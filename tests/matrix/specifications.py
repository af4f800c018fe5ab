"""Resources at random, by a number that gives the same again, and the least of them that fails."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from resources import resources_problem

from servicewright.resources import read_one

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

NAMES = """
account_holder author book box bus_stop city customer customer_address_book day
employee order order_line owner person product review shelf unit user visit warehouse
widget widget_part
""".split()
PLURALS = {"person": "people", "shelf": "shelves"}
FIELDS = """
amount code comment decimal description due_on ends_at field flag height is_the_one_that_counts
kind label literal name note number of_which_there_is_only_one owner paid placed_at
price quantity ratio rating size starts_on state status summary tags title weight widget year
""".split()
KINDS = """
text text(10) text(30) text(250) long_text integer number money yes_no date datetime
choice(new,done) choice(red,dark-green,sky_blue) uuid list list(5)
""".split()
DEFAULTS = {
    "text": '"none"',
    "long_text": '"a \\"quoted\\" text"',
    "integer": "-3",
    "number": "2.5",
    "money": "9.90",
    "yes_no": "yes",
    "date": "2026-01-31",
    "datetime": "2026-01-31T10:00:00+02:00",
    "uuid": "00000000-0000-0000-0000-000000000009",
    "list": "[]",
}
COMPUTED = {"date": "today", "datetime": "now", "uuid": "new"}
EXAMPLES = {"text": '"Ada"', "integer": "12", "number": "0.25", "money": "3", "list": '"ok"'}


def specification(seed: int) -> list[str]:
    """Give one to six resources with fields of all kinds, in any order."""
    chance = random.Random(seed)  # noqa: S311
    names = chance.sample(NAMES, chance.randint(1, 6))
    found = [resource(name, names[:number], chance) for number, name in enumerate(names)]
    chance.shuffle(found)
    return found


def resource(name: str, targets: Sequence[str], chance: random.Random) -> str:
    """Give a resource, which may refer to some others."""
    names = chance.sample(FIELDS, chance.randint(1, 9))
    fields = ", ".join(
        f"{field}: {reference(targets, chance) if is_reference else kind(chance)}"
        for field in names
        for is_reference in [bool(targets) and chance.random() < 0.2]
    )
    # A chance of its own, so that all else stays as the number gives it.
    own = random.Random(f"{name} {names}")  # noqa: S311
    if own.random() < 0.15:
        fields += f", parent: {name}?{own.choice(['', '', ' unique', ' indexed'])}"
    plural = f"/{PLURALS[name]}" if name in PLURALS else ""
    return f"{name}{plural}({fields})"


def reference(targets: Sequence[str], chance: random.Random) -> str:
    """Give what stands behind the name of a reference."""
    target = chance.choice(targets)
    optional = chance.choice(["", "?"])
    return f"{target}{optional}{chance.choice(['', '', ' unique', ' indexed'])}"


def kind(chance: random.Random) -> str:
    """Give what stands behind the name of a field."""
    whole = chance.choice(KINDS)
    alone = whole.partition("(")[0]
    said = [whole]
    is_text = alone in {"text", "long_text"}
    is_unique = alone in {"text", "integer", "number", "money", "date", "datetime", "uuid"}
    is_unique = is_unique and chance.random() < 0.15
    if chance.random() < 0.25:
        said = [f"{whole}?"]
    elif not is_unique and chance.random() < 0.3 and alone != "choice":
        values = [DEFAULTS[alone], *([COMPUTED[alone]] if alone in COMPUTED else [])]
        said.append(f"= {chance.choice(values)}")
    elif alone in EXAMPLES and chance.random() < 0.3:
        said.append(f"like {EXAMPLES[alone]}")
    if is_unique:
        said.append("unique")
    elif alone not in {"long_text", "list"} and chance.random() < 0.15:
        said.append("indexed")
    if is_text and chance.random() < 0.4:
        said.append("searched")
    elif chance.random() < 0.1:
        said.append("write-only")
    return " ".join(said)


def smallest(found: list[str], fails: Callable[[list[str]], bool]) -> list[str]:
    """Give the least of resources that still fails, as far as one step at a time leads."""
    while True:
        less = (each for each in smaller(found) if not resources_problem(each))
        if (next_one := next(filter(fails, less), None)) is None:
            return found
        found = next_one


def smaller(found: list[str]) -> Iterator[list[str]]:
    """Give resources with less: one alone, without one, with fewer fields, with plainer ones."""
    for number in range(len(found) if len(found) > 1 else 0):
        yield [found[number]]
    for number in range(len(found)):
        yield found[:number] + found[number + 1 :]
    for number, text in enumerate(found):
        one = read_one(text)
        half = len(one.fields) // 2
        left = [one.fields[:half], one.fields[half:]] if half else []
        left += [one.fields[:at] + one.fields[at + 1 :] for at in range(len(one.fields))]
        left += [
            (*one.fields[:at], (name, plain), *one.fields[at + 1 :])
            for at, (name, said) in enumerate(one.fields)
            for plain in plainer(said)
        ]
        for fields in left:
            yield [*found[:number], str(replace(one, fields=fields).answer), *found[number + 1 :]]


def plainer(said: str) -> Iterator[str]:
    """Give less to say of a field: nothing but a text, or one word fewer."""
    if said != "text":
        yield "text"
    kind, *words = re.findall(r'(?:= |like )?(?:"(?:[^"\\]|\\.)*"|\S+)', said)
    if kind.endswith("?"):
        yield " ".join([kind.removesuffix("?"), *words])
    for number in range(len(words)):
        yield " ".join([kind, *words[:number], *words[number + 1 :]])
