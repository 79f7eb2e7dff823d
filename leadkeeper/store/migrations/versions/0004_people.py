"""Contacts, identities, leads, expiries and conversations."""

import sqlalchemy as sa
from alembic import op

from leadkeeper.store.types import Id, Instant, Json

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "contacts",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("phone", sa.String(length=64), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("nationality", sa.String(length=64), nullable=True),
        sa.Column("company", sa.String(length=200), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=True),
        sa.Column("set_by_person", Json, nullable=False, comment="names of fields a person entered: never overwritten"),
        sa.Column("opted_out_at", Instant(), nullable=True, comment="no automatic message goes to them"),
        sa.Column("opted_out_by", sa.String(length=64), nullable=True, comment="word, person, provider"),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contacts")),
    )
    op.create_index(op.f("ix_contacts_email"), "contacts", ["email"], unique=False)
    op.create_index(op.f("ix_contacts_phone"), "contacts", ["phone"], unique=False)
    op.create_table(
        "identities",
        sa.Column("id", Id, nullable=False),
        sa.Column("contact_id", Id, nullable=False),
        sa.Column("account_id", Id, nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False, comment="wa_id, bsuid, visitor, email, test"),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["channel_accounts.id"], name=op.f("fk_identities_account_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_identities_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identities")),
        sa.UniqueConstraint("account_id", "external_id", name=op.f("uq_identities_account_id_external_id")),
    )
    op.create_index(op.f("ix_identities_contact_id"), "identities", ["contact_id"], unique=False)
    op.create_table(
        "leads",
        sa.Column("id", Id, nullable=False),
        sa.Column("contact_id", Id, nullable=False),
        sa.Column("stage", sa.String(length=32), server_default="new", nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("service", sa.String(length=64), nullable=True, comment="mapped code"),
        sa.Column("service_text", sa.String(length=300), nullable=True, comment="the customer's own words"),
        sa.Column("owner_id", Id, nullable=True),
        sa.Column("score", sa.Integer(), server_default="50", nullable=False),
        sa.Column("next_follow_up_at", Instant(), nullable=True),
        sa.Column("fields", Json, nullable=False, comment="counts and other facts: partners, visas, ..."),
        sa.Column("set_by_person", Json, nullable=False, comment="names of fields a person entered: never overwritten"),
        sa.Column("referral", Json, nullable=True, comment="the advertisement that brought them"),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column(
            "autopilot", sa.Boolean(), server_default=sa.text("(true)"), nullable=False, comment="false: no rule writes to them"
        ),
        sa.Column("stage_at", Instant(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.CheckConstraint(
            "stage in ('new', 'contacted', 'engaged', 'qualified', 'proposal_sent', 'in_progress', 'completed_won', 'lost', 'on_hold')",
            name=op.f("ck_leads_stage"),
        ),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_leads_contact_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_leads_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leads")),
    )
    op.create_index(op.f("ix_leads_contact_id"), "leads", ["contact_id"], unique=False)
    op.create_index(
        "ix_leads_follow_up",
        "leads",
        ["next_follow_up_at"],
        unique=False,
        sqlite_where=sa.text("next_follow_up_at IS NOT NULL"),
        postgresql_where=sa.text("next_follow_up_at IS NOT NULL"),
    )
    op.create_table(
        "conversations",
        sa.Column("id", Id, nullable=False),
        sa.Column("contact_id", Id, nullable=False),
        sa.Column("account_id", Id, nullable=False),
        sa.Column("lead_id", Id, nullable=False),
        sa.Column("status", sa.String(length=16), server_default="open", nullable=False),
        sa.Column("owner", sa.String(length=16), server_default="ai", nullable=False, comment="ai, user, nobody"),
        sa.Column("owner_id", Id, nullable=True),
        sa.Column("revision", sa.Integer(), server_default="0", nullable=False, comment="inbound messages and acts of persons"),
        sa.Column("language", sa.String(length=8), server_default="en", nullable=False),
        sa.Column("address", sa.String(length=200), nullable=False, comment="where an answer goes: wa_id, BSUID, visitor"),
        sa.Column("pending_question", sa.String(length=64), nullable=True),
        sa.Column("unread", sa.Integer(), server_default="0", nullable=False),
        sa.Column("needs_human_since", Instant(), nullable=True),
        sa.Column("needs_human_reason", sa.String(length=64), nullable=True),
        sa.Column("told_handover_at", Instant(), nullable=True, comment="the customer was told once in this episode"),
        sa.Column("unanswered_since", Instant(), nullable=True, comment="oldest inbound message nobody has answered"),
        sa.Column("last_inbound_at", Instant(), nullable=True, comment="the provider's time: the window counts from it"),
        sa.Column("last_outbound_at", Instant(), nullable=True),
        sa.Column("last_person_at", Instant(), nullable=True),
        sa.Column("last_message_at", Instant(), nullable=True),
        sa.Column("preview", sa.String(length=200), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.CheckConstraint("(owner = 'user') = (owner_id is not null)", name=op.f("ck_conversations_owner_id")),
        sa.CheckConstraint("owner in ('ai', 'user', 'nobody')", name=op.f("ck_conversations_owner")),
        sa.CheckConstraint("status in ('open', 'closed')", name=op.f("ck_conversations_status")),
        sa.ForeignKeyConstraint(["account_id"], ["channel_accounts.id"], name=op.f("fk_conversations_account_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_conversations_contact_id")),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name=op.f("fk_conversations_lead_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_conversations_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversations")),
    )
    op.create_index(op.f("ix_conversations_contact_id"), "conversations", ["contact_id"], unique=False)
    op.create_index(op.f("ix_conversations_lead_id"), "conversations", ["lead_id"], unique=False)
    op.create_index(
        "ix_conversations_needs_human",
        "conversations",
        ["needs_human_since"],
        unique=False,
        sqlite_where=sa.text("needs_human_since IS NOT NULL"),
        postgresql_where=sa.text("needs_human_since IS NOT NULL"),
    )
    op.create_index("ix_conversations_recent", "conversations", ["last_message_at", "id"], unique=False)
    op.create_index(
        "ix_conversations_unanswered",
        "conversations",
        ["unanswered_since"],
        unique=False,
        sqlite_where=sa.text("unanswered_since IS NOT NULL"),
        postgresql_where=sa.text("unanswered_since IS NOT NULL"),
    )
    op.create_index(
        "uq_conversations_open",
        "conversations",
        ["contact_id", "account_id"],
        unique=True,
        sqlite_where=sa.text("status = 'open'"),
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_table(
        "expiries",
        sa.Column("id", Id, nullable=False),
        sa.Column("lead_id", Id, nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False, comment="visa, emirates_id, passport, trade_licence, ..."),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False, comment="customer or person"),
        sa.Column("renewed_at", Instant(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name=op.f("fk_expiries_lead_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_expiries")),
        sa.UniqueConstraint("lead_id", "kind", name=op.f("uq_expiries_lead_id_kind")),
    )
    op.create_index(op.f("ix_expiries_expires_on"), "expiries", ["expires_on"], unique=False)
