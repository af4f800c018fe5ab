"""What both sides wrote next to each other is settled as both want it, or left as a conflict."""

from __future__ import annotations

import ast
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from servicewright.settling import Project, completed, settle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Items = list[tuple[str, int]]


@dataclass(frozen=True)
class Form:
    """How pieces with names are written in a file, and read by a parser of its own.

    Attributes:
        file: The file.
        write: Writes names with numbers.
        read: Reads them.
        apart: Whether a name in the place of another is no renamed one.
        is_sorted: Whether it stays sorted.
        is_ordered: Whether it matters which comes first.
    """

    file: str
    write: Callable[[Items], str]
    read: Callable[[str], dict[str, int]]
    apart: bool = False
    is_sorted: bool = False
    is_ordered: bool = False


def requirements(items: Items) -> str:
    listed = "".join(f'    "{name}>={number},<99",\n' for name, number in items)
    return (
        f'[project]\nname = "orders"\ndependencies = [\n{listed}]\n\n[tool.ruff]\npreview = true\n'
    )


def read_requirements(text: str) -> dict[str, int]:
    entries = tomllib.loads(text)["project"]["dependencies"]
    pairs = [entry.removesuffix(",<99").split(">=") for entry in entries]
    assert len({name for name, _ in pairs}) == len(pairs)
    return {name: int(number) for name, number in pairs}


def tables(items: Items) -> str:
    return "[a]\nb = 1\n\n" + "".join(f"# On {n}\n[tool.{n}]\nvalue = {v}\n\n" for n, v in items)


def keys(items: Items) -> str:
    return "[tool.orders]\n" + "".join(f"{name} = {value}\n" for name, value in items)


def attributes(items: Items) -> str:
    lines = "".join(f"    {name}: int = {value}\n" for name, value in items)
    return f'class Settings(BaseSettings):\n    """All of them."""\n\n{lines}\n    z: int = 0\n'


def read_attributes(text: str) -> dict[str, int]:
    (model,) = ast.parse(text).body
    assert isinstance(model, ast.ClassDef)
    found = [node for node in model.body if isinstance(node, ast.AnnAssign)]
    assert len({ast.unparse(node.target) for node in found}) == len(found)
    pairs = {ast.unparse(node.target): ast.literal_eval(node.value or node) for node in found}
    assert pairs.pop("z") == 0
    return pairs


def functions(items: Items) -> str:
    return "import a\n" + "".join(f"\n\ndef {n}() -> int:\n    return {v}\n" for n, v in items)


def read_functions(text: str) -> dict[str, int]:
    _, *found = ast.parse(text).body
    assert len({node.name for node in found if isinstance(node, ast.FunctionDef)}) == len(found)
    names: dict[str, Any] = {}
    exec(text.replace("import a\n", ""), names)  # noqa: S102 - functions that are written here
    return {node.name: names[node.name]() for node in found if isinstance(node, ast.FunctionDef)}


def calls(items: Items) -> str:
    lines = "".join(f"    app.{name}({value})\n" for name, value in items)
    return f"def install(app: App) -> App:\n    app.a()\n{lines}    return app\n"


def read_calls(text: str) -> dict[str, int]:
    found = re.findall(r"(?m)^    app\.(\w+x)\((\d)\)$", text)
    assert len({*found}) == len(found) == text.count("\n") - 3
    return {name: int(value) for name, value in found}


def imports(items: Items) -> str:
    lines = "".join(f"from .{name} import a{value}\n" for name, value in items)
    return f'"""A module."""\n\nimport os\n\n{lines}\nprint(os.name)\n'


def read_imports(text: str) -> dict[str, int]:
    found = [node for node in ast.parse(text).body if isinstance(node, ast.ImportFrom)]
    assert len({node.module for node in found}) == len(found)
    return {str(node.module): int(node.names[0].name[1:]) for node in found}


def mapping(items: Items) -> str:
    lines = "".join(f"  {name}:\n    value: {value}\n\n" for name, value in items)
    return f"version: 1\nservices:\n{lines}  last:\n    value: 0\n"


def read_mapping(text: str) -> dict[str, int]:
    found = {name: each["value"] for name, each in yaml.safe_load(text)["services"].items()}
    assert found.pop("last") == 0
    assert text.count("value:") == len(found) + 1
    return found


def rows(items: Items) -> str:
    lines = "".join(f"| `{name}` | {value} |\n" for name, value in items)
    return f"# Orders\n\nText.\n\n| name | value |\n|---|---|\n{lines}\nMore.\n"


def read_rows(text: str) -> dict[str, int]:
    cells = [line.split("|")[1:3] for line in text.splitlines() if line.startswith("| `")]
    found = {name.strip(" `"): int(value) for name, value in cells}
    assert len(found) == len(cells)
    return found


def variables(items: Items) -> str:
    return "A=1\n\n" + "".join(f"# The {name}\n{name}={value}\n\n" for name, value in items)


def read_variables(text: str) -> dict[str, int]:
    lines = [line.split("=") for line in text.splitlines() if "=" in line]
    assert len({name for name, _ in lines}) == len(lines)
    return {name: int(value) for name, value in lines if name != "A"}


FORMS = {
    "requirements": Form(
        "pyproject.toml", requirements, read_requirements, apart=True, is_sorted=True
    ),
    "tables": Form(
        "pyproject.toml",
        tables,
        lambda text: {
            name: each["value"] for name, each in tomllib.loads(text).get("tool", {}).items()
        },
    ),
    "keys": Form("a.toml", keys, lambda text: dict(tomllib.loads(text)["tool"]["orders"])),
    "settings": Form("src/orders/settings.py", attributes, read_attributes),
    "functions": Form("src/orders/app.py", functions, read_functions),
    "calls": Form("src/orders/app.py", calls, read_calls, is_ordered=True),
    "imports": Form("src/orders/app.py", imports, read_imports, is_sorted=True),
    "mapping": Form("compose.yaml", mapping, read_mapping),
    "rows": Form("README.md", rows, read_rows, apart=True),
    "variables": Form(".env.example", variables, read_variables, apart=True),
}

# What becomes of a name: its number on the three sides, and what is wanted.
FATES: dict[str, tuple[int | None, int | None, int | None, int | None]] = {
    "kept": (1, 1, 1, 1),
    "added here": (None, 1, None, 1),
    "added there": (None, None, 1, 1),
    "added by both": (None, 1, 1, 1),
    "dropped here": (1, None, 1, None),
    "dropped there": (1, 1, None, None),
    "dropped by both": (1, None, None, None),
    "changed here": (1, 2, 1, 2),
    "changed there": (1, 1, 2, 2),
    "changed by both": (1, 2, 2, 2),
}
CLASHES: dict[str, tuple[int | None, int | None, int | None]] = {
    "added otherwise": (None, 1, 2),
    "changed otherwise": (1, 2, 3),
    "changed and dropped": (1, 2, None),
    "dropped and changed": (1, None, 2),
}
NAMES = st.lists(
    st.from_regex(r"[b-y][a-z]{0,3}x", fullmatch=True), min_size=1, max_size=9, unique=True
)


@st.composite
def edits(draw: st.DrawFn) -> tuple[list[Items], dict[str, int], set[str]]:
    """Give three sides, what is wanted, and what became of names."""
    names = draw(NAMES)
    if draw(st.booleans()):
        names.sort()
    fates = {name: draw(st.sampled_from(sorted(FATES))) for name in names}
    sides: list[Items] = []
    for side in range(3):
        values = [(name, FATES[fate][side]) for name, fate in fates.items()]
        sides.append([(name, value) for name, value in values if value is not None])
    if names != sorted(names):
        # The user's own stand anywhere.
        for name, value in [item for item in sides[1] if fates[item[0]] == "added here"]:
            sides[1].remove((name, value))
            sides[1].insert(draw(st.integers(0, len(sides[1]))), (name, value))
    wanted = [(name, FATES[fate][3]) for name, fate in fates.items()]
    return sides, {n: v for n, v in wanted if v is not None}, {*fates.values()}


def assert_settled(form: Form, edit: tuple[list[Items], dict[str, int], set[str]]) -> None:
    sides, wanted, fates = edit
    texts = [form.write(side) for side in sides]
    assert form.read(texts[0]) == dict(sides[0])
    settled = settle(form.file, *texts)
    if settled is None:
        # It may have been renamed by the one side, or nobody knows what comes first.
        assert not form.apart
        assert form.is_ordered or "dropped by both" in fates
        return
    assert form.read(settled.text) == wanted
    for side in sides[1:] if form.is_ordered else ():
        known = [name for name, _ in side if name in wanted]
        assert [name for name in form.read(settled.text) if name in known] == known
    if form.is_sorted and all(side == sorted(side) for side in sides):
        assert [*form.read(settled.text)] == sorted(wanted)


# The same at every run: who changes something else is not to meet a rare fault of this.
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@settings(max_examples=100, deadline=None, database=None, derandomize=True)
@given(edit=edits())
def test_what_both_sides_want_is_what_comes_of_it(
    form: Form, edit: tuple[list[Items], dict[str, int], set[str]]
) -> None:
    assert_settled(form, edit)


@pytest.mark.thorough
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@settings(max_examples=3000, deadline=None, database=None)
@given(edit=edits())
def test_rare_edits_are_settled_as_well(
    form: Form, edit: tuple[list[Items], dict[str, int], set[str]]
) -> None:
    assert_settled(form, edit)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("clash", CLASHES)
def test_what_the_sides_want_otherwise_is_left(form: Form, clash: str) -> None:
    kept: Items = [("kept", 1)]
    texts = [
        form.write([*kept, *([("mine", value)] if value is not None else [])])
        for value in CLASHES[clash]
    ]
    settled = settle(form.file, *texts)
    if clash == "dropped and changed" and form.file == "README.md":
        assert settled is not None
        assert settled.text == texts[1]
        assert settled.left_out == ("`mine`",)
    elif form.read is read_imports and "otherwise" in clash:
        # Each takes another name from the same module.
        assert settled is not None
        assert {f"a{value}" for value in CLASHES[clash][1:]} <= {*re.findall(r"a\d", settled.text)}
    else:
        assert settled is None


def body(statements: Sequence[str]) -> str:
    lines = "".join(f"    {statement}\n" for statement in statements)
    return f"def create_app(app: App) -> App:\n{lines}    return app\n"


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "wanted"),
    [
        # In the same place nobody knows which comes first.
        ("a()", "a() b()", "a() c()", None),
        ("a()", "b() a()", "c() a()", None),
        ("a()", "b()", "c()", None),
        ("a() d()", "b()", "a() c() d()", None),
        # What is next to something that goes, comes or changes has its place.
        ("a() d()", "a() b() d()", "a()", "a() b()"),
        ("a() d()", "a() b() d()", "d()", "b() d()"),
        ("a() d()", "a() b() d()", "a() c()", "a() b() c()"),
        ("a() d()", "a() b() d()", "a() b() c() d()", "a() b() c() d()"),
        ("a() d()", "a() b() d()", "", "b()"),
        ("a() d()", "a() d() b()", "a() c()", "a() c() b()"),
        ("a() d()", "b() a() d()", "c() d()", "b() c() d()"),
        ("a(1) d()", "a(2) d()", "a(1) b() d()", "a(2) b() d()"),
        ("a(1) d(1)", "a(2) d(1)", "a(1) d(2)", "a(2) d(2)"),
        ("a(1) d(1)", "a(2) d(1)", "a(3) d(1)", None),
        # Another order is kept, if only the end has something new.
        ("a() d() e()", "a() d() e() b()", "d() e() a()", "d() e() a() b()"),
        ("a() d() e()", "a() b() d() e()", "d() e() a()", None),
        ("a() d() e()", "d() e() a()", "a() d() e() b()", None),
        # What both added follows what the one renamed, and comes before it on the other side.
        ("d()", "b() c()", "c() d()", None),
        # The one side may have renamed what the other drops.
        ("a() d() e()", "a() b() e()", "a() e()", None),
        ("a() d() e()", "a() e()", "a() b() e()", None),
    ],
)
def test_statements_are_in_the_order_that_both_mean(
    base: str, ours: str, theirs: str, wanted: str | None
) -> None:
    texts = [body(side.split()) for side in (base, ours, theirs)]
    settled = settle("src/orders/app.py", *texts)
    assert (settled and settled.text) == (None if wanted is None else body(wanted.split()))


def settle_all(file: str, base: str, ours: str, theirs: str, **known: Any) -> str | None:
    settled = settle(file, base, ours, theirs, project=Project(**known))
    return settled.text if settled else None


def test_settings_that_the_user_sorted_stay_sorted() -> None:
    base, ours, theirs = (
        f'class Settings(BaseSettings):\n    """All."""\n\n    {lines}\n\n    def z(self): ...\n'
        for lines in (
            "c: int = 1\n    b: int = 1\n    a: int = 1",
            "a: int = 1\n    b: int = 2\n    c: int = 1",
            "c: int = 1\n    b: int = 1\n    new: int = 1\n    a: int = 3",
        )
    )
    wanted = ours.replace("b: int = 2", "b: int = 2\n    new: int = 1").replace(
        "a: int = 1", "a: int = 3"
    )
    assert settle_all("src/orders/settings.py", base, ours, theirs) == wanted


def test_a_comment_that_came_from_a_neighbour_keeps_nothing() -> None:
    form = 'class Settings(BaseSettings):\n    """All."""\n\n{}'
    base = form.format("    # On a.\n    a: int = 1\n    b: int = 1\n    c: int = 1\n")
    ours = form.format(
        "    # On a.\n    b: int = 1\n    a: int = 1\n    c: int = 1\n    d: int = 1\n"
    )
    theirs = form.format("    # On a.\n    a: int = 1\n    c: int = 2\n")
    wanted = form.format("    a: int = 1\n    c: int = 2\n    d: int = 1\n")
    assert settle_all("src/orders/settings.py", base, ours, theirs) == wanted
    ours = ours.replace("# On a.", "# Mine.")
    assert settle_all("src/orders/settings.py", base, ours, theirs) is None


def test_headings_of_settings_stay_where_what_stood_below_goes() -> None:
    form = 'class Settings(BaseSettings):\n    """All."""\n\n{}    # Your own settings:\n'
    base = form.format("    a: int = 1\n    # On b.\n    b: int = 1\n    c: int = 1\n")
    ours = form.format(
        "    # First.\n\n    c: int = 1\n\n    # Second.\n\n    a: int = 1\n    b: int = 1\n"
    )
    theirs = form.format("    # With b.\n    b: str = 2\n    d: int = 1\n")
    # The comment on b was deleted, so it does not come back.
    wanted = form.format("    # First.\n\n    # Second.\n\n    b: str = 2\n    d: int = 1\n")
    assert settle_all("src/orders/settings.py", base, ours, theirs) == wanted
    # The user's own stays.
    mine = ours.replace("    b: int", "    # Mine.\n    b: int")
    found = settle("src/orders/settings.py", base, mine, theirs)
    assert found is not None
    assert found.text == wanted.replace("    b: str", "    # Mine.\n    b: str")
    assert found.worded == ("Settings.b",)
    kept = theirs.replace("With b", "On b")
    settled = settle_all("src/orders/settings.py", base, mine, kept)
    assert settled == wanted.replace("    b: str", "    # Mine.\n    b: str")


def test_words_for_people_stay_the_users_and_keep_no_code() -> None:
    base = (
        '"""All."""\n\n\ndef a() -> int:\n    """One."""\n    return 1\n'
        '\n\ndef b() -> int:\n    """Two."""\n    return 2\n'
    )
    ours = re.sub(r'"""(\w+)', r'"""ACME: \1', base)
    theirs = '"""A part."""\n\n\ndef a() -> int:\n    """Three."""\n    return 3\n'
    settled = settle("a.py", base, ours, theirs)
    assert settled is not None
    assert settled.text == (
        '"""ACME: All."""\n\n\ndef a() -> int:\n    """ACME: One."""\n    return 3\n'
    )
    assert settled.worded == ("docstring", "a.docstring")
    assert settled.given_up == ("b",)
    assert settle("a.py", base, ours.replace("return 2", "return 4"), theirs) is None
    # Who deleted them wants no others.
    deleted = re.sub(r'    """.*\n', "", ours)
    assert settle_all("a.py", base, deleted, theirs) == settled.text.replace(
        '    """ACME: One."""\n', ""
    )


def test_words_that_one_side_changed_are_followed_in_what_the_other_changed() -> None:
    base = 'def test() -> None:\n    answer = ask("/a", {"x": 1}, user=ada)\n    assert answer\n'
    ours = base.replace('"/a"', '"/api/a"').replace("ada", "eve")
    theirs = base.replace('{"x": 1}', '{"x": [1, 2], "y": 3}').replace("answer", "said")
    wanted = theirs.replace('"/a"', '"/api/a"').replace("ada", "eve")
    assert settle_all("tests/test_a.py", base, ours, theirs) == wanted
    assert settle_all("tests/test_a.py", base, theirs, ours) == wanted
    # Not where the other side changed them too, or what is next to them, or moved them.
    for other in (
        theirs.replace('"/a"', '"/b"'),
        theirs.replace('("/a"', '("/a" + b'),
        base.replace('"/a", {"x": 1}', '{"x": [1]}, "/a"'),
    ):
        assert settle_all("tests/test_a.py", base, ours, other) is None
    # Other places are no other words.
    base, ours, theirs = (body(side.split()) for side in ("a(b)", "b(a)", "a(b,c)"))
    assert settle_all("a.py", base, ours, theirs) is None


def test_what_uses_a_name_that_is_lost_goes_if_only_words_of_it_are_the_users() -> None:
    base = (
        "from .a import a\nfrom .b import b\n\n\ndef f(app: App) -> App:\n    app.add(a)\n"
        "    app.add(b)\n    return app\n"
    )
    ours = base.replace("    app.add(a)", '    v1 = App("/v1")\n    v1.add(a)').replace(
        "app.add(b)\n", "v1.add(b)\n    app.add(v1)\n"
    )
    theirs = base.replace("from .b import b\n", "").replace("    app.add(b)\n", "")
    settled = settle("a.py", base, ours, theirs)
    assert settled is not None
    assert settled.text == ours.replace("from .b import b\n", "").replace("    v1.add(b)\n", "")
    assert settled.given_up == ("f.app.add(b)",)
    assert settle("a.py", base, ours.replace("v1.add(b)", "v1.add(b, 1)"), theirs) is None


def test_statements_follow_into_a_function_that_the_user_made_of_them() -> None:
    base = (
        "from .a import a\nfrom .b import b\n\n\ndef f(app: App) -> App:\n    x = 1\n"
        "    app.add(a)\n    app.add(b)\n    return app\n"
    )
    mine = 'def g(app: App) -> None:\n    """Mine."""\n    app.add(a)\n    app.add(b)\n\n\n'
    ours = base.replace("    app.add(a)\n    app.add(b)\n", "    g(app)\n    x += 1\n").replace(
        "def f", f"{mine}def f"
    )
    theirs = base.replace("app.add(a)\n", "app.add(a)\n    app.add(c)\n").replace(
        "from .b import b\n", "from .b import b\nfrom .c import c\n"
    )
    wanted = ours.replace("app.add(a)\n", "app.add(a)\n    app.add(c)\n").replace(
        "from .b import b\n", "from .b import b\nfrom .c import c\n"
    )
    assert settle_all("a.py", base, ours, theirs) == wanted
    # What is not called in their place has only the same lines.
    other = base.replace("add(b)", "add(b, 1)").replace("def f", f"{mine}def f")
    settled = settle_all("a.py", base, other, base.replace("add(b)", "add(b, 1)"))
    assert settled == other
    # It does not have all that is needed there.
    assert settle_all("a.py", base, ours, theirs.replace("add(c)", "add(c, x)")) is None
    fewer = base.replace("    app.add(a)\n", "").replace("from .a import a\n", "")
    settled = settle_all("a.py", base, ours, fewer)
    assert settled == ours.replace("    app.add(a)\n", "").replace("from .a import a\n", "")


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "wanted"),
    [
        ("a: int, b: str", "a: int, b: str, c: str = 'x'", "a: int", "a: int, c: str = 'x'"),
        ("a: int", "a: int, mine=1", "theirs: int, a: int", "theirs: int, a: int, mine=1"),
        ("a", "a, *, mine", "a, b=1, *, c=(1, 2)", "a, b=1, *, mine, c=(1, 2)"),
        ("a: int", "a: str", "a: int, b: int", "a: str, b: int"),
        ("a: int", "a: str", "a: float", None),
        ("a", "a, b", "a, *c", None),
        # What has no default cannot come behind what has one.
        ("a", "a, mine", "a=1", None),
    ],
)
def test_a_function_takes_what_both_sides_want(
    base: str, ours: str, theirs: str, wanted: str | None
) -> None:
    base, ours, theirs = (f"def f({each}) -> int:\n    return 1\n" for each in (base, ours, theirs))
    settled = settle_all("a.py", base, ours, theirs)
    assert settled == (wanted and f"def f({wanted}) -> int:\n    return 1\n")


def test_what_a_function_takes_is_written_in_lines_as_ruff_does() -> None:
    form = "@it\ndef f({}) -> int:\n    return 1\n"
    base, ours, theirs = (
        form.format(each) for each in ("a: int", "a: int, mine: int", "b: int, a: int")
    )
    assert settle_all("a.py", base, ours, theirs, width=30) == form.format(
        "\n    b: int, a: int, mine: int\n"
    )
    long = form.format("\n    b: int,\n    a: int,\n    mine: int,\n")
    assert settle_all("a.py", base, ours, theirs, width=20) == long
    ours = form.format("\n    a: int,\n    mine: int,\n")
    assert settle_all("a.py", base, ours, theirs, width=90) == long


def test_fields_of_a_dataclass_with_names_need_no_order() -> None:
    head = '@dataclass(kw_only=True)\nclass Settings:\n    """All."""\n\n'
    base = f"{head}    a: int = 1\n    b: int = 1\n"
    ours = f"{head}    b: int = 1\n    a: int = 1\n    z: int = 1\n"
    theirs = f"{head}    a: int = 2\n    b: int = 1\n    c: int = 1\n"
    assert settle_all("a.py", base, ours, theirs) == (
        f"{head}    b: int = 1\n    c: int = 1\n    a: int = 2\n    z: int = 1\n"
    )
    positional = [text.replace("kw_only=True", "frozen=True") for text in (base, ours, theirs)]
    assert settle_all("a.py", *positional) is None


def test_requirements_are_followed_into_other_groups() -> None:
    listed = '    "mypy>=2",\n    "pytest>=9",\n'
    base = f'[dependency-groups]\ndev = [\n{listed}    "old>=1",\n    "ruff>=1",\n]\n'
    ours = (
        '[dependency-groups]\ndev = [{ include-group = "lint" }, { include-group = "test" }]\n'
        'lint = [\n    "mypy>=2",\n    "old>=1",\n    "ruff>=1",\n]\n'
        'test = [\n    "pytest>=9",\n    "mine>=1",\n]\n'
    )
    theirs = base.replace('"old>=1"', '"new>=1"').replace("pytest>=9", "pytest>=10")
    assert settle_all("pyproject.toml", base, ours, theirs) == (
        '[dependency-groups]\ndev = [\n    "new>=1",\n    { include-group = "lint" },\n'
        '    { include-group = "test" },\n]\n'
        'lint = [\n    "mypy>=2",\n    "ruff>=1",\n]\n'
        'test = [\n    "pytest>=10",\n    "mine>=1",\n]\n'
    )
    extra = "[project]\ndependencies = [\n{}]\n\n[project.optional-dependencies]\nserver = [\n{}]\n"
    base = '[project]\ndependencies = [\n    "flask>=3",\n    "gunicorn>=27",\n]\n'
    ours = extra.format('    "flask>=3",\n    "rq>=1",\n', '    "gunicorn>=27",\n')
    theirs = base.replace("27", "28").replace('    "gun', '    "werkzeug>=3",\n    "gun')
    assert settle_all("pyproject.toml", base, ours, theirs) == extra.format(
        '    "flask>=3",\n    "rq>=1",\n    "werkzeug>=3",\n', '    "gunicorn>=28",\n'
    )


def test_warnings_that_are_ignored_need_no_order() -> None:
    sides = [
        f'[tool.pytest]\nfilterwarnings = [\n    "error",\n{line}]\n'
        for line in ("", '    "ignore:mine",\n', '    "ignore:theirs",\n')
    ]
    base, ours, theirs = sides
    settled = settle_all("pyproject.toml", base, ours, theirs)
    assert settled is not None
    assert sorted(settled.splitlines()) == sorted([*ours.splitlines(), '    "ignore:theirs",'])
    ours = ours.replace("ignore", "default")
    theirs = theirs.replace("ignore", "always")
    assert settle_all("pyproject.toml", base, ours, theirs) is None


def test_imports_stay_above_what_uses_them() -> None:
    base = "from .b import B\nfrom ..a import A\n\n\ndef c() -> None:\n    print(A, B)\n"
    ours = base.replace(
        "from .b import B\nfrom ..a import A\n", "from ..a import A\nfrom .b import B\n"
    )
    theirs = (
        "from .b import B\nfrom ..c import C\n\nALL = [B]\n\n\n"
        "def d() -> None:\n    print(C, ALL)\n\n\ndef c() -> None:\n    print(B)\n"
    )
    settled = settle_all("a.py", base, ours, theirs)
    assert settled is not None
    assert sorted(settled.splitlines()[:2]) == ["from ..c import C", "from .b import B"]
    base = "def a() -> int:\n    return 1\n\n\nx = a()\ny = 1\n"
    ours = "x = 1\ny = 2\n\n\ndef a() -> int:\n    return 1\n"
    assert settle_all("a.py", base, ours, base.replace("y = 1", "z = a()\ny = 1")) is None


def test_names_of_an_import_are_merged_and_sorted() -> None:
    base, ours, theirs = (
        f"from .errors import {names}\n\n{used}\n"
        for names, used in (
            ("Gone, NotFound", "print(NotFound, Gone)"),
            ("CODES, Gone, NotFound, mine", "print(NotFound, Gone)"),
            ("NotFound, theirs", "print(NotFound)"),
        )
    )
    wanted = "from .errors import CODES, NotFound, mine, theirs\n\nprint(NotFound)\n"
    assert settle_all("a.py", base, ours, theirs) == wanted
    lines = "(\n    CODES,\n    NotFound,\n    mine,\n    theirs,\n)"
    assert settle_all("a.py", base, ours, theirs, width=40) == (
        f"from .errors import {lines}\n\nprint(NotFound)\n"
    )


def test_imports_stand_where_they_are_sorted() -> None:
    base = "import os\n\nfrom flask import Flask\n\nfrom .app import app\n"
    ours = (
        "import os\n\nfrom flask import Flask\nfrom redis import Redis\n\n"
        "from orders import own\n\nfrom .app import app\nfrom .mine import mine\n"
    )
    theirs = (
        "import os\nimport re\n\nfrom rq import Queue\n\nfrom .app import app\nfrom .b import b\n"
    )
    assert settle_all("a.py", base, ours, theirs, packages=frozenset({"orders"})) == (
        "import os\nimport re\n\nfrom redis import Redis\nfrom rq import Queue\n\n"
        "from orders import own\n\nfrom .app import app\nfrom .b import b\nfrom .mine import mine\n"
    )


def test_a_name_that_nothing_gives_any_more_is_left() -> None:
    base = "from .a import a\nfrom .b import b\n\na()\n"
    ours = "from .a import a\nfrom .b import b\nfrom .c import c\n\na(b(c))\n"
    theirs = "from .a import a\n\na()\n"
    assert settle_all("a.py", base, ours.replace("b(c)", "c"), theirs) is not None
    assert settle_all("a.py", base, ours, theirs) is None


def test_imports_that_the_user_needs_stay() -> None:
    base = (
        "import enum\n\nfrom a import B, Gone, c\nfrom a.d import E\n\nB()\n\n\n"
        "class First(E(c, Gone)):\n    x = enum.Enum\n"
    )
    mine = "\n\nclass Mine(E, enum.Enum):\n    y = c\n"
    theirs = "from a import B, new\n\nB(new)\n"
    start = "import enum\n\nfrom a import B, c, new\nfrom a.d import E\n\nB(new)\n"
    assert settle_all("a.py", base, base + mine, theirs) == start + mine
    sides = (base, base + mine, theirs)
    assert completed("a.py", sides, theirs + mine) == start + mine
    # Nobody knows whether a library that the template imports no more is there.
    assert settle_all("a.py", base, base + mine, "import b\n\nb()\n") is None
    packages = frozenset({"a"})
    assert settle_all("a.py", *sides, packages=packages) is None
    for other in ("a.txt", "a.py"):
        broken = f"{theirs}{mine})"
        assert completed(other, sides, broken) == broken


@pytest.mark.parametrize("line", ["from .items import Item", "from orders.items import Item"])
def test_an_import_of_a_file_that_went_elsewhere_is_left(line: str) -> None:
    sides = ("import a\n\na.b()\n", "import a\nimport c\n\na.b()\n", f"import a\n{line}\n\na.b()\n")
    file = "src/orders/app.py"
    assert settle_all(file, *sides) is not None
    assert settle_all(file, *sides, gone=frozenset({"src/orders/items.py"})) is None


@pytest.mark.parametrize(
    "text",
    [
        "import a; import b\n",
        "def a(: pass\n",
        "a = (\n    1,\n    2,\n)\n",
        "if a:\n    b()\nelse:\n    c()\n",
        "a = [1, 2]\r\n",
    ],
)
def test_what_cannot_be_read_in_pieces_is_left(text: str) -> None:
    ours, theirs = (text.replace("a", name) for name in ("mine", "theirs"))
    assert settle_all("a.py", text, ours, theirs) is None
    assert settle_all("a.txt", text, ours, theirs) is None


def test_a_list_on_one_line_gets_lines_for_its_requirements() -> None:
    base, ours, theirs = (
        f'[dependency-groups]\ndev = ["mypy>=2", {entries}"ruff>=1"]\n'
        for entries in ("", '"mine", ', '"pytest>=9", ')
    )
    theirs = theirs.replace('["', '[\n    "').replace(', "', ',\n    "').replace('"]', '",\n]')
    assert settle_all("pyproject.toml", base, ours, theirs) == (
        '[dependency-groups]\ndev = [\n    "mypy>=2",\n    "pytest>=9",\n    "mine",\n'
        '    "ruff>=1",\n]\n'
    )


def test_stages_and_instructions_of_an_image() -> None:
    base = (
        "FROM a AS base\nENV A=1 B=2\nENV C=3\nCOPY x y\n\nFROM base\nRUN a && \\\n    b\nUSER 1\n"
    )
    ours = base.replace("FROM a", "FROM mine").replace("B=2", "B=3").replace("USER 1", "USER 2")
    theirs = base.replace("ENV C=3\n", "").replace("USER 1", "EXPOSE 80\nUSER 1")
    assert settle_all("Dockerfile", base, ours, theirs) == (
        "FROM mine AS base\nENV A=1 B=3\nCOPY x y\n\nFROM base\nRUN a && \\\n    b\n"
        "EXPOSE 80\nUSER 2\n"
    )
    heredoc = "RUN <<END\nENV A=1\nEND\n"
    assert settle_all("Dockerfile", *(text + heredoc for text in (base, ours, theirs))) is None


def test_a_page_that_is_all_new_stays_as_it_is() -> None:
    base = "# Orders\n\nAn introduction.\n\n## Run it\n\nSo.\n\n## Test it\n\nAnd so.\n"
    theirs = base.replace("So.", "Otherwise.") + "\n## More\n\nMore.\n"
    mine = "# Orders\n\nAsk Ada.\n"
    settled = settle("README.md", base, mine, theirs)
    assert settled is not None
    assert (settled.text, settled.left_out) == (mine, ("",))
    # A section that is there still gets what is new, and one that is not is named.
    mine = "# Orders\n\nAsk Ada.\n\n## Test it\n\nAnd so.\n"
    settled = settle("README.md", base, mine, theirs)
    assert settled is not None
    assert (settled.text, settled.left_out) == (mine + "\n## More\n\nMore.\n", ("Run it",))


def test_paragraphs_in_the_users_words_stay() -> None:
    base = "# Orders\n\nOne.\n\n## Run it\n\nSo.\n\nThen so.\n"
    mine = base.replace("So.", "Mine.").replace("One.", "Eins.")
    theirs = base.replace("So.", "Otherwise.\n\nAnd more.") + "\nLast.\n"
    settled = settle("README.md", base, mine, theirs)
    assert settled is not None
    assert (settled.text, settled.worded) == (f"{mine}\nLast.\n", ("Orders.Run it",))


def test_a_section_that_was_changed_stays_though_the_template_gives_it_up() -> None:
    base = "# Orders\n\nOne.\n\n## Log in\n\nSo.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
    mine = base.replace("So.", "Otherwise.").replace("One.", "Two.")
    theirs = "# Orders\n\nOne.\n"
    settled = settle("README.md", base, mine, theirs)
    assert settled is not None
    assert (settled.text, settled.kept) == (mine, ("Log in",))
    settled = settle("README.md", base, base.replace("One.", "Two."), theirs)
    assert settled is not None
    assert (settled.text, settled.kept) == ("# Orders\n\nTwo.\n", ())
    # A row about what is gone is for the user to look at.
    rows = base.replace("| 1 | 2 |", "| 1 | 3 |")
    assert settle("README.md", base, rows, base.replace("| 1 | 2 |\n", "")) is None
