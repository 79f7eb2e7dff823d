"""Contacts, their identities, leads, expiries and conversations."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from leadkeeper.store.schema.base import metadata, one_of
from leadkeeper.store.types import Id, Instant, Json

STAGES = (
    "new", "contacted", "engaged", "qualified", "proposal_sent", "in_progress", "completed_won", "lost", "on_hold",
)  # fmt: skip
CLOSED_STAGES = ("completed_won", "lost")

contacts = Table(
    "contacts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(200)),
    Column("phone", String(64), index=True),
    Column("email", String(320), index=True),
    Column("nationality", String(64)),
    Column("company", String(200)),
    Column("language", String(8)),
    Column("set_by_person", Json, nullable=False, comment="names of fields a person entered: never overwritten"),
    Column("opted_out_at", Instant, comment="no automatic message goes to them"),
    Column("opted_out_by", String(64), comment="word, person, provider"),
    Column("created_at", Instant, nullable=False),
)

identities = Table(
    "identities",
    metadata,
    Column("id", Id, primary_key=True),
    Column("contact_id", Id, ForeignKey("contacts.id"), nullable=False, index=True),
    Column("account_id", Id, ForeignKey("channel_accounts.id"), nullable=False),
    Column("external_id", String(200), nullable=False),
    Column("kind", String(32), nullable=False, comment="wa_id, bsuid, visitor, email, test"),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("account_id", "external_id"),
)

leads = Table(
    "leads",
    metadata,
    Column("id", Id, primary_key=True),
    Column("contact_id", Id, ForeignKey("contacts.id"), nullable=False, index=True),
    Column("stage", String(32), nullable=False, server_default="new"),
    Column("source", String(64), nullable=False),
    Column("service", String(64), comment="mapped code"),
    Column("service_text", String(300), comment="the customer's own words"),
    Column("owner_id", Id, ForeignKey("users.id")),
    Column("score", Integer, nullable=False, server_default="50"),
    Column("next_follow_up_at", Instant),
    Column("fields", Json, nullable=False, comment="counts and other facts: partners, visas, ..."),
    Column("set_by_person", Json, nullable=False, comment="names of fields a person entered: never overwritten"),
    Column("referral", Json, comment="the advertisement that brought them"),
    Column("notes", Text),
    Column("autopilot", Boolean, nullable=False, server_default=text("true"), comment="false: no rule writes to them"),
    Column("stage_at", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    CheckConstraint(one_of("stage", *STAGES), name="stage"),
)
Index(
    "ix_leads_follow_up",
    leads.c.next_follow_up_at,
    sqlite_where=leads.c.next_follow_up_at.is_not(None),
    postgresql_where=leads.c.next_follow_up_at.is_not(None),
)

expiries = Table(
    "expiries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("lead_id", Id, ForeignKey("leads.id"), nullable=False),
    Column("kind", String(64), nullable=False, comment="visa, emirates_id, passport, trade_licence, ..."),
    Column("expires_on", Date, nullable=False, index=True),
    Column("source", String(16), nullable=False, comment="customer or person"),
    Column("renewed_at", Instant),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("lead_id", "kind"),
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("contact_id", Id, ForeignKey("contacts.id"), nullable=False, index=True),
    Column("account_id", Id, ForeignKey("channel_accounts.id"), nullable=False),
    Column("lead_id", Id, ForeignKey("leads.id"), nullable=False, index=True),
    Column("status", String(16), nullable=False, server_default="open"),
    Column("owner", String(16), nullable=False, server_default="ai", comment="ai, user, nobody"),
    Column("owner_id", Id, ForeignKey("users.id")),
    Column("revision", Integer, nullable=False, server_default="0", comment="inbound messages and acts of persons"),
    Column("language", String(8), nullable=False, server_default="en"),
    Column("address", String(200), nullable=False, comment="where an answer goes: wa_id, BSUID, visitor"),
    Column("pending_question", String(64)),
    Column("unread", Integer, nullable=False, server_default="0"),
    Column("needs_human_since", Instant),
    Column("needs_human_reason", String(64)),
    Column("told_handover_at", Instant, comment="the customer was told once in this episode"),
    Column("unanswered_since", Instant, comment="oldest inbound message nobody has answered"),
    Column("last_inbound_at", Instant, comment="the provider's time: the window counts from it"),
    Column("last_outbound_at", Instant),
    Column("last_person_at", Instant),
    Column("last_message_at", Instant),
    Column("preview", String(200)),
    Column("created_at", Instant, nullable=False),
    CheckConstraint(one_of("status", "open", "closed"), name="status"),
    CheckConstraint("(owner = 'user') = (owner_id is not null)", name="owner_id"),
    CheckConstraint(one_of("owner", "ai", "user", "nobody"), name="owner"),
)
Index(
    "uq_conversations_open",
    conversations.c.contact_id,
    conversations.c.account_id,
    unique=True,
    sqlite_where=conversations.c.status == "open",
    postgresql_where=conversations.c.status == "open",
)
Index("ix_conversations_recent", conversations.c.last_message_at, conversations.c.id)
Index(
    "ix_conversations_needs_human",
    conversations.c.needs_human_since,
    sqlite_where=conversations.c.needs_human_since.is_not(None),
    postgresql_where=conversations.c.needs_human_since.is_not(None),
)
Index(
    "ix_conversations_unanswered",
    conversations.c.unanswered_since,
    sqlite_where=conversations.c.unanswered_since.is_not(None),
    postgresql_where=conversations.c.unanswered_since.is_not(None),
)
