"""What users do to a project: the edits that every change must leave alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from servicewright.questions import Answer

ROUTES = {
    "fastapi": '''"""The currency."""

from fastapi import APIRouter, Request

mine_router = APIRouter()


@mine_router.get("/mine", include_in_schema=False)
def read_currency(request: Request) -> dict[str, str]:
    """Tell the currency."""
    return {"currency": request.app.state.settings.currency}
''',
    "flask": '''"""The currency."""

from flask import Blueprint, current_app

mine_blueprint = Blueprint("mine", __name__)


@mine_blueprint.get("/mine")
def read_currency() -> dict[str, str]:
    """Tell the currency."""
    return {"currency": current_app.extensions["settings"].currency}
''',
}
IMPORTS = {
    "fastapi": ("from fastapi import FastAPI\n", "\nfrom .mine import mine_router\n"),
    "flask": ("from flask import Flask\n", "\nfrom .mine import mine_blueprint\n"),
}
REGISTRATIONS = {
    "fastapi": "    app.include_router(mine_router)\n",
    "flask": "    app.register_blueprint(mine_blueprint)\n",
}
TEST = '''"""The currency."""

from collections.abc import Callable

from httpx2 import Client


def test_currency_is_that_of_the_settings(start: Callable[..., Client]) -> None:
    assert start(currency="USD").get("/mine").json() == {"currency": "USD"}
'''
MODEL = '''

class Customer(Base):
    """A customer."""

    __tablename__ = "customers"

    id: Mapped[int] = mapped_column(primary_key=True)
'''
MIGRATION = '''"""Create the table of customers."""

import sqlalchemy as sa
from alembic import op

revision = "{next:04}"
down_revision = "{last:04}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the tables."""
    op.create_table(
        "customers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade() -> None:
    """Change the tables back."""
    op.drop_table("customers")
'''
SECTION = "\n## Whom to call\n\nAda, on weekdays.\n"
MODELS = "src/orders/models.py"
VERSION = "src/orders/migrations/versions/{next:04}_create_customers.py"

# What a service with four resources keeps, of which some refer to others, and what its owner wrote
# where they are: behind a line, or in the place of one.
FOUR = [
    "buyer(name: text(100) unique searched, note: text?)",
    "lamp(name: text(100) searched, price: money)",
    "order(buyer: buyer, lamp: lamp?, placed_at: datetime = now, state: choice(new, done) = new)",
    "review(lamp: lamp, words: long_text, stars: integer)",
]
IN_RESOURCES = [
    ("orders.py", 'State = Literal["new", "done"]\n', 'State = Literal["new", "paid", "done"]\n'),
    ("reviews.py", "Field(ge=-LARGEST_INTEGER - 1, le=LARGEST_INTEGER)", "Field(ge=1, le=7)"),
    (
        "store.py",
        """            raise LampNotFoundError(lamp_id)
        return lamp
""",
        """            raise LampNotFoundError(lamp_id)
        return lamp

    def exists(self, lamp_id: int) -> bool:  # pragma: no cover
        \"""Tell whether there is a lamp.\"""
        return self._session.get(Lamp, lamp_id) is not None
""",
    ),
    (
        "models.py",
        """    buyer: Mapped[int] = mapped_column(ForeignKey("buyers.id"), index=True)
""",
        """    # Who pays.
    buyer: Mapped[int] = mapped_column(ForeignKey("buyers.id"), index=True)
""",
    ),
]


@dataclass(frozen=True)
class Edit:
    """Something a user wrote: where, what, and behind which line (at the end without one)."""

    file: str
    text: str
    behind: str | None = None


def edits(answers: dict[str, Answer]) -> list[Edit]:
    """List the edits of a project with these answers."""
    framework = str(answers["framework"])
    anchor, added = IMPORTS[framework]
    found = [
        Edit("src/orders/mine.py", ROUTES[framework]),
        Edit("tests/test_mine.py", TEST),
        Edit("src/orders/custom.py", added, anchor),
        Edit(
            *("src/orders/custom.py", REGISTRATIONS[framework]),
            behind='    """Install your own parts."""\n',
        ),
        Edit(
            *("src/orders/settings.py", '    currency: str = "EUR"\n'),
            behind="    # Your own settings:\n",
        ),
        # This is where and how `uv add` writes them.
        Edit(
            *("pyproject.toml", '    "tenacity>=9.1,<10",\n    "attrs>=25.3",\n'),
            behind='    "pydantic>=2.14,<3",\n',
        ),
        Edit("README.md", SECTION, "<!-- Your own sections: -->\n"),
    ]
    if answers["database"] != "none":
        found += [Edit(MODELS, MODEL), Edit(version(answers), numbered(MIGRATION, answers))]
    return found


def numbered(text: str, answers: Mapping[str, object]) -> str:
    """Write the numbers of the last migration of the template, and of the next."""
    kept = answers.get("resources", ["the default"])
    last = len(kept) if isinstance(kept, list) else 1
    return text.format(last=last, next=last + 1)


def version(answers: Mapping[str, object]) -> str:
    """Name the file of a user's migration."""
    return numbered(VERSION, answers)


def edit_resources(project: Path) -> None:
    """Do what the owner of four resources would do where they are."""
    for file, old, new in IN_RESOURCES:
        replace(project / "src/orders" / file, old, new)


def edit(project: Path, answers: dict[str, Answer]) -> None:
    """Do what a user would do to a fresh project."""
    for each in edits(answers):
        path = project / each.file
        if each.behind is None:
            text = path.read_text() if path.exists() else ""
            path.write_text(text + each.text)
        else:
            insert(path, each.behind, each.text)
    replace(project / "src/orders/settings.py", '"Hello, world!"', '"Welcome to Orders"')


def lost(project: Path, before: dict[str, Answer], after: dict[str, Answer]) -> list[str]:
    """List the edits that are not in a changed project, but for those of a dropped file."""
    missing = [
        each.file
        for each in edits(before)
        if not (each.file == MODELS and after["database"] == "none")
        and not ((project / each.file).exists() and each.text in (project / each.file).read_text())
    ]
    if '"Welcome to Orders"' not in (project / "src/orders/settings.py").read_text():
        missing.append("the message")
    return missing


def move(project: Path, before: dict[str, Answer], after: dict[str, Answer]) -> None:
    """Do what a change leaves to the user: their own code for what is no longer there."""
    old, new = str(before["framework"]), str(after["framework"])
    if old != new:
        custom = project / "src/orders/custom.py"
        (project / "src/orders/mine.py").write_text(ROUTES[new])
        replace(custom, IMPORTS[old][1], IMPORTS[new][1])
        replace(custom, REGISTRATIONS[old], REGISTRATIONS[new])
    if before["database"] != "none" and after["database"] == "none":
        (project / version(before)).unlink()


def insert(path: Path, line: str, text: str) -> None:
    """Write behind a line that occurs once."""
    replace(path, line, line + text)


def replace(path: Path, old: str, new: str) -> None:
    """Replace what occurs once."""
    text = path.read_text()
    assert text.count(old) == 1, (path, old)
    path.write_text(text.replace(old, new))
