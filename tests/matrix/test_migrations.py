"""Other resources leave migrations that bring a database there and back, with rows in it.

Each list is what is answered one after the other. The tables are compared with those of a fresh
copy at each of them, on the way there and on the way back, in SQLite and in PostgreSQL.
"""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from matrix import static
from matrix.environments import interpreter
from matrix.plugin import ROOT, shared_template
from matrix.rendering import PACKAGE, Tree, render
from matrix.test_static import nothing_in
from servicewright.variants import Variant

if TYPE_CHECKING:
    from pathlib import Path

    from matrix.environments import Environments
    from matrix.postgresql import PostgreSQL
    from servicewright.questions import Answer

# What is answered one after the other: what becomes of each resource, and nothing where it is gone.
CHANGES = {
    "coming": ["", "(label: text(20) unique, weight: number indexed)", "(label: text(20) unique)"],
    "going": ["(total: money, note: text searched)", "", "(total: money)"],
    "new_field": [
        "(total: money)",
        """(
            total: money, note: text, plain: long_text, count: integer, share: number,
            paid: yes_no, day: date, at: datetime, state: choice(new, done), key: uuid, tags: list
        )""",
        "(total: money)",
    ],
    "may_be_null": [
        "(total: money)",
        "(total: money, note: text?, paid: yes_no?, at: datetime? indexed, key: uuid? unique)",
        "(note: text?, total: money)",
    ],
    "with_default": [
        "(total: money)",
        r"""(
            total: money, note: text = "it's \"fine\" \\", count: integer = -3, share: number = 2.5,
            fee: money = 9.90, paid: yes_no = yes, day: date = 2026-01-31, since: datetime = now,
            at: datetime = 2026-01-31T10:00:00+02:00, born: date = today, key: uuid = new,
            other: uuid = 00000000-0000-0000-0000-000000000009, more: list = [],
            tags: list = "oak", state: choice(new, done) = done
        )""",
        "(total: money)",
    ],
    "unique_field": [
        "(total: money)",
        """(
            total: money, code: text(10) unique, count: integer unique, share: number unique,
            fee: money unique, day: date unique, at: datetime unique, key: uuid unique,
            other: uuid unique = new
        )""",
        "(total: money)",
    ],
    "length": [
        "(note: text(20), name: text(30), plain: long_text, size: integer)",
        "(note: text(200), name: long_text, plain: text(50), size: number)",
        "(note: text(10), name: text(12), plain: text(10), size: integer)",
    ],
    "required": [
        "(note: text?, at: datetime?, tags: list?, key: uuid?, state: choice(a, b)?)",
        "(note: text, at: datetime = now, tags: list, key: uuid, state: choice(a, b))",
        "(note: text?, at: datetime?, tags: list?, key: uuid?, state: choice(a, b)?)",
    ],
    "mark": [
        "(note: text, count: integer unique, share: number indexed)",
        "(note: text unique, count: integer indexed, share: number)",
        "(note: text indexed, count: integer, share: number unique)",
    ],
    "choice_list": [
        "(state: choice(new, done), kind: text(40))",
        "(state: choice(new, paid, done), kind: choice(big, small) = small)",
        "(state: choice(open, done), kind: text(20))",
    ],
    "kind": [
        "(note: text, total: money, at: date unique, key: uuid indexed)",
        "(note: integer, total: number, at: datetime unique, key: text(40) indexed)",
        "(note: list, total: yes_no?, at: money, key: choice(a, b))",
    ],
    "link": [
        "(owner: new_field, part: going?)",
        "(owner: new_field?, part: with_default?)",
        "(owner: kind?, part: length? unique, first: mark? unique)",
    ],
    "own_kind": [
        "(note: text, gone: own_kind?, stays: own_kind? unique, other: new_field?)",
        "(note: text, comes: own_kind? unique, stays: own_kind?, other: own_kind?)",
        "(note: text, gone: own_kind?, stays: own_kind? unique, other: new_field?)",
    ],
    "what_refers_to_others": [
        "(owner: new_field unique)",
        "(owner: new_field, is_part_of_something_larger: with_default?)",
        "(owner: new_field)",
    ],
}
# All of them at once, then nothing, and what was first again.
LISTS = [
    [f"{name}{answers[number]}" for name, answers in CHANGES.items() if answers[number]]
    for number in range(3)
]
LISTS += [[], LISTS[0]]


def answered(
    lists: list[list[str]], database: str, scratch: Path, directory: Path
) -> list[tuple[Tree, str]]:
    """Answer with one list after the other, and give each project with its last migration."""
    migrated: list[str] = []
    found = []
    for number, resources in enumerate(lists):
        answers: dict[str, Answer] = {"database": database, "docker": False}
        path = directory / str(number)
        render(
            shared_template(scratch),
            path,
            {**answers, "resources": resources, "migrated": migrated},
        )
        migrated = yaml.safe_load((path / ".copier-answers.yml").read_text())["migrated"]
        found.append((Tree(Variant(str(number), answers), path), f"{len(migrated):04}"))
    return found


def migrate(projects: list[tuple[Tree, str]], url: str, environment: Path) -> None:
    """Migrate a database there and back."""
    tree, _ = projects[-1]
    asked = {
        "src": str(tree.path / "src"),
        "package": PACKAGE,
        "url": url,
        "rows": True,
        "steps": [
            {"models": str(one.path / f"src/{PACKAGE}/models.py"), "revision": revision}
            for one, revision in projects
        ],
    }
    done = subprocess.run(
        [str(interpreter(environment)), "-B", str(ROOT / "tests/matrix/migrating.py")],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
        cwd=tree.path,
    )
    assert done.returncode == 0, done.stderr[-6000:]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_there_and_back(
    database: str,
    environments: Environments,
    postgresql: PostgreSQL,
    scratch: Path,
    tmp_path: Path,
) -> None:
    projects = answered(LISTS, database, scratch, tmp_path)
    tree, _ = projects[-1]
    environment = environments.get(tree.requirements)
    url = f"sqlite:///{tmp_path}/test.db"
    variables = postgresql.variables(tree.requirements, environment)

    nothing_in(static.lint([tree], "check", "--output-format=concise"))
    nothing_in(static.lint([tree], "format", "--diff"))
    migrate(projects, variables.get("TEST_DATABASE_URL", url), environment)
