"""Providers' limits as token buckets, and the turn a message was given where a limit made it wait."""

import sqlalchemy as sa
from alembic import op

from leadkeeper.store.types import Instant

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "buckets",
        sa.Column(
            "name", sa.String(length=100), nullable=False, comment="account:<id>, account:<id>:proactive, pair:<conversation>"
        ),
        sa.Column("full_at", Instant(), nullable=False, comment="when it is full again: from then on the row means nothing"),
        sa.Column("turns_until", Instant(), nullable=False, comment="the last turn that was given to somebody who waits"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_buckets")),
    )
    op.add_column("messages", sa.Column("turn_at", Instant(), nullable=True, comment="its turn, where a limit made it wait"))
