"""The circuit of an account: failures of its provider in a row, and the rest they lead to."""

import sqlalchemy as sa
from alembic import op

from leadkeeper.store.types import Json

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "channel_accounts", sa.Column("circuit", Json, nullable=True, comment="failures in a row and the rest they led to")
    )
