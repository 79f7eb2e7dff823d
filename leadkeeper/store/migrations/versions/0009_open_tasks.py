"""Open tasks are counted for every page: an index that holds no others."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_OPEN = sa.text("done_at IS NULL")


def upgrade() -> None:
    op.create_index("ix_tasks_open", "tasks", ["kind", "id"], unique=False, sqlite_where=_OPEN, postgresql_where=_OPEN)
