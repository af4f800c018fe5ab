"""The migrations that bring the tables from each answer to ``resources`` to the next one.

What they made so far is remembered in the answer to ``migrated``, one step a line: a table as it is
from then on, or without fields where it goes, or a feature whose tables come or go. So a migration
stays as it is, whatever is answered later. Copier loads this file by its path, so it stands alone.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from copier_template_extensions import ContextHook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence

    from jinja2 import Environment

TYPES = {
    "text": "sa.String(length={length})",
    "long_text": "sa.Text()",
    "integer": "sa.Integer()",
    "number": "sa.Double()",
    "money": "sa.BigInteger()",
    "yes_no": "sa.Boolean()",
    "date": "sa.Date()",
    "datetime": "sa.DateTime()",
    "choice": "sa.String(length=30)",
    "uuid": "sa.Uuid()",
    "list": "sa.JSON()",
    "reference": "sa.Integer()",
}
# What becomes of one another without a loss, or with one that can be told.
FAMILIES = ({"text", "long_text", "choice"}, {"integer", "number"})
# What rows get for a field that must not be null and says nothing of what it is otherwise.
FILLED = {
    "text": ('""', "nothing, which is an empty text"),
    "long_text": ('""', "nothing, which is an empty text"),
    "integer": ("0", "0"),
    "number": ("0.0", "0"),
    "money": ("0", "0.00"),
    "yes_no": ("False", "no"),
    "date": ("dt.datetime.now(dt.UTC).date()", "the day of the migration"),
    "datetime": ("dt.datetime.now(dt.UTC).replace(tzinfo=None)", "the time of the migration"),
    "uuid": ("sa.literal_column(uuids)", "a new one each"),
    "list": ("[]", "[]"),
}
# The defaults that are worked out.
COMPUTED = [["datetime", "now"], ["date", "today"], ["uuid", "new"]]
# What rows get where no two may have the same.
NUMBERED = {
    "text": "sa.cast(table.c.id, sa.String())",
    "integer": "table.c.id",
    "number": "sa.cast(table.c.id, sa.Double())",
    "money": "table.c.id",
    "date": "sa.literal_column(dates)",
    "datetime": "sa.literal_column(datetimes)",
    "uuid": "sa.literal_column(uuids)",
}
# What SQLite and PostgreSQL have different words for.
DIALECTS = {
    "uuids": ("lower(hex(randomblob(16)))", "gen_random_uuid()"),
    "dates": ("date('2000-01-01', id || ' days')", "DATE '2000-01-01' + id"),
    "datetimes": (
        "datetime('2000-01-01', id || ' days')",
        "TIMESTAMP '2000-01-01' + id * INTERVAL '1 day'",
    ),
}
# PostgreSQL has no longer names.
LONGEST_IDENTIFIER = 63
# What a line of a docstring has place for.
LONGEST_SHOWN = 30
ENTRY = re.compile(
    r"(?P<what>(.*\)|(?P<feature>\w+): (?P<way>comes|goes))?)"
    r" ?(as (?P<revision>\S+))? ?(after (?P<former>\S+))?",
    re.DOTALL,
)


@dataclass(frozen=True)
class Own:
    """The tables of a feature, which come and go with it.

    Attributes:
        first: What the first of them is called.
        words: What they hold, in words.
        create: The lines that create them.
        drop: The lines that drop them.
    """

    first: str
    words: str
    create: tuple[str, ...]
    drop: tuple[str, ...]

    @classmethod
    def of(cls, said: Mapping[str, str]) -> Own:
        """Read what the folder of a feature says of them."""
        create, drop = (tuple(said[way].strip().splitlines()) for way in ("create", "drop"))
        return cls(said["first"], said["words"], create, drop)


@dataclass(frozen=True)
class Column:
    """A column of a table, besides its id.

    Attributes:
        name: Its name.
        kind: Of which kind the field is.
        length: The most characters of a text; 0 of what has no such limit.
        choices: What a choice may be.
        target: The table that it refers to.
        optional: Whether it may be null.
        unique: Whether no two rows may have the same.
        indexed: Whether it has an index.
        default: What a field is unless something is sent.
    """

    name: str
    kind: str
    length: int
    choices: tuple[str, ...]
    target: str
    optional: bool
    unique: bool
    indexed: bool
    default: Any

    @property
    def type(self) -> str:
        """Its type, as migrations write it."""
        return TYPES[self.kind].format(length=self.length)

    @property
    def is_reference(self) -> bool:
        """Whether it is the id of a row of another table."""
        return self.kind == "reference"

    def written(self, *, nullable: bool) -> str:
        """The column, as migrations write it."""
        return f'sa.Column("{self.name}", {self.type}, nullable={nullable})'

    def constraint(self, table: str) -> str:
        """The name of the constraint of a reference."""
        name = f"fk_{table}_{self.name}_{self.target}"
        # Alembic shortens what is marked so, as SQLAlchemy does with the names that it makes.
        return f'op.f("{name}")' if len(name) > LONGEST_IDENTIFIER else f'"{name}"'

    @property
    def facts(self) -> tuple[object, ...]:
        """What the table or its rows depend on."""
        return (self.kind, self.length, self.choices, self.target, self.optional, *self.marks)

    @property
    def marks(self) -> tuple[bool, bool]:
        """Whether it is unique, and whether it has an index."""
        return (self.unique, self.indexed)

    @property
    def said(self) -> str:
        """How it is remembered."""
        within = str(self.length) if self.kind == "text" else ", ".join(self.choices)
        parts = [
            f"{self.name}: {self.target or self.kind}",
            f"({within})" if within else "",
            "?" if self.optional else "",
            " unique" if self.unique else "",
            " indexed" if self.indexed and not self.is_reference else "",
            "" if self.default is None else f" = {as_said(self.kind, self.default)}",
        ]
        return "".join(parts)

    def becomes(self, other: Column) -> bool:
        """Whether what is in it can be taken over by another."""
        if self.kind == other.kind:
            return self.target == other.target
        return any({self.kind, other.kind} <= family for family in FAMILIES)

    def follows(self, other: Column) -> tuple[str, str]:
        """How rows get their values from another column, as code and in words; empty if as is."""
        own = f"table.c.{self.name}"
        if self.kind == "choice":
            if other.kind == "choice" and {*other.choices} <= {*self.choices}:
                return "", ""
            known = ", ".join(f'"{choice}"' for choice in self.choices)
            code = f'sa.case(({own}.not_in([{known}]), "{self.instead}"), else_={own})'
            return code, f"what is none of its choices becomes {self.instead}"
        if self.kind == "text" and self.length < (other.length or self.length + 1):
            code = f"sa.func.substr({own}, 1, {self.length})"
            return code, f"what is longer than {self.length} characters is cut"
        if (other.kind, self.kind) == ("number", "integer"):
            code = (
                f"sa.case(({own} > 2**31 - 1, 2**31 - 1), ({own} < -(2**31), -(2**31)), "
                f"else_=sa.func.round({own}))"
            )
            return code, "what is no whole number of 32 bits becomes the next one"
        return "", ""

    @property
    def filling(self) -> tuple[str, str]:
        """What rows get that have nothing in it, as code and in words."""
        if self.unique:
            words = "a new one each" if self.kind in {"uuid", "date", "datetime"} else "its id"
            return NUMBERED[self.kind], words
        if self.kind == "choice":
            return f'"{self.instead}"', self.instead
        if self.default is None or [self.kind, self.default] in COMPUTED:
            return FILLED[self.kind]
        return literal(self.kind, self.default), shown(as_said(self.kind, self.default))

    @property
    def instead(self) -> str:
        """What a choice is that would be none."""
        return str(self.default or self.choices[0])


def literal(kind: str, value: Any) -> str:  # noqa: PLR0911 - one for each kind
    """Write a value as Python has it and as columns store it."""
    match kind:
        case "money":
            return str(int(value.scaleb(2)))
        case "date":
            return f"dt.date({value.year}, {value.month}, {value.day})"
        case "datetime":
            return f'dt.datetime.fromisoformat("{value.astimezone(UTC).replace(tzinfo=None)}")'
        case "uuid":
            return f'UUID("{value}")'
        case "list":
            return f"[{', '.join(map(quoted, value))}]"
        case "text" | "long_text":
            return quoted(value)
        case _:
            return repr(value)


def quoted(text: str) -> str:
    """Write a text without control characters as a formatter does."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + text.replace("\\", "\\\\").replace(quote, f"\\{quote}") + quote


def as_said(kind: str, value: Any) -> str:
    """Write a default as the answer to ``resources`` has it."""
    match kind:
        case "text" | "long_text":
            return json.dumps(value, ensure_ascii=False)
        case "list":
            return as_said("text", value[0]) if value else "[]"
        case "yes_no":
            return "yes" if value else "no"
        case _:
            return str(value.isoformat() if hasattr(value, "isoformat") else value)


def shown(text: str) -> str:
    """Shorten a text for a line of a docstring."""
    short = text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"
    return short.replace("\\", "/").replace('"', "'")


Table = tuple[Column, ...]


@dataclass(frozen=True)
class Step:
    """A migration: one table comes, changes or goes.

    Attributes:
        table: The table.
        before: Its columns before; None where it comes.
        after: Its columns then; None where it goes.
        revision: The name of the migration.
        former: That of the one before it; empty where there is none.
        own: The tables that it creates or drops, where they are a feature's.
    """

    table: str
    before: Table | None
    after: Table | None
    revision: str
    former: str
    own: Own | None = None

    @property
    def down_revision(self) -> str:
        """The name of the one before it, as Python has it."""
        return f'"{self.former}"' if self.former else "None"

    @property
    def verb(self) -> str:
        """What it does, in one word."""
        return "create" if self.before is None else "drop" if self.after is None else "change"

    @property
    def docstring(self) -> str:
        """What it does, and what is to be known before it runs."""
        what = f"tables of {self.own.words}" if self.own else f"table of {self.label}"
        first = f"{self.verb.capitalize()} the {what}."
        told = self.told
        return "\n".join([first, *told, ""]) if told else first

    @property
    def label(self) -> str:
        """What the table holds, in words."""
        return self.table.replace("_", " ")

    @property
    def told(self) -> list[str]:
        """What is to be known of it before it runs, as lines of its docstring."""
        if self.before is None:
            return []
        if self.after is None:
            lost = self.own.words if self.own else f"{self.table}, with all rows"
            return ["", "Lost:", "", f"- {lost}"]
        lines: list[str] = []
        for heading, said in (
            ("Lost", self._lost(self.before, self.after)),
            ("Filled in", self._filled(self.before, self.after)),
            ("Needed", self._needed(self.before, self.after)),
        ):
            items = [f"- {self.table}.{words}" for words in said]
            lines += ["", f"{heading}:", "", *items] if items else []
        return lines

    @staticmethod
    def _lost(before: Table, after: Table) -> Iterator[str]:
        """Say what rows lose."""
        coming = {column.name: column for column in after}
        for column in before:
            other = coming.get(column.name)
            if other is None or not column.becomes(other):
                yield f"{column.name}, with what is in it"
            elif words := other.follows(column)[1]:
                yield f"{column.name}: {words}"

    @staticmethod
    def _filled(before: Table, after: Table) -> Iterator[str]:
        """Say what rows get for what must not be null."""
        for column in newly_required(before, after):
            if not column.is_reference:
                yield f"{column.name}: {column.filling[1]}"

    @staticmethod
    def _needed(before: Table, after: Table) -> Iterator[str]:
        """Say what must be so of the rows that are there."""
        for column in newly_required(before, after):
            if column.is_reference:
                yield f"{column.name} is required, and nothing says to what rows refer"
        for column, other in taken_over(before, after):
            if other.unique and not column.unique:
                yield f"{column.name} is unique: no two rows may have the same"

    @property
    def upgrade(self) -> list[str]:
        """The lines of the way there."""
        return list(self._lines(self.before, self.after))

    @property
    def downgrade(self) -> list[str]:
        """The lines of the way back."""
        return list(self._lines(self.after, self.before))

    def _lines(self, before: Table | None, after: Table | None) -> Iterator[str]:
        if self.own:
            yield from self.own.create if before is None else self.own.drop
        elif after is None:
            yield f'op.drop_table("{self.table}")'
        elif before is None:
            yield from creating(self.table, after)
        else:
            yield from changing(self.table, before, after)


def taken_over(before: Table, after: Table) -> list[tuple[Column, Column]]:
    """Give the columns whose contents stay, as they are and as they will be."""
    coming = {column.name: column for column in after}
    return [
        (column, coming[column.name])
        for column in before
        if column.name in coming and column.becomes(coming[column.name])
    ]


def newly_required(before: Table, after: Table) -> list[Column]:
    """Give the columns that must not be null from then on."""
    filled = {other.name for column, other in taken_over(before, after) if not column.optional}
    return [column for column in after if not column.optional and column.name not in filled]


def creating(table: str, columns: Table) -> Iterator[str]:
    """Write what creates a table."""
    yield "op.create_table("
    yield f'    "{table}",'
    yield '    sa.Column("id", sa.Integer(), nullable=False),'
    for column in columns:
        yield f"    {column.written(nullable=column.optional)},"
    for column in columns:
        if column.is_reference:
            ends = f'["{column.name}"], ["{column.target}.id"]'
            yield f"    sa.ForeignKeyConstraint({ends}, name={column.constraint(table)}),"
    yield f'    sa.PrimaryKeyConstraint("id", name="pk_{table}"),'
    for column in columns:
        if column.unique:
            yield f'    sa.UniqueConstraint("{column.name}", name="uq_{table}_{column.name}"),'
    yield ")"
    for column in columns:
        if column.indexed:
            yield f'op.create_index("ix_{table}_{column.name}", "{table}", ["{column.name}"])'


def changing(table: str, before: Table, after: Table) -> Iterator[str]:
    """Write what changes a table: what goes, what rows get, what comes, what must hold then."""
    known = {column.name: column for column in before}
    kept = taken_over(before, after)
    stays = {column.name for column, _ in kept}
    gone = [column for column in before if column.name not in stays]
    new = [column for column in after if column.name not in stays]

    for column in gone:
        if column.indexed:
            yield f'op.drop_index("ix_{table}_{column.name}", table_name="{table}")'
    for column, other in kept:
        if column.indexed and not other.indexed:
            yield f'op.drop_index("ix_{table}_{column.name}", table_name="{table}")'
    yield from batch(
        table,
        [
            *(f'batch.drop_column("{column.name}")' for column in gone),
            *(
                f'batch.drop_constraint("uq_{table}_{column.name}", type_="unique")'
                for column, other in kept
                if column.unique and not other.unique
            ),
        ],
    )
    fitting = []
    for column, other in kept:
        code = other.follows(column)[0]
        if column.optional and not other.optional and not other.is_reference:
            own = f"table.c.{column.name}"
            code = f"sa.func.coalesce({code or own}, {typed(other)})"
        if code:
            fitting.append((other, code))
    yield from updating(table, "fitting", fitting)
    yield from batch(
        table,
        [
            *(f"batch.add_column({column.written(nullable=True)})" for column in new),
            *(
                f'batch.alter_column("{column.name}", {", ".join(alters)})'
                for column, other in kept
                if (alters := altered(column, other))
            ),
        ],
    )
    required = [column for column in new if not column.optional]
    filling = [(column, column.filling[0]) for column in required if not column.is_reference]
    yield from updating(table, "filling", filling)
    yield from batch(
        table,
        [
            *(
                f'batch.alter_column("{column.name}", existing_type={column.type}, nullable=False)'
                for column in required
            ),
            *(
                f"batch.create_foreign_key({column.constraint(table)}, "
                f'"{column.target}", ["{column.name}"], ["id"])'
                for column in new
                if column.is_reference
            ),
            *(
                f'batch.create_unique_constraint("uq_{table}_{column.name}", ["{column.name}"])'
                for column in after
                if column.unique and not (column.name in stays and known[column.name].unique)
            ),
        ],
    )
    for column in after:
        if column.indexed and not (column.name in stays and known[column.name].indexed):
            yield f'op.create_index("ix_{table}_{column.name}", "{table}", ["{column.name}"])'


def altered(column: Column, other: Column) -> list[str]:
    """Say in what a column is another one, as arguments; nothing where it is the same."""
    said = []
    if other.type != column.type:
        said.append(f"type_={other.type}")
    if other.optional != column.optional:
        said.append(f"nullable={other.optional}")
    kept = (
        [f"existing_nullable={column.optional}"]
        if said and other.optional == column.optional
        else []
    )
    return [f"existing_type={column.type}", *kept, *said] if said else []


def typed(column: Column) -> str:
    """Write what rows get, with its type where that is not to be seen."""
    code = column.filling[0]
    return code if code.startswith(("sa.", "table.")) else f"sa.literal({code}, {column.type})"


def batch(table: str, lines: Sequence[str]) -> Iterator[str]:
    """Write a block that changes a table, if it changes anything."""
    if lines:
        yield f'with op.batch_alter_table("{table}") as batch:'
        yield from (f"    {line}" for line in lines)


def updating(table: str, name: str, values: Sequence[tuple[Column, str]]) -> Iterator[str]:
    """Write what gives rows their values, if they get any."""
    if not values:
        return
    codes = " ".join(code for _, code in values)
    for words, (sqlite, postgresql) in DIALECTS.items():
        if f"({words})" in codes:
            yield f'ways = {{"sqlite": "{sqlite}", "postgresql": "{postgresql}"}}'
            yield f"{words} = ways[op.get_context().dialect.name]"
    own = [f'sa.column("{column.name}", {column.type})' for column, _ in values]
    if "table.c.id" in codes:
        own.insert(0, 'sa.column("id", sa.Integer())')
    yield f'table = sa.table("{table}", {", ".join(own)})'
    pairs = ", ".join(f'"{column.name}": {code}' for column, code in values)
    yield f"{name}: dict[str, object] = {{{pairs}}}"
    yield f"op.execute(table.update().values(**{name}))"


def tables_of(resources: Iterable[Any]) -> dict[str, Table]:
    """Give the tables of resources, each behind those that it refers to."""
    every = list(resources)
    plurals = {resource.name: resource.plural for resource in every}
    return {
        resource.plural: tuple(column_of(field, plurals) for field in resource.fields)
        for resource in every
    }


def column_of(field: Any, plurals: Mapping[str, str]) -> Column:
    """Give the column of a field; what is of no kind refers to the table of that name."""
    is_reference = field.kind not in TYPES or field.kind == "reference"
    unique = "unique" in field.marks
    return Column(
        name=field.name,
        kind="reference" if is_reference else field.kind,
        length=(field.length or 0) if field.kind == "text" else 0,
        choices=field.choices,
        target=plurals.get(field.target, field.kind) if is_reference else "",
        optional=field.optional,
        unique=unique,
        indexed=not unique and (is_reference or "indexed" in field.marks),
        default=field.default,
    )


class History:
    """The migrations so far, read from what is remembered of them.

    Args:
        remembered: The answer to ``migrated``.
        read: Reads a resource from one line.
        own: The tables that features have, by their names.

    Raises:
        KeyError: A feature has none.
        ValueError: It cannot be read.
    """

    def __init__(
        self,
        remembered: Sequence[str],
        read: Callable[[str], Any],
        own: Mapping[str, Own] = MappingProxyType({}),
    ) -> None:
        self._own = own
        self.steps: list[Step] = []
        self.tables: dict[str, Table] = {}
        # The features whose tables are there.
        self.features: set[str] = set()
        self.remembered: list[str] = []
        # What the next one is called, and which one it follows, where that is not the last one.
        self._next: dict[str, str] = {}
        for entry in remembered:
            found = ENTRY.fullmatch(str(entry))
            if found is None:
                raise ValueError(entry)
            self._next = {key: found[key] for key in ("revision", "former") if found[key]}
            if feature := found["feature"]:
                self.add_own(feature, comes=found["way"] == "comes")
            elif found["what"]:
                one = read(found["what"])
                columns = tuple(column_of(field, {}) for field in one.fields)
                self.add(one.name, columns or None)

    def add(self, table: str, columns: Table | None) -> None:
        """Add the step that makes a table what it is to be, or lets it go."""
        said = f"{table}({', '.join(column.said for column in columns or ())})"
        self._add(said, partial(Step, table, self.tables.pop(table, None), columns))
        if columns:
            self.tables[table] = columns

    def add_own(self, feature: str, *, comes: bool) -> None:
        """Add the step in which the tables of a feature come or go.

        Raises:
            KeyError: No such feature has tables.
        """
        own = self._own[feature]
        before, after = (None, ()) if comes else ((), None)
        said = f"{feature}: {'comes' if comes else 'goes'}"
        self._add(said, partial(Step, own.first, before, after, own=own))
        self.features ^= {feature}

    def _add(self, said: str, step_of: Callable[..., Step]) -> None:
        """Add a step that is said so, with its name and that of the one before it."""
        former = self.steps[-1].revision if self.steps else ""
        numbers = [int(step.revision) for step in self.steps if step.revision.isdecimal()]
        revision = f"{max(numbers, default=0) + 1:04}"
        step = step_of(
            revision=self._next.get("revision", revision), former=self._next.get("former", former)
        )
        self._next = {}
        said += f" as {step.revision}" if step.revision != revision else ""
        said += f" after {step.former}" if step.former != former else ""
        self.steps.append(step)
        self.remembered.append(said)

    def go_on_to(self, tables: Mapping[str, Table], features: Iterable[str] = ()) -> None:
        """Add the steps that make other tables of these: what comes, what changes, what goes.

        Args:
            tables: Those of the resources.
            features: The features with tables of their own.
        """
        wanted = {*features}
        for table, columns in tables.items():
            if table not in self.tables:
                self.add(table, columns)
        for table, columns in tables.items():
            if facts(columns) != facts(self.tables[table]):
                self.add(table, columns)
        gone = [table for table in self.tables if table not in tables]
        while gone:
            targets = {
                column.target
                for table in gone
                for column in self.tables[table]
                if column.target != table
            }
            table = next(table for table in reversed(gone) if table not in targets)
            self.add(table, None)
            gone.remove(table)
        for feature in sorted(wanted ^ self.features):
            self.add_own(feature, comes=feature in wanted)


def facts(columns: Table) -> dict[str, tuple[object, ...]]:
    """Give what the rows of a table depend on, in which the order does not count."""
    return {column.name: column.facts for column in columns}


class Migrations(ContextHook):
    """Adds the migrations to the context of every rendering."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._tables: Mapping[str, Mapping[str, str]] = {}
        self._own: dict[str, Own] = {}
        self._key: tuple[Any, ...] = ()
        self._history = History([], str)

    def hook(self, context: MutableMapping[str, Any]) -> None:
        """Add ``steps``, the migrations, and ``migrated_so_far``, what is to be remembered."""
        remembered, kept = context.get("migrated") or [], context.get("specified", [])
        # Without a database nothing changes, but the start is the same for whoever adds one.
        goes_on = not remembered or context.get("database", "none") != "none"
        if context["tables"] is not self._tables:
            self._tables = context["tables"]
            self._own = {feature: Own.of(said) for feature, said in self._tables.items()}
            # Another database is told other things of the same tables.
            self._key = ()
        features = [feature for feature in self._own if context["when"][feature]]
        key = (remembered, kept, goes_on, features)
        if key != self._key:
            self._key = key
            try:
                self._history = History(remembered, context["read_resource"], self._own)
            except (AttributeError, LookupError, TypeError, ValueError):
                # Its question refuses it.
                self._history = History([], str)
            if goes_on:
                self._history.go_on_to(tables_of(kept), features)
        context["steps"] = self._history.steps
        context["migrated_so_far"] = self._history.remembered
        context["migrated_problem"] = partial(
            migrated_problem, read=context["read_resource"], own=self._own
        )


def migrated_problem(
    answer: Any, read: Callable[[str], Any], own: Mapping[str, Own] = MappingProxyType({})
) -> str:
    """Say in one sentence why an answer cannot be used; empty when it can."""
    try:
        History(answer, read, own)
    except (AttributeError, LookupError, TypeError, ValueError):
        return "migrated is what migrations made so far, which the template itself writes down."
    return ""
