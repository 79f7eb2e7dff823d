"""What was answered to a request that names an Idempotency-Key, so that the same request is done once."""

import sqlalchemy as sa
from alembic import op

from leadkeeper.store.types import Id, Instant

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("id", Id, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False, comment="the caller's Idempotency-Key"),
        sa.Column("asked", sa.String(length=64), nullable=False, comment="SHA-256 of what was asked for under it"),
        sa.Column("status", sa.Integer(), nullable=True, comment="of the answer; null only inside the transaction that makes it"),
        sa.Column("answer", sa.Text(), nullable=True, comment="the body of the answer, as it was sent"),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_idempotency_keys_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotency_keys")),
        sa.UniqueConstraint("user_id", "key", name=op.f("uq_idempotency_keys_user_id_key")),
    )
    op.create_index(op.f("ix_idempotency_keys_created_at"), "idempotency_keys", ["created_at"], unique=False)
