"""What Alembic leaves out of new migrations: the types of PostgreSQL's own for enums."""

from typing import Any

from alembic.operations import MigrationScript
from alembic.operations.ops import ExecuteSQLOp
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Enum, MetaData, inspect
from sqlalchemy.dialects.postgresql import ENUM, CreateEnumType, DropEnumType


def own_type(kind: object) -> ENUM | None:
    """Give the type that a column has for its enum, or for the enums in its array."""
    kind = getattr(kind, "item_type", kind)
    if isinstance(kind, Enum) and kind.native_enum and kind.name:
        return ENUM(*kind.enums, name=kind.name, create_type=False)
    return None


def write_types(
    context: MigrationContext, scripts: list[MigrationScript], metadata: MetaData
) -> None:
    """Let new migrations make types before what has them, and drop them after it."""

    def operation(statement: CreateEnumType | DropEnumType) -> ExecuteSQLOp:
        return ExecuteSQLOp(str(statement.compile(dialect=context.dialect)))

    columns = [column for table in metadata.sorted_tables for column in table.columns]
    wanted = {str(enum.name): enum for column in columns if (enum := own_type(column.type))}
    inspector: Any = inspect(context.connection)
    types = inspector.get_enums()
    found = {each["name"]: ENUM(*each["labels"], name=each["name"]) for each in types}
    for script in scripts:
        up: Any = script.upgrade_ops
        down: Any = script.downgrade_ops
        for name in sorted(wanted.keys() - found.keys()):
            up.ops.insert(0, operation(CreateEnumType(wanted[name])))
            down.ops.append(operation(DropEnumType(wanted[name])))
        for name in sorted(found.keys() - wanted.keys()):
            up.ops.append(operation(DropEnumType(found[name])))
            down.ops.insert(0, operation(CreateEnumType(found[name])))
        for name in sorted(wanted.keys() & found.keys()):
            type_ = context.dialect.identifier_preparer.quote(name)
            new = [member for member in wanted[name].enums if member not in found[name].enums]
            values = [member.replace("'", "''") for member in new]
            # No migration takes a member away again: PostgreSQL cannot.
            up.ops[:0] = [ExecuteSQLOp(f"ALTER TYPE {type_} ADD VALUE '{each}'") for each in values]
