#{% filter fitted %}
#{% filter imports %}
"""[[ step.docstring ]]"""

import datetime as dt
from uuid import UUID

import sqlalchemy as sa
from alembic import op

revision = "[[ step.revision ]]"
down_revision = [[ step.down_revision ]]
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the tables."""
    #{% for line in step.upgrade %}
    [[ line ]]
    #{% endfor %}


def downgrade() -> None:
    """Change the tables back."""
    #{% for line in step.downgrade %}
    [[ line ]]
    #{% endfor %}
#{% endfilter %}
#{% endfilter %}
