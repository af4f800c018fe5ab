#{% filter fitted %}
#{% filter about(resource) %}
"""Create the table of [[ resource.labels ]]."""

import sqlalchemy as sa
from alembic import op

revision = "[[ resource.revision ]]"
down_revision = [[ resource.former ]]
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the tables."""
    op.create_table(
        "widgets",
        sa.Column("id", sa.Integer(), nullable=False),
        #{% for field in resource.fields %}
        [[ field.migrated ]],
        #{% endfor %}
        #{% for field in resource.references %}
        sa.ForeignKeyConstraint(["[[ field.name ]]"], ["[[ field.targets ]].id"], name=[[ field.constraint ]]),
        #{% endfor %}
        sa.PrimaryKeyConstraint("id", name="pk_widgets"),
        #{% for field in resource.unique %}
        sa.UniqueConstraint("[[ field.name ]]", name="uq_widgets_[[ field.name ]]"),
        #{% endfor %}
    )
    #{% for field in resource.indexed %}
    op.create_index("ix_widgets_[[ field.name ]]", "widgets", ["[[ field.name ]]"])
    #{% endfor %}


def downgrade() -> None:
    """Change the tables back."""
    op.drop_table("widgets")
#{% endfilter %}
#{% endfilter %}
