"""Edits and deletions are looked up for messages that come late: an index that holds no other event."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_CHANGES = sa.text("kind IN ('edit', 'revoke')")


def upgrade() -> None:
    op.create_index(
        "ix_inbound_changes",
        "inbound_events",
        ["account_id", "sender"],
        unique=False,
        sqlite_where=_CHANGES,
        postgresql_where=_CHANGES,
    )
