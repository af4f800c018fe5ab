"""What a service keeps: the answer to the question ``resources``, read and checked.

Copier loads this file by its path, so it stands alone: it imports nothing of its neighbours.
"""

from __future__ import annotations

import builtins
import difflib
import json
import keyword
import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from uuid import UUID

from copier_template_extensions import ContextHook

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, MutableMapping, Sequence

    from jinja2 import Environment


class SpecificationError(ValueError):
    """What is asked for cannot be made; the message is one sentence that names the place."""


# The kinds of fields besides references, with the length of those that have one unless it is given.
KINDS: dict[str, int | None] = {
    "text": 200,
    "long_text": None,
    "integer": None,
    "number": None,
    "money": None,
    "yes_no": None,
    "date": None,
    "datetime": None,
    "choice": None,
    "uuid": None,
    "list": 100,
}
LONGEST_TEXT = 1000
# What can be searched, or told apart.
SHORTEST = 10
REFERENCE = "reference"
MARKS = ("unique", "indexed", "searched", "write-only")
# What cannot be searched, compared or found by its value.
UNMARKABLE = {
    "unique": ("list", "long_text", "yes_no", "choice"),
    "indexed": ("list", "long_text"),
    "searched": tuple(kind for kind in KINDS if kind not in {"text", "long_text"}),
}
# Defaults that are worked out when they are needed, and of which kind they are.
COMPUTED = {"now": "datetime", "today": "date", "new": "uuid"}

# Words that neither SQLite nor PostgreSQL takes for a column without quotes.
SQL = frozenset(
    """
    add all alter analyse analyze and any array as asc asymmetric autoincrement between both case
    cast check collate column commit constraint create cross current_catalog current_date
    current_role current_time current_timestamp current_user default deferrable delete desc
    distinct do drop else end escape except exists false fetch for foreign freeze from full grant
    group having ilike in index initially inner insert intersect into is isnull join lateral
    leading left like limit localtime localtimestamp natural not nothing notnull null offset on
    only or order outer overlaps placing primary references returning right select session_user
    set similar some symmetric system_user table tablesample then to trailing transaction true
    union unique update user using values variadic verbose when where window with
    """.split()
)
# Names of fields that mean something else to pydantic or to SQLAlchemy.
CLAIMED = frozenset(
    """
    construct copy dict fields from_orm id json metadata parse_file parse_obj parse_raw registry
    schema schema_json update_forward_refs validate
    """.split()
)
# Names that classes or functions of services have.
TAKEN = frozenset(
    """
    admission annotated any api_route api_router app application base base_model big_integer
    blueprint callable connection constraint data database date date_time decimal declarative_base
    depends dialect enum field flask form home http_connection integer invalid_request item_error
    json lifespan lock login logins mapping migration money operation origin path problem query
    request response route router self sequence session setting settings_dep static store string
    table template text thread type_decorator upload uploads uuid
    """.split()
)
# Modules and folders of services, their routes and the files of their tests.
MODULES = frozenset(
    """
    account addresses admin admin_forms admin_login admin_site admin_tables admission app
    authentication background bodies browsers chairs clients conftest cors credentials custom
    database database_url dependencies development docs engine enum_types errors guard gunicorn
    health home locks login_page logs main middleware migrations models openapi origins own_commands
    own_parts pages postgresql probe problems protection proxies ready redoc routes routing security
    sessions settings sqlite static storage storage_url store templates templating test_chairs texts
    typed_views uploads whoami
    """.split()
)

# What the classes of a resource are called, behind its name.
CLASSES = "Create Update Public Query Page Id Store NotFoundError".split()

MOST_RESOURCES = 20
MOST_FIELDS = 40
# Names of resources, and of fields.
LONGEST_NAME = 21
LONGEST_FIELD = 30


@dataclass(frozen=True)
class Field:
    """A field of a resource.

    Attributes:
        name: Its name.
        kind: One of KINDS, or REFERENCE.
        length: The most characters of a text, or of each text in a list.
        choices: What it may be, of a choice.
        target: The name of the resource that it refers to, of a reference.
        optional: Whether it may be null.
        marks: Which of MARKS it has.
        default: What it is unless something is sent, or one of COMPUTED; None without a default.
        example: What it may be, for the documentation and the tests; None if it does not matter.
    """

    name: str
    kind: str
    length: int | None = None
    choices: tuple[str, ...] = ()
    target: str = ""
    optional: bool = False
    marks: frozenset[str] = frozenset()
    default: Any = None
    example: Any = None


@dataclass(frozen=True)
class Resource:
    """A resource.

    Attributes:
        name: What one is called.
        plural: What several are called: the module, the table and the path of the routes.
        fields: Its fields.
    """

    name: str
    plural: str
    fields: tuple[Field, ...]

    @property
    def class_name(self) -> str:
        """The name of its class."""
        return camel(self.name)


def camel(name: str) -> str:
    """Write a name as that of a class."""
    return "".join(word.capitalize() for word in name.split("_"))


def plural_of(name: str) -> str:
    """Give the plural of a word of English, as the rule has it."""
    if re.search(r"(s|x|z|ch|sh)$", name):
        return f"{name}es"
    return f"{name[:-1]}ies" if re.search(r"[^aeiou]y$", name) else f"{name}s"


TOKEN = re.compile(
    r"""\s*("(?:[^"\\]|\\.)*"|\[\s*\]|[-+]?\d[-+\w.:]*|[-+\w.]+|[(),:=?/])""", re.ASCII
)


class Reader:
    """Reads a text word by word.

    Args:
        text: The text.
        place: Where it is from.
    """

    def __init__(self, text: str, place: str) -> None:
        self.text = text
        self.place = place
        self.at = 0

    def peek(self) -> str:
        """Give the next word or sign; empty at the end."""
        found = TOKEN.match(self.text, self.at)
        return found[1] if found else self.text[self.at :].strip()[:1]

    def next(self) -> str:
        """Give the next word or sign, and go on."""
        word = self.peek()
        found = TOKEN.match(self.text, self.at)
        if found is None and word:
            raise self.error(f"{word!r} is not understood")
        self.at = found.end() if found else len(self.text)
        return word

    def takes(self, sign: str) -> bool:
        """Go on if this is what comes next, and say whether it was."""
        if self.peek() != sign:
            return False
        self.next()
        return True

    def expect(self, sign: str) -> None:
        """Go on behind a sign, or raise SpecificationError."""
        if not self.takes(sign):
            raise self.error(f"{sign!r} is missing before {self.peek() or 'the end'!r}")

    def error(self, problem: str) -> SpecificationError:
        """Say what is wrong, and where."""
        return SpecificationError(f"{self.place}: {problem}, at character {self.at + 1}.")


def read(answer: Any) -> list[Resource]:
    """Read the answer to the question.

    Each of its entries is a text as ``order(customer: text(100), total: money)``, or a mapping of
    ``name``, ``fields`` (a list, whose order counts) and, where the rule is wrong, ``plural``.

    Returns:
        The resources, each behind those that it refers to.

    Raises:
        SpecificationError: They cannot be made.
    """
    if not isinstance(answer, list):
        raise SpecificationError(
            'resources must be a list, such as ["order(customer: text(100), total: money)"] or [].'
        )
    if len(answer) > MOST_RESOURCES:
        raise SpecificationError(
            f"resources: there may be {MOST_RESOURCES} at most, not {len(answer)}."
        )
    found = [
        read_text(entry) if isinstance(entry, str) else read_mapping(entry, number)
        for number, entry in enumerate(answer, 1)
    ]
    check_names(found)
    return in_order([with_targets(resource, found) for resource in found])


def read_text(text: str) -> Resource:
    """Read a resource from one line."""
    reader = Reader(text, repr(text if len(text) <= LONGEST_NAME else f"{text[:LONGEST_NAME]}…"))
    name = reader.next()
    plural = reader.next() if reader.takes("/") else ""
    reader.expect("(")
    fields = []
    while not reader.takes(")"):
        field = reader.next()
        reader.expect(":")
        fields.append(read_field(field, name, reader))
        if reader.peek() != ")":
            reader.expect(",")
    if reader.peek():
        raise reader.error(f"nothing may follow, not {reader.peek()!r}")
    return Resource(name, plural or plural_of(name), tuple(fields))


def read_mapping(entry: Any, number: int) -> Resource:
    """Read a resource from data."""
    place = f"resource {number}"
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise SpecificationError(
            f"{place}: it must be a text such as order(total: money), or have a name and fields."
        )
    name, fields = entry["name"], entry.get("fields")
    if unknown := sorted(map(str, entry.keys() - {"name", "plural", "fields"})):
        raise SpecificationError(
            f"{name}: {unknown[0]!r} is none of name, plural and fields, which a resource has."
        )
    if not isinstance(fields, list):
        raise SpecificationError(f"{name}: fields must be a list, such as [total: money].")
    read_fields = []
    for pair in fields:
        # In YAML, a name with a colon behind it is a mapping.
        if not (isinstance(pair, dict) and len(pair) == 1):
            raise SpecificationError(f"{name}: {pair!r} is no field, such as total: money.")
        ((field, said),) = pair.items()
        reader = Reader("" if said is None else str(said), f"{name}.{field}")
        read_fields.append(read_field(str(field), name, reader))
        if reader.peek():
            raise reader.error(f"nothing may follow, not {reader.peek()!r}")
    plural = entry.get("plural") or plural_of(name)
    return Resource(name, str(plural), tuple(read_fields))


def read_field(name: str, resource: str, reader: Reader) -> Field:
    """Read what stands behind the name of a field."""
    place = f"{resource}.{name}"
    reader.place = place
    kind = reader.peek()
    if not re.fullmatch(r"\w+", kind):
        raise reader.error("its type is missing")
    reader.next()
    within = []
    if reader.takes("("):
        while not reader.takes(")"):
            within.append(reader.next())
            if reader.peek() != ")":
                reader.expect(",")
    optional = reader.takes("?")
    marks = set()
    default = example = None
    while (word := reader.peek()) not in {"", ",", ")"}:
        reader.next()
        if word == "=":
            default = reader.next()
        elif word == "like":
            example = reader.next()
        elif word in MARKS:
            marks.add(word)
        else:
            raise reader.error(f"{word!r} is none of {', '.join(MARKS)}, like and ={guess(word)}")
    field = Field(
        name,
        kind,
        length=length_of(kind, within, place),
        choices=choices_of(kind, within, place),
        optional=optional,
        marks=frozenset(marks),
    )
    values = {
        what: value_of(field, text, what, place)
        for what, text in (("default", default), ("example", example))
        if text is not None
    }
    return Field(**{**vars(field), **values})


def guess(word: str) -> str:
    """Say which mark may have been meant."""
    similar = difflib.get_close_matches(word, MARKS, n=1)
    return f" (did you mean {similar[0]!r}?)" if similar else ""


def length_of(kind: str, within: Sequence[str], place: str) -> int | None:
    """Give the length of a text, or of each text of a list."""
    if kind == "choice" or (kind not in KINDS and not within):
        return None
    usual = KINDS.get(kind)
    if usual is None and within:
        raise SpecificationError(f"{place}: {kind} takes nothing in brackets.")
    if not within:
        return usual
    if len(within) > 1 or not re.fullmatch(r"[1-9]\d{0,3}", within[0]):
        raise SpecificationError(f"{place}: {kind} takes one number, as in {kind}(100).")
    if int(within[0]) > LONGEST_TEXT:
        raise SpecificationError(
            f"{place}: a {kind} has at most {LONGEST_TEXT} characters: longer is long_text."
        )
    return int(within[0])


def choices_of(kind: str, within: Sequence[str], place: str) -> tuple[str, ...]:
    """Give what a choice may be."""
    if kind != "choice":
        return ()
    if len(set(within)) < max(2, len(within)):
        raise SpecificationError(
            f"{place}: choice takes two words or more that differ, as in choice(new, done)."
        )
    for word in within:
        if not re.fullmatch(r"[a-z][a-z0-9_-]{0,29}", word):
            raise SpecificationError(
                f"{place}: {word!r} is no choice: it takes up to 30 of a-z, 0-9, _ and -."
            )
    return tuple(within)


def value_of(field: Field, text: str, what: str, place: str) -> Any:
    """Read a default or an example, or raise SpecificationError."""
    if COMPUTED.get(text) == field.kind and what == "default":
        return text
    if field.kind not in KINDS:
        # Either no type at all, or a reference, and both are told later.
        return text
    try:
        value = READERS[field.kind](text)
    except (ValueError, InvalidOperation):
        value = None
    texts = value if isinstance(value, list) else [value]
    if (
        value is None
        or (field.kind == "choice" and value not in field.choices)
        or (field.length is not None and any(len(one) > field.length for one in texts))
    ):
        raise SpecificationError(f"{place}: {text!r} is no {what} of {field.kind}.")
    return value


def read_quoted(text: str) -> str:
    """Read a text in quotes, without control characters."""
    value: str = json.loads(text) if text.startswith('"') else ""
    if not text.startswith('"') or not value.isprintable():
        raise ValueError(text)
    return value


def read_money(text: str) -> Decimal:
    """Read an amount above zero with two decimals at most."""
    value = Decimal(text)
    if not (value.is_finite() and 0 < value < 10**8 and value == round(value, 2)):
        raise ValueError(text)
    return round(value, 2)


def read_integer(text: str) -> int:
    """Read a whole number of 32 bits."""
    value = int(text)
    if abs(value) >= 2**31:
        raise ValueError(text)
    return value


def read_number(text: str) -> float:
    """Read a number."""
    value = float(text)
    if value - value != 0:
        raise ValueError(text)
    return value


def read_datetime(text: str) -> datetime:
    """Read a date and time with its zone."""
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError(text)
    return value


def read_yes_no(text: str) -> bool:
    """Read yes or no."""
    if text not in {"yes", "no"}:
        raise ValueError(text)
    return text == "yes"


def read_list(text: str) -> list[str]:
    """Read an empty list, or one of a text."""
    return [] if text.startswith("[") else [read_quoted(text)]


READERS: dict[str, Callable[[str], Any]] = {
    "text": read_quoted,
    "long_text": read_quoted,
    "integer": read_integer,
    "number": read_number,
    "money": read_money,
    "yes_no": read_yes_no,
    "date": date.fromisoformat,
    "datetime": read_datetime,
    "choice": str,
    "uuid": UUID,
    "list": read_list,
}


def with_targets(resource: Resource, every: Sequence[Resource]) -> Resource:
    """Find out which fields refer to other resources, by the name of one or of several."""
    names = {name: other.name for other in every for name in (other.plural, other.name)}
    fields = []
    for field in resource.fields:
        place = f"{resource.name}.{field.name}"
        is_own = names.get(field.kind) == resource.name and field.kind not in KINDS
        if is_own and not field.optional:
            raise SpecificationError(
                f"{place}: the first of its kind has none to refer to: make it optional, as in "
                f"{field.name}: {field.kind}?."
            )
        if field.kind in names and field.kind not in KINDS:
            if field.default is not None or field.example is not None:
                raise SpecificationError(f"{place}: a reference has no default and no example.")
            target = names[field.kind]
            fields.append(Field(**{**vars(field), "kind": REFERENCE, "target": target}))
        elif field.kind in KINDS:
            fields.append(field)
        else:
            known = [*KINDS, *names]
            similar = difflib.get_close_matches(field.kind, known, n=1)
            hint = f"did you mean {similar[0]!r}?" if similar else f"take {', '.join(KINDS)}."
            raise SpecificationError(
                f"{place}: {field.kind!r} is neither a type nor a resource: {hint}"
            )
        check_marks(fields[-1], place)
    return Resource(resource.name, resource.plural, tuple(fields))


def check_marks(field: Field, place: str) -> None:
    """Refuse what a field of its kind cannot be."""
    for mark, kinds in UNMARKABLE.items():
        if mark in field.marks and (
            field.kind in kinds or (mark == "searched" and field.kind == REFERENCE)
        ):
            raise SpecificationError(f"{place}: a {field.kind} cannot be {mark}.")
    if (
        field.kind == "text"
        and (field.length or 0) < SHORTEST
        and field.marks & {"unique", "searched"}
    ):
        raise SpecificationError(
            f"{place}: a text of {field.length} cannot be unique or searched: make it {SHORTEST}."
        )
    if field.kind == REFERENCE and "write-only" in field.marks:
        raise SpecificationError(
            f"{place}: a reference cannot be write-only: who lists by it can read it."
        )
    if field.kind == REFERENCE and field.name == "q":
        raise SpecificationError(f"{place}: q is what lists search for: choose another name.")
    if {"searched", "write-only"} <= field.marks:
        raise SpecificationError(f"{place}: who can search a text can read it: it is write-only.")
    if field.default is not None and field.optional:
        raise SpecificationError(f"{place}: what has a default needs no ?.")
    if field.default is not None and field.default != "new" and "unique" in field.marks:
        raise SpecificationError(f"{place}: what is unique cannot have a default.")


def check_names(resources: Sequence[Resource]) -> None:
    """Refuse names that cannot be, or that clash."""
    for resource in resources:
        check_resource(resource)
        for field in resource.fields:
            check_field_name(field.name, resource.name)
        if twice := first_twice(field.name for field in resource.fields):
            raise SpecificationError(f"{resource.name}.{twice}: there are two of this name.")
    if twice := first_twice(resource.name for resource in resources):
        raise SpecificationError(f"{twice}: there are two resources of this name.")
    if twice := first_twice(resource.plural for resource in resources):
        both = " and ".join(resource.name for resource in resources if resource.plural == twice)
        raise SpecificationError(f"{both}: several are called {twice} of both: write NAME/PLURAL.")
    classes = [
        f"{resource.class_name}{suffix}" for resource in resources for suffix in ("", *CLASSES)
    ]
    if twice := first_twice(classes):
        raise SpecificationError(f"resources: two of them would have a class {twice}.")


def check_resource(resource: Resource) -> None:
    """Refuse a resource whose names cannot be, or whose fields are too many or none."""
    name, plural = resource.name, resource.plural
    check_name(name, name)
    if keyword.iskeyword(name) or keyword.issoftkeyword(name) or hasattr(builtins, name):
        raise SpecificationError(f"{name}: Python has {name} itself: choose another name.")
    check_name(plural, name, LONGEST_NAME + 2)
    if name in TAKEN:
        raise SpecificationError(f"{name}: the service has such a name itself: choose another.")
    taken = (
        f"several of them are called {plural} too"
        if plural == name
        else f"the service has {plural} itself"
        if plural in MODULES
        else f"{plural} is a word of SQL"
        if plural in SQL
        else ""
    )
    if taken:
        raise SpecificationError(f"{name}: {taken}: give it another plural, as in {name}/PLURAL.")
    if not 1 <= len(resource.fields) <= MOST_FIELDS:
        raise SpecificationError(
            f"{name}: it takes 1 to {MOST_FIELDS} fields, not {len(resource.fields)}."
        )


def first_twice(names: Iterable[str]) -> str:
    """Give the first name that stands twice among others; empty if none does."""
    return next((name for name, count in Counter(names).items() if count > 1), "")


def check_name(name: str, place: str, longest: int = LONGEST_NAME) -> None:
    """Refuse what is no name."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or len(name) > longest:
        raise SpecificationError(
            f"{place}: {name!r} is no name: it takes a-z, 0-9 and single _, a letter first, and "
            f"{longest} characters at most."
        )


def check_field_name(name: str, resource: str) -> None:
    """Refuse a field's name that cannot be."""
    place = f"{resource}.{name}"
    check_name(name, place, LONGEST_FIELD)
    if name == "id":
        raise SpecificationError(f"{place}: every resource has an id already.")
    if keyword.iskeyword(name):
        raise SpecificationError(f"{place}: Python has {name} itself: choose another name.")
    if name in SQL:
        raise SpecificationError(f"{place}: {name} is a word of SQL: choose another name.")
    if name in CLAIMED or name.startswith("model_"):
        raise SpecificationError(f"{place}: pydantic or SQLAlchemy has {name} itself.")


def in_order(resources: Sequence[Resource]) -> list[Resource]:
    """Put each resource behind those that it refers to, and else leave them as they are."""
    ordered: list[Resource] = []
    left = list(resources)
    while left:
        known = {resource.name for resource in ordered}
        ready = [
            resource
            for resource in left
            if {field.target for field in resource.fields} - {"", resource.name} <= known
        ]
        if not ready:
            names = ", ".join(resource.name for resource in left)
            raise SpecificationError(f"resources: {names} refer to each other in a circle.")
        ordered.append(ready[0])
        left.remove(ready[0])
    return ordered


def resources_problem(answer: Any) -> str:
    """Say in one sentence why an answer cannot be used; empty when it can."""
    try:
        read(answer)
    except SpecificationError as error:
        return str(error)
    return ""


# Names that a service has itself where users sign up: of modules, tables and paths.
OF_USERS = frozenset(
    """
    account accounts bearers create_admin credentials first_admin login login_page logout
    password_change password_changes password_grant passwords refresh_grant revocation role sign_up
    token token_pair tokens user users
    """.split()
)

# The same where they are those of another issuer.
OF_AN_ISSUER = frozenset(
    "account bearers credentials issuer login login_page logout role token tokens".split()
)
TAKEN_WITH = {"jwt": OF_USERS, "oidc": OF_AN_ISSUER}


def auth_problem(auth: str, answer: Any) -> str:
    """Say in one sentence why a service with these resources cannot have the users of its own."""
    return _clash(answer, TAKEN_WITH.get(auth, frozenset()), f"auth={auth}", "another auth")


# Names that a service has itself where it is watched: of modules and paths.
OF_TELEMETRY = frozenset(
    """
    job_spans metrics queue_metrics request_telemetry shared_metrics sql_spans telemetry
    test_telemetry tracing
    """.split()
)


def telemetry_problem(telemetry: Any, answer: Any) -> str:
    """Say in one sentence why a service with these resources cannot have telemetry."""
    names = OF_TELEMETRY if telemetry else frozenset()
    return _clash(answer, names, "telemetry=yes", "telemetry=no")


# The same where workers run its jobs, with the files of tests.
OF_WORKERS = frozenset(
    "broker celery_app job_context job_notes jobs stored_uploads tasks worker".split()
)


def tasks_problem(background_tasks: str, answer: Any) -> str:
    """Say in one sentence why a service with these resources cannot have workers."""
    names = OF_WORKERS if background_tasks == "celery" else frozenset()
    return _clash(answer, names, "background_tasks=celery", "other background_tasks")


def _clash(answer: Any, names: Collection[str], given: str, other: str) -> str:
    """Say which resource is called like something of a service with a given answer."""
    try:
        found = read(answer or [])
    except SpecificationError:
        # The question of the resources says so.
        return ""
    for resource in found:
        if not {resource.name, resource.plural}.isdisjoint(names):
            return (
                f"{resource.name}: with {given} the service has such a name itself: call the "
                f"resource differently, or take {other}."
            )
    return ""


ITEM = read_text(
    'item(name: text(100) searched like "Chair", price: money like 49.90, '
    'tags: list(30) like "oak" = [], internal_note: text(500) write-only like "supplier 7" = "")'
)


class Resources(ContextHook):
    """Adds what the answer says to the context of every rendering."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._known: tuple[Any, list[Resource]] = ([], [])

    def hook(self, context: MutableMapping[str, Any]) -> None:
        """Add ``kept``, which are the resources, and ``resources_problem`` to ``context``."""
        answer = context.get("resources") or []
        if answer != self._known[0]:
            try:
                self._known = answer, read(answer)
            except SpecificationError:
                # Its question refuses it.
                self._known = answer, []
        context["kept"] = context["specified"] = self._known[1]
        context["shows_items"] = ITEM in self._known[1]
        context["shows_others"] = any(resource != ITEM for resource in self._known[1])
        context["resources_problem"] = resources_problem
        context["auth_problem"] = auth_problem
        context["telemetry_problem"] = telemetry_problem
        context["tasks_problem"] = tasks_problem
        context["read_resource"] = read_text
