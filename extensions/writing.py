"""How resources are written in the code of a service: types, columns, defaults and examples.

Copier loads this file by its path, so it stands alone: it is given resources by the template.
"""

from __future__ import annotations

import re
from datetime import UTC
from typing import TYPE_CHECKING, Any

from copier_template_extensions import ContextHook

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping, Sequence

    from jinja2 import Environment

# As in the generated pyproject.toml.
LINE_LENGTH = 100

# What the answers of each kind hold in Python.
PYTHON = {
    "text": "str",
    "long_text": "str",
    "integer": "int",
    "number": "float",
    "money": "Decimal",
    "yes_no": "bool",
    "date": "dt.date",
    "datetime": "dt.datetime",
    "choice": "str",
    "uuid": "UUID",
    "list": "list[str]",
    "reference": "int",
}
# What makes some value of each kind, for fields of changes that are left out.
SOME = {
    "text": "str",
    "long_text": "str",
    "integer": "int",
    "number": "float",
    "money": "Decimal",
    "yes_no": "bool",
    "date": "dt.date.today",
    "datetime": "dt.datetime.now",
    "choice": "str",
    "uuid": "uuid4",
    "list": "list",
    "reference": "int",
}
# The columns of those that need to be told.
COLUMNS = {
    "text": "String({length})",
    "long_text": "Text",
    "money": "Money",
    "datetime": "Moment",
    "choice": "String(30)",
    "list": "JSON",
    "reference": 'ForeignKey("{target}.id")',
}
# What of each kind is refused, as Python has it.
BAD = {
    "integer": ["2**31", "-(2**31) - 1", "1.5", '"many"'],
    "number": ['"many"', '"NaN"', '"Infinity"'],
    "money": [
        *('"0"', '"-1"', '"1.999"', '"123456789.00"', '"NaN"', '"Infinity"', '"cheap"'),
    ],
    "yes_no": ['"maybe"', "7"],
    "date": ['"soon"', '"2026-02-30"'],
    "datetime": ['"soon"', '"2026-01-31T10:00:00"', '"0001-01-01T00:00:00+14:00"'],
    "choice": ['"none of them"', "7"],
    "uuid": ['"one"', "7"],
    "reference": ["0", "-1", "2**31", '"one"'],
}
# The kinds that JSON has as Python does.
PLAIN = ("text", "long_text", "integer", "number", "yes_no", "choice", "list")
COMPUTED = {"now": "_now", "today": "dt.date.today", "new": "uuid4"}

# What stands in code for a resource, and what marks such words in what users wrote.
WORDS = re.compile(r"PARAMETERS|ARGUMENTS|LIMITED_TEXT|PUBLIC_TEXT|widgets|Widget|widget")
SHIELD = "\ue000"

# How long a text must be to hold letters of all kinds in the tests.
WIDE = 20

# Names that the schemas use for something else.
OTHERS = frozenset(
    """
    AfterValidator Annotated AwareDatetime BaseModel ConfigDict Decimal Field Literal NotFoundError
    UUID
    """.split()
)
CLASSES = "Create Update Public Query Page Id NotFoundError".split()


def camel(name: str) -> str:
    """Write a name as that of a class."""
    return "".join(word.capitalize() for word in name.split("_"))


def with_article(label: str) -> str:
    """Put the right article before a word."""
    return f"{'an' if re.match('[aeio]|u(?!s|ni)', label) else 'a'} {label}"


def capitalized(text: str) -> str:
    """Write a text with a capital at its start."""
    return text[:1].upper() + text[1:]


def literal(kind: str, value: Any) -> str:  # noqa: PLR0911 - one for each kind
    """Write a value as Python has it."""
    if isinstance(value, str) and value in COMPUTED and kind in {"date", "datetime", "uuid"}:
        return f"Field(default_factory={COMPUTED[value]})"
    match kind:
        case "money":
            return f'Decimal("{value}")'
        case "date":
            return f"dt.date({value.year}, {value.month}, {value.day})"
        case "datetime":
            return f'dt.datetime.fromisoformat("{value.astimezone(UTC).isoformat()}")'
        case "uuid":
            return f'UUID("{value}")'
        case "text" | "long_text" | "choice":
            return quoted(value)
        case "list":
            return f"[{', '.join(map(quoted, value))}]"
        case _:
            return repr(value)


def quoted(text: str) -> str:
    """Write a text without control characters as a formatter does."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + text.replace("\\", "\\\\").replace(quote, f"\\{quote}") + quote


def is_computed(kind: str, default: Any) -> bool:
    """Tell whether a default is worked out when it is needed."""
    return kind in {"date", "datetime", "uuid"} and isinstance(default, str)


def as_sent(kind: str, value: Any) -> Any:
    """Give a default as JSON has it."""
    if value is None or kind in PLAIN:
        return value
    if kind == "datetime":
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value)


def names(fields: list[WrittenField]) -> str:
    """Write a list of the names of fields."""
    return written([field.name for field in fields])


def written(value: Any) -> str:
    """Write data as Python has it."""
    match value:
        case str():
            return quoted(value)
        case dict():
            return (
                f"{{{', '.join(f'{quoted(name)}: {written(one)}' for name, one in value.items())}}}"
            )
        case list():
            return f"[{', '.join(map(written, value))}]"
        case _:
            return repr(value)


class WrittenField:
    """A field as the code has it."""

    def __init__(self, field: Any, resource: Any, every: Sequence[Any]) -> None:
        self.name: str = shielded(field.name)
        self.kind: str = field.kind
        self.optional: bool = field.optional
        self.default = shielded(field.default)
        self.length: int | None = field.length
        self.choices: tuple[str, ...] = tuple(map(shielded, field.choices))
        self.marks: frozenset[str] = field.marks
        self.example = shielded(field.example)
        # What it refers to: the name of one, of several and of the class.
        self.target: str = shielded(field.target)
        targets = next((one.plural for one in every if one.name == field.target), "")
        self.targets: str = shielded(targets)
        self.target_class: str = shielded(camel(field.target))
        self.target_label = with_article(self.target.replace("_", " "))
        # Whether it refers to another of the same kind.
        self.is_own: bool = field.target == resource.name
        self.label = self.name.replace("_", " ")
        alias = camel(field.name)
        taken = OTHERS | {f"{camel(resource.name)}{suffix}" for suffix in CLASSES}
        taken |= {f"{camel(one.target)}Id" for one in resource.fields}
        self.alias: str = shielded(f"{alias}Value" if alias in taken else alias)
        if self.is_reference:
            self.alias = f"{self.target_class}Id"

    @property
    def is_reference(self) -> bool:
        """Whether it is the id of another resource."""
        return self.kind == "reference"

    @property
    def is_public(self) -> bool:
        """Whether answers have it."""
        return "write-only" not in self.marks

    @property
    def is_required(self) -> bool:
        """Whether a new one must have it."""
        return self.default is None and not self.optional

    @property
    def is_searched(self) -> bool:
        """Whether a search looks into it."""
        return "searched" in self.marks

    @property
    def type(self) -> str:
        """What is sent for it."""
        plain = {"yes_no": "bool", "date": "dt.date", "uuid": "UUID"}
        return plain.get(self.kind, self.alias)

    def maybe(self, kind: str) -> str:
        """Add None to a type, where it may be."""
        return f"{kind} | None" if self.optional else kind

    @property
    def aliases(self) -> Iterator[str]:
        """The types that are made for it."""
        examples = ""
        if self.example is not None and self.is_public and self.kind != "list":
            shown = self.example if self.kind in {"integer", "number"} else str(self.example)
            if self.kind not in {"yes_no", "date", "uuid", "choice"}:
                examples = f", examples=[{shown if not isinstance(shown, str) else quoted(shown)}]"
        shortest = "" if self.default == "" else "min_length=1, "
        match self.kind:
            case "text" | "long_text":
                longest = str(self.length or "10_000")
                said = f"{shortest}max_length={longest}, pattern=WITHOUT_NUL{examples}"
                yield f"{self.alias} = Annotated[str, Field({said})]"
            case "integer":
                said = f"ge=-LARGEST_INTEGER - 1, le=LARGEST_INTEGER{examples}"
                yield f"{self.alias} = Annotated[int, Field({said})]"
            case "number":
                yield f"{self.alias} = Annotated[float, Field(allow_inf_nan=False{examples})]"
            case "money":
                said = f"gt=0, max_digits=10, decimal_places=2{examples}"
                inner = f"    Decimal,\n    Field({said}),\n    AfterValidator(_with_cents),"
                yield f"{self.alias} = Annotated[\n{inner}\n]"
            case "datetime":
                yield f"{self.alias} = Annotated[AwareDatetime, AfterValidator(_in_utc)]"
            case "choice":
                yield f"{self.alias} = Literal[{', '.join(map(quoted, self.choices))}]"
            case "list":
                one = self.alias[:-1] if self.alias.endswith("s") else f"{self.alias}Entry"
                said = f"min_length=1, max_length={self.length}, pattern=WITHOUT_NUL"
                yield f"{one} = Annotated[str, Field({said})]"
                yield f"{self.alias} = Annotated[list[{one}], Field(max_length=10)]"

    @property
    def created(self) -> str:
        """The field of a new one."""
        default = None if self.default is None else literal(self.kind, self.default)
        if self.optional:
            default = "None"
        return f"{self.name}: {self.maybe(self.type)}" + (f" = {default}" if default else "")

    @property
    def changed(self) -> str:
        """The field of changes."""
        if self.optional:
            return f"{self.name}: {self.type} | None = None"
        some = f'lambda: "{self.choices[0]}"' if self.kind == "choice" else SOME[self.kind]
        return f"{self.name}: {self.type} = Field(default_factory={some})"

    @property
    def public(self) -> str:
        """The field of an answer."""
        kind = self.alias if self.kind == "choice" else PYTHON[self.kind]
        return f"{self.name}: {self.maybe(kind)}"

    @property
    def kept(self) -> str:
        """The field in memory."""
        return f"{self.name}: {self.maybe(PYTHON[self.kind])}"

    @property
    def column(self) -> str:
        """The column."""
        said = []
        if self.kind in COLUMNS:
            said = [COLUMNS[self.kind].format(length=self.length, target=self.targets)]
        said += [f"{word}=True" for word in ("unique", "index") if self.has(word)]
        mapped = f"{self.name}: Mapped[{self.maybe(PYTHON[self.kind])}]"
        return f"{mapped} = mapped_column({', '.join(said)})" if said else mapped

    def has(self, word: str) -> bool:
        """Tell whether the column is unique, or has an index."""
        if word == "unique":
            return "unique" in self.marks
        return ("indexed" in self.marks or self.is_reference) and "unique" not in self.marks

    @property
    def sample(self) -> Any:
        """Something that can be sent, and comes back as it is."""
        if self.example is not None:
            value = self.example
            if self.kind == "datetime":
                value = value.astimezone(UTC).replace(microsecond=0)
                return value.isoformat().replace("+00:00", "Z")
            return value if self.kind in PLAIN else str(value)
        text = self.label.capitalize()[: self.length]
        if self.is_own:
            return None
        return {
            "integer": 7,
            "number": 1.5,
            "money": "49.90",
            "yes_no": True,
            "date": "2026-01-31",
            "datetime": "2026-01-31T10:00:00Z",
            "choice": self.choices[0] if self.choices else "",
            "uuid": "00000000-0000-0000-0000-000000000007",
            "list": [text],
        }.get(self.kind, text)

    @property
    def other(self) -> Any:
        """Something else."""
        if self.kind == "yes_no":
            return not self.sample
        if self.kind == "list":
            return []
        if self.is_own:
            return None
        values = {
            "integer": (1, 2),
            "number": (0.5, 2.5),
            "money": ("1.00", "2.00"),
            "date": ("2025-12-24", "2025-12-25"),
            "datetime": ("2025-12-24T18:30:00Z", "2025-12-25T18:30:00Z"),
            "choice": self.choices,
            "uuid": tuple(f"00000000-0000-0000-0000-00000000000{digit}" for digit in (1, 2)),
        }.get(self.kind, ("x", "y"))
        return next(value for value in values if value != self.sample)

    @property
    def bad(self) -> Iterator[str]:
        """What is refused, as Python has it."""
        match self.kind:
            case "text" | "long_text":
                if self.default != "":
                    yield '""'
                yield f'"x" * {(self.length or 10_000) + 1}'
                yield '"nul \\0 inside"'
                yield "7"
            case "list":
                yield '"oak"'
                yield '[""]'
                yield f'["x" * {(self.length or 0) + 1}]'
                yield '["nul \\0 inside"]'
                yield "[str(number) for number in range(11)]"
            case _:
                yield from BAD[self.kind]
        if not self.optional:
            yield "None"

    @property
    def hint(self) -> str:
        """What a form says of it."""
        told = {
            "text": f"Give up to {self.length} characters.",
            "long_text": "Give up to 10,000 characters.",
            "integer": "Give a whole number.",
            "number": "Give a number.",
            "money": "Give an amount above zero, such as 12.50.",
            "yes_no": "Choose yes or no.",
            "date": "Give a day.",
            "datetime": "Give a day and a time, in UTC.",
            "choice": "Choose one.",
            "uuid": "Give a UUID.",
            "list": f"Give up to 10, separated by commas, of at most {self.length} characters.",
            "reference": f"Give the id of {self.target_label}.",
        }[self.kind]
        return told if self.is_required else f"{told} It may be left out."

    @property
    def input(self) -> str:
        """The field of a form, as a macro of the page."""
        said = f'"{self.name}", "{capitalized(self.label)}", "{self.hint}"'
        needed = ", required=true" if self.is_required else ""
        if self.kind == "long_text":
            return f"area({said}{needed})"
        if self.kind in {"yes_no", "choice"}:
            choices = ["yes", "no"] if self.kind == "yes_no" else list(self.choices)
            return f"choice({said}, {written(choices)}{needed})"
        kinds = {"date": "date", "datetime": "datetime-local"}
        kind = f', type="{kinds[self.kind]}"' if self.kind in kinds else ""
        return f"field({said}{needed}{kind})"

    @property
    def shown(self) -> str:
        """What a page shows of it, in a template."""
        value = f"row.{self.name}"
        shown = {
            "list": f'{value} | join(", ")',
            "yes_no": f'"yes" if {value} else "no"',
            "datetime": f'{value}.isoformat(" ", "minutes")',
        }.get(self.kind, value)
        if self.optional and self.kind == "yes_no":
            shown = f"({shown})"
        return f"{shown} if {value} is not none" if self.optional else shown

    @property
    def typed(self) -> str:
        """What is typed into a form for its sample."""
        match self.kind:
            case "yes_no":
                return "yes" if self.form_sample else "no"
            case "list":
                return ", ".join(self.form_sample)
            case "datetime":
                return str(self.form_sample).removesuffix("Z")
            case "reference":
                return ""
            case _:
                return str(self.form_sample)

    @property
    def form_sample(self) -> Any:
        """Its sample, if a form can send it."""
        own = self.sample
        texts = own if self.kind == "list" else [own]
        clumsy = any(
            isinstance(text, str) and (not text or text != text.strip() or "," in text)
            for text in texts
        )
        if self.kind == "list":
            return ["x"] if clumsy or not own else own
        return "x" if clumsy and self.kind in {"text", "long_text"} else own

    @property
    def mistyped(self) -> str:
        """What a form is refused for, as Python has it."""
        if self.kind in {"text", "long_text", "list"}:
            return f'"x" * {(self.length or 10_000) + 1}'
        return '"none of them"'

    @property
    def numbered(self) -> str:
        """What differs each time, as Python has it."""
        return {
            "integer": "number",
            "number": "number + 0.5",
            "money": 'f"{number}.50"',
            "date": 'f"{2000 + number}-01-31"',
            "datetime": 'f"{2000 + number}-01-31T10:00:00Z"',
            "uuid": 'f"00000000-0000-0000-0000-{number:012}"',
        }.get(self.kind, "str(number)")


class Written:
    """A resource as the code has it."""

    def __init__(self, resource: Any, every: Sequence[Any]) -> None:
        self.name: str = resource.name
        self.plural: str = resource.plural
        self.class_name = camel(resource.name)
        # These are for code that is about widgets, as all of its fields are.
        self._name, self._plural = shielded(self.name), shielded(self.plural)
        self._class = shielded(self.class_name)
        self.label = self._name.replace("_", " ")
        self.labels = self._plural.replace("_", " ")
        self.a_label = with_article(self.label)
        self.fields = [WrittenField(field, resource, every) for field in resource.fields]
        self.kinds = {field.kind for field in self.fields}
        self.defaults = {field.default for field in self.fields if isinstance(field.default, str)}
        self.unique = [field for field in self.fields if field.has("unique")]
        self.searched = [field for field in self.fields if field.is_searched]
        self.required = [field for field in self.fields if field.is_required]
        self.secret = [field for field in self.fields if not field.is_public]
        self.clearable = [field for field in self.fields if field.optional]
        self.has_moment = "datetime" in self.kinds
        self.has_text = bool(self.searched or self.kinds & {"text", "long_text", "list"})
        self.module = f"`{self.plural}.py`"
        self.store = f"{self.class_name}Store"
        self.found_by = " or ".join(field.label for field in self.searched)
        self.references = [field for field in self.fields if field.is_reference]
        # Those to another of its kind, and those to other resources.
        self.own = [field for field in self.references if field.is_own]
        self.foreign = [field for field in self.references if not field.is_own]
        self.targets = first_of_each(self.foreign)
        self.all_targets = first_of_each(self.references)
        referrers = {
            other.name for other in every for field in other.fields if field.target == self.name
        }
        # Whether something refers to it, and whether others do.
        self.is_target = bool(referrers)
        self.is_needed = bool(referrers - {self.name})
        self.is_linked = bool(self.targets) or self.is_needed
        self.may_conflict = bool(self.references or self.unique)
        # Where a list can be narrowed to what refers to something, the store is given the query.
        self.of_query = "query." if self.references else ""
        self.parameters = ", ".join(
            [*(["q: str | None"] if self.searched else []), "limit: int", "offset: int"]
        )
        asked = [
            *(["q"] if self.searched else []),
            *(field.name for field in self.references),
            "limit",
            "offset",
        ]
        self.arguments = ", ".join(f"query.{name}" for name in asked)
        if self.references:
            self.parameters, self.arguments = f"query: {self._class}Query", "query"

        self.defaulted = [field for field in self.fields if not field.is_required]
        self.lasting = [field for field in self.fields if not field.optional]
        self.moments = [f for f in self.fields if f.kind == "datetime" and f.is_public]
        self.computed = [
            field.name
            for field in self.defaulted
            if field.is_public and is_computed(field.kind, field.default)
        ]
        self.asked_list = written(asked)
        self.asked = "&".join(f"{name}=" for name in asked)
        self._prepare_tests()

    def _prepare_tests(self) -> None:
        """Write what the tests of it name."""
        self.bad = [f'("{field.name}", {value})' for field in self.fields for value in field.bad]
        texts = [field for field in self.fields if field.kind in {"text", "long_text"}]
        self.told = texts[0].name if texts else ""
        wide = [f.name for f in texts if f.is_public and (f.length or 100) >= WIDE]
        self.wide = wide[0] if wide else ""
        own = [field for field in self.fields if field not in self.foreign]
        self.sent = written({field.name: field.sample for field in own})
        self.changes = written({field.name: field.other for field in own})
        self.counted = [field for field in self.unique if not field.is_reference]
        self.unlike = [field for field in self.unique if not field.is_own]
        self.own_list = names(self.own)
        self.unique_own_list = names([field for field in self.own if field in self.unique])
        self.numbered = ", ".join(f'"{field.name}": {field.numbered}' for field in self.counted)
        self.numbered = f"{{{self.numbered}}}"
        amounts = [field for field in self.fields if field.kind == "money" and field.is_public]
        self.amount_list = names(amounts) if amounts else ""
        self.known_defaults = ""
        known = {
            field.name: as_sent(field.kind, field.default)
            for field in self.defaulted
            if field.is_public and not is_computed(field.kind, field.default)
        }
        if known:
            self.known_defaults = written(known)
        self.needed_list = names(self.required)
        self.searched_list = names(self.searched)
        self.alike_list = names([field for field in self.searched if field not in self.unique])
        self.clearable_list = names(self.clearable)
        self.lasting_list = names(self.lasting)
        self.secret_list = names(self.secret)
        self.unique_list = names(self.unlike)
        self.form = written({field.name: field.typed for field in own})
        self.stored = written({field.name: field.form_sample for field in own if field.is_public})
        self.mistyped = [f'("{field.name}", {field.mistyped})' for field in self.fields]
        self.plainly_shown = [
            field.name
            for field in self.fields
            if field.is_public and field.shown == f"row.{field.name}" and not field.is_reference
        ]
        self.macros = {field.input.partition("(")[0] for field in self.fields}
        self.lists = [field for field in self.fields if field.kind == "list"]
        self.typed_moments = [field for field in self.fields if field.kind == "datetime"]
        self.referred = written({field.name: f"/{field.targets}" for field in self.foreign})
        made = [f'"{field.name}": create_{field.target}(client)["id"]' for field in self.foreign]
        self.made = f"{{{', '.join(made)}}}"
        # What functions of the tests are given where one of its kind refers to others.
        self.client = "client" if self.foreign else ""
        self.client_and = "client, " if self.foreign else ""
        self.body = "sent(client)" if self.foreign else "SENT"
        self.changed = "CHANGES | references(client)" if self.foreign else "CHANGES"

    @property
    def condition(self) -> str:
        """What a search asks the database for."""
        parts = [
            f"{self._class}.{field.name}.icontains({self.of_query}q, autoescape=True)"
            for field in self.searched
        ]
        found = parts[0] if len(parts) == 1 else f"or_({', '.join(parts)})"
        return f"{self._plural} = {self._plural}.where({found})"

    @property
    def found_by_reference(self) -> str:
        """What lists can be narrowed to, in words."""
        return " or ".join(f"one {field.label}" for field in self.references)

    @property
    def chosen(self) -> str:
        """What of its kind is listed, in words."""
        if not self.references:
            found = f", those whose {self.found_by} contains a text if one is given"
            return found if self.searched else ""
        if not self.searched:
            return f", those of {self.found_by_reference} if one is given"
        return (
            f", those whose {self.found_by} contains a text and those of {self.found_by_reference} "
            "if one is given"
        )

    @property
    def part(self) -> str:
        """Take what is on a page of those in memory."""
        start = f"{self.of_query}offset"
        return f"[{start} : {start} + {self.of_query}limit]"

    @property
    def first_page(self) -> str:
        """Ask a store for what a page shows."""
        if self.references:
            return f"{self._class}Query(limit=100)"
        return "None, 100, 0" if self.searched else "100, 0"

    @property
    def narrowed(self) -> str:
        """What of its kind a store gives, in words."""
        if self.references:
            return " that are asked for"
        return f" whose {self.found_by} contains ``q``" if self.searched else ""

    @property
    def told_narrowed(self) -> str:
        """What of its kind a request asks for, in words."""
        parts = [f"whose {self.found_by} contains `q`"] if self.searched else []
        parts += [f"of one `{field.name}`" for field in self.references]
        return f", those {' and '.join(parts)}" if parts else ""

    def given(self, store: str) -> str:
        """Write the stores that its own is given in memory, each as ``store`` has it."""
        return ", ".join(store.format(field.target) for field in self.targets)

    @property
    def needed_stores(self) -> str:
        """The stores that its own is given in memory, as parameters."""
        return ", ".join(
            f"{field.target}_store: {field.target_class}Store" for field in self.targets
        )

    def refers_to(self, target: str) -> str:
        """Ask in memory whether one of its kind refers to one of another."""
        own = [f"{self._name}.{field.name}" for field in self.references if field.target == target]
        found = f"{target}_id in ({', '.join(own)})"
        if len(own) == 1:
            found = f"{own[0]} == {target}_id"
        # What refers to itself alone may go.
        others = f" if {self._name}.id != {target}_id" if target == self._name else ""
        return f"return any({found} for {self._name} in self._{self._plural}.values(){others})"

    @staticmethod
    def responses(*statuses: int) -> str:
        """Write which errors a route may answer, for FastAPI."""
        written = ", ".join(f'{status}: {{"model": Problem}}' for status in statuses)
        return f"{{{written}}}"

    @property
    def refusals(self) -> str:
        """Refuse what refers to nothing, and what is unique if another has the same."""
        conditions = []
        for field in self.foreign:
            own = f"{self._name}.{field.name}"
            there = f"{own} is not None and " if field.optional else ""
            conditions.append(f"{there}not self._{field.target}_store.has({own})")
        for field in self.own:
            known = f"None, {self._name}.id, *self._{self._plural}"
            conditions.append(f"{self._name}.{field.name} not in {{{known}}}")
        for field in self.unique:
            own = f"{self._name}.{field.name}"
            there = f"{own} is not None and " if field.optional else ""
            conditions.append(f"{there}{own} in [other.{field.name} for other in others]")
        refusal = '            raise ConflictError("This does not fit what is stored")'
        return "\n".join(f"        if {found}:\n{refusal}" for found in conditions).lstrip()

    @property
    def texts(self) -> str:
        """What a search looks into, of one in memory."""
        found = [
            f'{self._name}.{field.name} or ""' if field.optional else f"{self._name}.{field.name}"
            for field in self.searched
        ]
        return f"texts = [{', '.join(found)}]"

    @property
    def selection(self) -> str:
        """What a search asks those in memory for."""
        (field,) = self.searched[:1]
        text = f"{self._name}.{field.name}"
        found = (
            f'{self.of_query}q.lower() in ({text} or "").lower()'
            if field.optional
            else f"{self.of_query}q.lower() in {text}.lower()"
        )
        if len(self.searched) > 1:
            found = f"self._matches({self._name}, {self.of_query}q)"
        return f"{self._plural} = [{self._name} for {self._name} in {self._plural} if {found}]"


def first_of_each(references: Sequence[WrittenField]) -> list[WrittenField]:
    """Give the first of the references to each target, in the order in which imports stand."""
    first = {field.target: field for field in reversed(references)}
    return [first[target] for target in sorted(first)]


def shielded(value: Any) -> Any:
    """Mark the words in what users wrote that code about widgets has for something else."""
    match value:
        case str():
            return WORDS.sub(lambda word: f"{word[0][0]}{SHIELD}{word[0][1:]}", value)
        case list():
            return [shielded(one) for one in value]
        case _:
            return value


def plain(text: str) -> str:
    """Take the marks from what users wrote."""
    return text.replace(SHIELD, "")


def about(text: str, resource: Written) -> str:
    """Have code that is written about widgets be about a resource."""
    others = {
        "PARAMETERS": resource.parameters,
        "ARGUMENTS": resource.arguments,
        "LIMITED_TEXT": resource.told,
        "PUBLIC_TEXT": resource.wide,
        "widgets": resource.plural,
        "Widget": resource.class_name,
        "widget": resource.name,
    }
    return plain(WORDS.sub(lambda word: others[word[0]], text))


def fitted(text: str) -> str:
    """Break lines of Python that are too long as a formatter does, with names of any length."""
    return "\n".join(broken for line in text.split("\n") for broken in fit(line))


def fit(line: str) -> list[str]:  # noqa: PLR0911 - one for each way
    """Break a line within its last brackets, or within a function's parameters."""
    if len(line) <= LINE_LENGTH or line.lstrip().startswith(('"""', "#")):
        return [line]
    if imported := re.fullmatch(r"(from \S+ import )([\w, ]+)", line):
        return [f"{imported[1]}(", *(f"    {name}," for name in split(imported[2], ",")), ")"]
    brackets = pairs(line)
    if not brackets:
        return [line]
    is_function = re.match(r"\s*(async )?def ", line) is not None
    start, end = brackets[0] if is_function else brackets[-1]
    indent = " " * (len(line) - len(line.lstrip()))
    head, inner, tail = line[: start + 1], line[start + 1 : end], line[end:]
    # What a list or a mapping holds stands one a line at once.
    is_display = line[start] == "{" or (line[start] == "[" and not line[start - 1].isalnum())
    is_comprehension = len(split(inner, " for ")) > 1
    whole = f"{indent}    {inner}"
    if is_function and len(split(inner, ",")) == 1:
        return [head, f"{whole},", indent + tail]
    if len(whole) <= LINE_LENGTH and (is_comprehension or not is_display):
        return [head, whole, indent + tail]
    if is_comprehension:
        one, loop = split(inner, " for ")
        loop, *conditions = split(loop, " if ")
        inside = [one, f"for {loop}", *(f"if {condition}" for condition in conditions)]
        return [head, *(f"{indent}    {part}" for part in inside), indent + tail]
    if not is_display and len(split(inner, ",")) == 1:
        return [head, *fit(whole), indent + tail]
    broken = [f"{indent}    {part}," for part in split(inner, ",")]
    return [head, *(piece for part in broken for piece in fit(part)), indent + tail]


def pairs(line: str) -> list[tuple[int, int]]:
    """Find the outermost brackets of a line that hold something, outside of texts."""
    found, depth, start, quote = [], 0, 0, ""
    for at, sign in enumerate(line):
        if quote:
            quote = "" if sign == quote and not is_escaped(line, at) else quote
        elif sign in "\"'":
            quote = sign
        elif sign in "([{":
            start = at if depth == 0 else start
            depth += 1
        elif sign in ")]}":
            depth -= 1
            if depth == 0 and at > start + 1:
                found.append((start, at))
    return found


def is_escaped(text: str, at: int) -> bool:
    """Tell whether a sign within a text has a meaning of its own."""
    before = text[:at]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def split(text: str, sign: str) -> list[str]:
    """Split at the signs that stand in no brackets and in no text."""
    found, depth, quote, start = [], 0, "", 0
    for at, one in enumerate(text):
        if quote:
            quote = "" if one == quote and not is_escaped(text, at) else quote
        elif one in "\"'":
            quote = one
        elif one in "([{":
            depth += 1
        elif one in ")]}":
            depth -= 1
        elif depth == 0 and text.startswith(sign, at):
            found.append(text[start:at].strip())
            start = at + len(sign)
    return [part for part in [*found, text[start:].strip()] if part]


class Writing(ContextHook):
    """Adds how resources are written to the context of every rendering."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._read: list[Any] = []
        self._written: list[Written] = []
        environment.filters["about"] = about
        environment.filters["fitted"] = fitted
        environment.filters["plain"] = plain

    def hook(self, context: MutableMapping[str, Any]) -> None:
        """Turn ``kept`` into what templates write."""
        kept = context.get("kept", [])
        # There is a context for each file and for each part of its path.
        if kept is not self._read:
            self._read = kept
            self._written = [
                resource if isinstance(resource, Written) else Written(resource, kept)
                for resource in kept
            ]
        context["kept"] = self._written
        # The items of the default are on the home page.
        context["paged"] = [
            resource
            for resource in self._written
            if context.get("pages") and not (context.get("shows_items") and resource.name == "item")
        ]
