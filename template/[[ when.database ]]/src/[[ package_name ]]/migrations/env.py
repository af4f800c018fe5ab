"""Runs the migrations, for the application and for the ``alembic`` command."""

import logging
from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrationScript, Operations
from alembic.operations.ops import DropTableOp
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
#{% if when.postgresql %}
from sqlalchemy import Connection, Enum, inspect
#{% else %}
from sqlalchemy import Connection, inspect
#{% endif %}
from sqlalchemy.types import TypeEngine
from sqlalchemy.util import generic_repr

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE import logs
from PACKAGE.database import connect
from PACKAGE.engine import address
#{% if when.postgresql %}
from PACKAGE.enum_types import own_type, write_types
#{% endif %}
from PACKAGE.models import Base
from PACKAGE.settings import load_settings
#{% endfilter %}

PACKAGE = "[[ package_name ]]."
SCRIPTS = ScriptDirectory.from_config(context.config)

logger = logging.getLogger(__name__)


def render(kind: str, item: object, autogenerate: AutogenContext) -> str | Literal[False]:
    """Write a type of your own with the import that it needs; Alembic writes all others."""
    #{% if when.postgresql %}
    if kind == "type" and isinstance(item, Enum) and (enum := own_type(item)):
        autogenerate.imports.add("from sqlalchemy.dialects import postgresql")
        return f"postgresql.{enum!r}"
    #{% endif %}
    module, name = type(item).__module__, type(item).__qualname__
    if not (kind == "type" and isinstance(item, TypeEngine) and module.startswith(PACKAGE)):
        return False
    autogenerate.imports.add(f"import {module}")
    # A decorated type shows the arguments of what it decorates, unless it has its own.
    shown = generic_repr(item) if "__init__" in vars(type(item)) else repr(item)
    return f"{module}.{name}{shown.removeprefix(type(item).__name__)}"


def put_in_order(migrations: MigrationContext, _: object, scripts: list[MigrationScript]) -> None:
    """Let new migrations drop tables last, and each before those that it refers to."""
    tables = inspect(migrations.connection).get_sorted_table_and_fkc_names()
    order = {name: -number for number, (name, _) in enumerate(tables)}
    for script in scripts:
        changes: Any = script.upgrade_ops
        dropped = {each.table_name for each in changes.ops if isinstance(each, DropTableOp)}
        # With what takes their indexes away.
        last = [each for each in changes.ops if getattr(each, "table_name", None) in dropped]
        last.sort(key=lambda each: order[each.table_name])
        changes.ops = [each for each in changes.ops if each not in last] + last
        changes.reverse_into(script.downgrade_ops)
    #{% if when.postgresql %}
    write_types(migrations, scripts, Base.metadata)
    #{% endif %}


def is_rolled_back() -> bool:
    """Tell whether the tables are of a newer version of the service, which they still serve."""
    command = getattr(context.config.cmd_opts, "cmd", None)
    if command and command[0].__name__ != "upgrade":
        return False
    known = {script.revision for script in SCRIPTS.walk_revisions()}
    newer = set(context.get_context().get_current_heads()) - known
    if newer:
        logger.warning("The tables are newer than this code, and stay: %s", ", ".join(newer))
    return bool(newer)


def bring_up_to_date(connection: Connection) -> None:
    """Run what is missing first: a new migration is the difference from the last one."""
    migrations = MigrationContext.configure(
        connection, opts={"fn": lambda revision, _: SCRIPTS._upgrade_revs("head", revision)}
    )
    with Operations.context(migrations):
        migrations.run_migrations()


def migrate(connection: Connection) -> None:
    """Run the migrations in the transaction of a connection."""
    if getattr(context.config.cmd_opts, "autogenerate", False):
        bring_up_to_date(connection)
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_item=render,
        process_revision_directives=put_in_order,
        #{% if when.sqlite %}
        render_as_batch=True,
        #{% endif %}
    )
    if is_rolled_back():
        return
    with context.begin_transaction():
        context.run_migrations()


def print_sql() -> None:
    """Write the migrations as SQL instead of running them (``alembic upgrade head --sql``)."""
    context.configure(url=address(load_settings().database_url), literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    print_sql()
elif "connection" in context.config.attributes:
    migrate(context.config.attributes["connection"])
else:
    settings = load_settings()
    logs.configure(settings)
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)
    database = connect(settings)
    with database.migration() as own_connection:
        migrate(own_connection)
    database.engine.dispose()
