"""Migrates a database there and back, with rows in it, in the environment of a service.

It is a program: it reads JSON from the standard input and exits with a traceback where something
is not as it should be.
"""

from __future__ import annotations

import datetime as dt
import importlib
import importlib.util
import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from alembic import command, config

if TYPE_CHECKING:
    from collections.abc import Iterator


def models(path: str) -> Any:
    """Load the tables of a service."""
    spec = importlib.util.spec_from_file_location(f"models_{abs(hash(path))}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.Base.metadata


def described(connection: sa.Connection) -> dict[str, Any]:
    """Describe all tables, in which the order of columns does not count."""
    inspector = sa.inspect(connection)
    return {
        name: {
            "columns": {
                column["name"]: (str(column["type"]), column["nullable"], column["default"])
                for column in inspector.get_columns(name)
                if column["name"] != "id"
            },
            "key": inspector.get_pk_constraint(name),
            "unique": sorted(one["name"] or "" for one in inspector.get_unique_constraints(name)),
            "foreign": sorted(map(str, inspector.get_foreign_keys(name))),
            "indexes": sorted(
                f"{one['name']} {one['column_names']} {one['unique']}"
                for one in inspector.get_indexes(name)
                if not one.get("duplicates_constraint")
            ),
        }
        for name in inspector.get_table_names()
        if name != "alembic_version"
    }


def value(column: sa.Column[Any], number: int) -> Any:
    """Make something for a column, as large as it may be, and other than for another number."""
    kind = column.type
    day = dt.datetime(2026, 1, number, 10)  # noqa: DTZ001 - as it is stored
    text = f"{number}{'x' * 3000}"[: getattr(kind, "length", None)]
    by_type = {
        sa.Boolean: number == 1,
        sa.Double: number + 0.25,
        sa.Integer: number,
        sa.Date: day.date(),
        sa.DateTime: day,
        sa.JSON: ["oak"],
        # In SQLite, ids are such texts.
        sa.CHAR: f"{number:032}",
        sa.Uuid: UUID(int=number),
        sa.String: text,
    }
    return next(value for known, value in by_type.items() if isinstance(kind, known))


def fill(connection: sa.Connection) -> None:
    """Put two rows into each table that has none."""
    metadata = sa.MetaData()
    metadata.reflect(connection)
    for table in metadata.sorted_tables:
        count = connection.scalar(sa.select(sa.func.count()).select_from(table))
        if table.name == "alembic_version" or count:
            continue
        for number in (1, 2):
            row = {
                column.name: value(column, number)
                for column in table.columns
                # Every other time, what may be null is.
                if not (column.nullable and number == 2)
            }
            connection.execute(table.insert().values(row | {"id": number}))


def counted(connection: sa.Connection) -> dict[str, int]:
    """Count the rows of all tables."""
    names = [name for name in sa.inspect(connection).get_table_names() if name[:7] != "alembic"]
    return {
        name: connection.scalar(sa.select(sa.func.count()).select_from(sa.table(name))) or 0
        for name in names
    }


class Migrated:
    """A database of a service that is brought from one revision to another."""

    def __init__(self, asked: Any) -> None:
        sys.path.insert(0, asked["src"])
        database = importlib.import_module(f"{asked['package']}.database")
        settings = importlib.import_module(f"{asked['package']}.settings")
        self.database = database.connect(settings.Settings(database_url=asked["url"]))
        self.config = config.Config()
        folder = Path(asked["src"], asked["package"], "migrations")
        self.config.set_main_option("script_location", str(folder))

    def go(self, move: Any, revision: str) -> None:
        """Move the tables, and expect that no row is lost of those that stay."""
        before = self.counts()
        with self.database.migration() as connection:
            self.config.attributes["connection"] = connection
            move(self.config, revision)
        after = self.counts()
        lost = {name: before[name] for name in before.keys() & after if before[name] != after[name]}
        assert not lost, (revision, lost, after)

    def counts(self) -> dict[str, int]:
        """Count the rows of all tables."""
        with self.database.engine.connect() as connection:
            return counted(connection)

    def expect(self, metadata: sa.MetaData) -> None:
        """Expect that the tables are those of a fresh copy."""
        with self.database.engine.connect() as connection:
            found = described(connection)
        expected = fresh(self.database.engine, metadata)
        assert found == expected, f"\n{found}\n{expected}"


def fresh(engine: sa.Engine, metadata: sa.MetaData) -> dict[str, Any]:
    """Describe the tables of a fresh copy."""
    if engine.dialect.name == "sqlite":
        with sa.create_engine("sqlite://").begin() as connection:
            metadata.create_all(connection)
            return described(connection)
    with engine.connect() as connection:
        connection.execute(sa.text("CREATE SCHEMA fresh"))
        connection.execute(sa.text("SET LOCAL search_path TO fresh"))
        metadata.create_all(connection)
        found = described(connection)
        connection.rollback()
    return found


@contextmanager
def own_database(url: str) -> Iterator[str]:
    """Make a database of its own on a server."""
    if url.startswith("sqlite"):
        yield url
        return
    location = sa.make_url(url).set(drivername="postgresql+psycopg")
    name = f"migrated_{uuid4().hex}"
    server = sa.create_engine(location, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
        try:
            yield location.set(database=name).render_as_string(hide_password=False)
        finally:
            connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))


def main() -> None:
    """Go there with rows in it, and back."""
    asked = json.load(sys.stdin)
    with own_database(asked["url"]) as url:
        there_and_back(asked | {"url": url})


def there_and_back(asked: Any) -> None:
    """Go there with rows in it, and back."""
    migrated = Migrated(asked)
    steps = [(models(step["models"]), step["revision"]) for step in asked["steps"]]
    for metadata, revision in steps:
        migrated.go(command.upgrade, revision)
        migrated.expect(metadata)
        if asked["rows"]:
            with migrated.database.engine.begin() as connection:
                fill(connection)
    for metadata, revision in reversed(steps[:-1]):
        migrated.go(command.downgrade, revision)
        migrated.expect(metadata)
    migrated.go(command.downgrade, "base")
    migrated.go(command.upgrade, "head")
    migrated.expect(steps[-1][0])


if __name__ == "__main__":
    main()
