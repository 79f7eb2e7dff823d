"""Channel accounts, deliveries and their events."""

import sqlalchemy as sa
from alembic import op

from leadkeeper.store.types import Id, Instant, Json

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "channel_accounts",
        sa.Column("id", Id, nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False, comment="whatsapp, webchat, form, test"),
        sa.Column("external_id", sa.String(length=200), nullable=False, comment="the provider's id: phone_number_id on WhatsApp"),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column(
            "base_url",
            sa.String(length=500),
            nullable=True,
            comment="the provider's address; simulated accounts hold the simulator's",
        ),
        sa.Column("config", Json, nullable=False, comment="nothing secret: display number, business account id, version"),
        sa.Column("secrets", sa.LargeBinary(), nullable=True, comment="encrypted JSON: token, app_secret, verify_token"),
        sa.Column(
            "source", sa.String(length=16), server_default="console", nullable=False, comment="console, environment, built-in"
        ),
        sa.Column("simulated", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.Column("state", sa.String(length=16), server_default="active", nullable=False),
        sa.Column("halted_reason", sa.Text(), nullable=True),
        sa.Column("halted_at", Instant(), nullable=True),
        sa.Column("last_inbound_at", Instant(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("last_error_at", Instant(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.CheckConstraint("state in ('active', 'halted', 'off')", name=op.f("ck_channel_accounts_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel_accounts")),
        sa.UniqueConstraint("channel", "external_id", name=op.f("uq_channel_accounts_channel_external_id")),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", Id, nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False, comment="the raw bytes as they came"),
        sa.Column("events", Id, server_default="0", nullable=False, comment="events that were new"),
        sa.Column("statuses", Id, server_default="0", nullable=False),
        sa.Column("unrouted", sa.String(length=200), nullable=True, comment="the account id we do not know"),
        sa.Column("note", sa.Text(), nullable=True, comment="why nothing, or not everything, of it was understood"),
        sa.Column("received_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
    )
    op.create_index(
        "ix_deliveries_unrouted",
        "webhook_deliveries",
        ["id"],
        unique=False,
        sqlite_where=sa.text("unrouted IS NOT NULL"),
        postgresql_where=sa.text("unrouted IS NOT NULL"),
    )
    op.create_index(op.f("ix_webhook_deliveries_received_at"), "webhook_deliveries", ["received_at"], unique=False)
    op.create_table(
        "inbound_events",
        sa.Column("id", Id, nullable=False),
        sa.Column("account_id", Id, nullable=False),
        sa.Column(
            "external_id", sa.String(length=300), nullable=False, comment="never null: derived where the provider gives none"
        ),
        sa.Column("delivery_id", Id, nullable=True),
        sa.Column(
            "kind", sa.String(length=32), nullable=False, comment="message, echo, edit, revoke, reaction, system, notice, unknown"
        ),
        sa.Column("sender", sa.String(length=200), nullable=False, comment="the customer concerned"),
        sa.Column("payload", Json, nullable=False, comment="the event's own part of the delivery, with its contact"),
        sa.Column("occurred_at", Instant(), nullable=False, comment="the provider's time"),
        sa.Column("received_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["channel_accounts.id"], name=op.f("fk_inbound_events_account_id")),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["webhook_deliveries.id"], name=op.f("fk_inbound_events_delivery_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_events")),
        sa.UniqueConstraint("account_id", "external_id", name=op.f("uq_inbound_events_account_id_external_id")),
    )
