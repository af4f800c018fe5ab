"""Runs the migrations, for the application and for the ``alembic`` command."""

from alembic import context
from sqlalchemy import Connection

#{% filter replace("PACKAGE", package_name) %}
from PACKAGE.database import connect
from PACKAGE.models import Base
from PACKAGE.settings import Settings
#{% endfilter %}

# Makes processes that start together migrate one after the other.
#{% if when.postgresql %}
LOCK = "SELECT pg_advisory_xact_lock(752316)"
#{% else %}
LOCK = "BEGIN IMMEDIATE"
#{% endif %}


def migrate(connection: Connection) -> None:
    """Run the migrations in the transaction of a connection."""
    connection.exec_driver_sql(LOCK)
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        #{% if when.sqlite %}
        render_as_batch=True,
        #{% endif %}
    )
    with context.begin_transaction():
        context.run_migrations()


def print_sql() -> None:
    """Write the migrations as SQL instead of running them (``alembic upgrade head --sql``)."""
    context.configure(url=Settings().database_url, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    print_sql()
elif "connection" in context.config.attributes:
    migrate(context.config.attributes["connection"])
else:
    engine = connect(Settings()).engine
    with engine.begin() as own_connection:
        migrate(own_connection)
    engine.dispose()
