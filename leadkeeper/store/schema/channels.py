"""What comes in: connected accounts, raw deliveries, the events they hold."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from leadkeeper.store.schema.base import metadata, one_of
from leadkeeper.store.types import Id, Instant, Json

CHANGES = ("edit", "revoke")
"""Kinds of inbound events that change an earlier one."""

channel_accounts = Table(
    "channel_accounts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("channel", String(32), nullable=False, comment="whatsapp, webchat, form, test"),
    Column("external_id", String(200), nullable=False, comment="the provider's id: phone_number_id on WhatsApp"),
    Column("name", String(200), nullable=False),
    Column("base_url", String(500), comment="the provider's address; simulated accounts hold the simulator's"),
    Column("config", Json, nullable=False, comment="nothing secret: display number, version, pauses the provider asked for"),
    Column("secrets", LargeBinary, comment="encrypted JSON: token, app_secret, verify_token"),
    Column("source", String(16), nullable=False, server_default="console", comment="console, environment, built-in"),
    Column("simulated", Boolean, nullable=False, server_default=text("false")),
    Column("state", String(16), nullable=False, server_default="active"),
    Column("halted_reason", Text),
    Column("halted_at", Instant),
    Column("last_inbound_at", Instant),
    Column("last_error", Text),
    Column("last_error_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("circuit", Json, comment="failures in a row and the rest they led to"),
    UniqueConstraint("channel", "external_id"),
    CheckConstraint(one_of("state", "active", "halted", "off"), name="state"),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("channel", String(32), nullable=False),
    Column("body", LargeBinary, nullable=False, comment="the raw bytes as they came"),
    Column("events", Id, nullable=False, server_default="0", comment="events that were new"),
    Column("statuses", Id, nullable=False, server_default="0"),
    Column("unrouted", String(200), comment="the account id we do not know"),
    Column("note", Text, comment="why nothing, or not everything, of it was understood"),
    Column("received_at", Instant, nullable=False, index=True),
)
Index(
    "ix_deliveries_unrouted",
    webhook_deliveries.c.id,
    sqlite_where=webhook_deliveries.c.unrouted.is_not(None),
    postgresql_where=webhook_deliveries.c.unrouted.is_not(None),
)

inbound_events = Table(
    "inbound_events",
    metadata,
    Column("id", Id, primary_key=True),
    Column("account_id", Id, ForeignKey("channel_accounts.id"), nullable=False),
    Column("external_id", String(300), nullable=False, comment="never null: derived where the provider gives none"),
    Column("delivery_id", Id, ForeignKey("webhook_deliveries.id", ondelete="SET NULL")),
    Column("kind", String(32), nullable=False, comment="message, echo, edit, revoke, reaction, system, notice, unknown"),
    Column("sender", String(200), nullable=False, comment="the customer concerned"),
    Column("payload", Json, nullable=False, comment="the event's own part of the delivery, with its contact"),
    Column("occurred_at", Instant, nullable=False, comment="the provider's time"),
    Column("received_at", Instant, nullable=False),
    UniqueConstraint("account_id", "external_id"),
)
Index(
    "ix_inbound_changes",
    inbound_events.c.account_id,
    inbound_events.c.sender,
    sqlite_where=inbound_events.c.kind.in_(CHANGES),
    postgresql_where=inbound_events.c.kind.in_(CHANGES),
)
