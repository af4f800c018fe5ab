#{% filter fitted %}
#{% filter imports %}
"""[[ step.docstring ]]"""

import datetime as dt
from uuid import UUID

import sqlalchemy as sa
from alembic import op

#{% set unknown = "" if when.sqlite else "sqlite_autoincrement=True," %}
revision = "[[ step.revision ]]"
down_revision = [[ step.down_revision ]]
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the tables."""
    #{% for line in step.upgrade if line.strip() != unknown %}
    [[ line ]]
    #{% endfor %}


def downgrade() -> None:
    """Change the tables back."""
    #{% for line in step.downgrade if line.strip() != unknown %}
    [[ line ]]
    #{% endfor %}
#{% endfilter %}
#{% endfilter %}
