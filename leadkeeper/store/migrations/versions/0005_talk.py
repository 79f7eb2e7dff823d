"""Messages, receipts, decisions, tasks, timeline and templates."""

import sqlalchemy as sa
from alembic import op

from leadkeeper.store.types import Id, Instant, Json

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "templates",
        sa.Column("id", Id, nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("body", sa.Text(), nullable=False, comment="with {placeholders} in the order of the provider's parameters"),
        sa.Column("status", sa.String(length=16), nullable=False, comment="approved, pending, rejected, paused, disabled"),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_templates")),
        sa.UniqueConstraint("channel", "name", "language", name=op.f("uq_templates_channel_name_language")),
    )
    op.create_table(
        "messages",
        sa.Column("id", Id, nullable=False),
        sa.Column("conversation_id", Id, nullable=False),
        sa.Column("account_id", Id, nullable=False),
        sa.Column("event_id", Id, nullable=True),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False, comment="text, image, audio, template, location, reaction, ..."),
        sa.Column("author", sa.String(length=16), nullable=False, comment="customer, ai, rule, person"),
        sa.Column("user_id", Id, nullable=True),
        sa.Column(
            "purpose",
            sa.String(length=16),
            nullable=True,
            comment="outbound: person, notice, reply, proactive (the class of its guards)",
        ),
        sa.Column("body", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "media", Json, nullable=True, comment="provider id, mime type, name, sha256, size, stored file, state of the fetch"
        ),
        sa.Column("template", Json, nullable=True, comment="name, language, parameters"),
        sa.Column("reply_to", sa.String(length=300), nullable=True, comment="external id of the message it quotes"),
        sa.Column("external_id", sa.String(length=300), nullable=True, comment="the provider's id"),
        sa.Column("state", sa.String(length=16), nullable=True, comment="outbound: the send state; null on inbound"),
        sa.Column("state_at", Instant(), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("token", sa.String(length=64), nullable=True, comment="<message id>.<attempt> of the last attempt"),
        sa.Column(
            "cause",
            sa.String(length=200),
            nullable=True,
            comment="why it exists, once: reply:<event>, run:<rule>:<episode>, client:<id>",
        ),
        sa.Column("revision", sa.Integer(), nullable=True, comment="the conversation's revision it was written for"),
        sa.Column("reason", sa.String(length=200), nullable=True, comment="why it was cancelled, failed or is in doubt"),
        sa.Column("error_code", sa.String(length=32), nullable=True),
        sa.Column("job_id", Id, nullable=True, comment="the job that wrote it"),
        sa.Column("send_job_id", Id, nullable=True, comment="the job whose attempt it is in, or was last"),
        sa.Column("rule_run_id", Id, nullable=True),
        sa.Column("draft_id", Id, nullable=True),
        sa.Column("edited_at", Instant(), nullable=True),
        sa.Column("revoked_at", Instant(), nullable=True),
        sa.Column("reaction", sa.String(length=32), nullable=True),
        sa.Column("occurred_at", Instant(), nullable=False, comment="inbound: the provider's time; outbound: when written"),
        sa.Column("created_at", Instant(), nullable=False),
        sa.CheckConstraint("(direction = 'out') = (state is not null)", name=op.f("ck_messages_out_has_state")),
        sa.CheckConstraint("direction in ('in', 'out')", name=op.f("ck_messages_direction")),
        sa.CheckConstraint(
            "state in ('draft', 'ready', 'sending', 'accepted', 'sent', 'delivered', 'read', 'failed', 'cancelled', 'unknown', 'needs_human')",
            name=op.f("ck_messages_state"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["channel_accounts.id"], name=op.f("fk_messages_account_id")),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name=op.f("fk_messages_conversation_id")),
        sa.ForeignKeyConstraint(["event_id"], ["inbound_events.id"], name=op.f("fk_messages_event_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_messages_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("account_id", "external_id", name=op.f("uq_messages_account_id_external_id")),
        sa.UniqueConstraint("cause", name=op.f("uq_messages_cause")),
        sa.UniqueConstraint("event_id", name=op.f("uq_messages_event_id")),
        sa.UniqueConstraint("token", name=op.f("uq_messages_token")),
    )
    op.create_index(
        "ix_messages_open",
        "messages",
        ["state", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('ready', 'sending', 'unknown', 'needs_human')"),
        postgresql_where=sa.text("state IN ('ready', 'sending', 'unknown', 'needs_human')"),
    )
    op.create_index("ix_messages_thread", "messages", ["conversation_id", "id"], unique=False)
    op.create_table(
        "tasks",
        sa.Column("id", Id, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False, comment="handover, no_answer, renewal, follow_up, send_in_doubt"),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("lead_id", Id, nullable=True),
        sa.Column("conversation_id", Id, nullable=True),
        sa.Column("owner_id", Id, nullable=True),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("done_at", Instant(), nullable=True),
        sa.Column("done_by", Id, nullable=True),
        sa.Column("dedupe", sa.String(length=200), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name=op.f("fk_tasks_conversation_id")),
        sa.ForeignKeyConstraint(["done_by"], ["users.id"], name=op.f("fk_tasks_done_by")),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name=op.f("fk_tasks_lead_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_tasks_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
        sa.UniqueConstraint("dedupe", name=op.f("uq_tasks_dedupe")),
    )
    op.create_index(op.f("ix_tasks_conversation_id"), "tasks", ["conversation_id"], unique=False)
    op.create_index(op.f("ix_tasks_lead_id"), "tasks", ["lead_id"], unique=False)
    op.create_table(
        "timeline",
        sa.Column("id", Id, nullable=False),
        sa.Column("conversation_id", Id, nullable=True),
        sa.Column("lead_id", Id, nullable=True),
        sa.Column(
            "kind",
            sa.String(length=32),
            nullable=False,
            comment="note, assigned, given_back, handed_over, stage, field, opt_out, ...",
        ),
        sa.Column("user_id", Id, nullable=True),
        sa.Column("job_id", Id, nullable=True),
        sa.Column("data", Json, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name=op.f("fk_timeline_conversation_id")),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name=op.f("fk_timeline_lead_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_timeline_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timeline")),
    )
    op.create_index(op.f("ix_timeline_conversation_id"), "timeline", ["conversation_id"], unique=False)
    op.create_index(op.f("ix_timeline_lead_id"), "timeline", ["lead_id"], unique=False)
    op.create_table(
        "decisions",
        sa.Column("id", Id, nullable=False),
        sa.Column("event_id", Id, nullable=False),
        sa.Column("message_id", Id, nullable=True, comment="null: its event could not be read"),
        sa.Column("conversation_id", Id, nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True, comment="answered, handed_over, silent; null while open"),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column(
            "wants_answer",
            sa.Boolean(),
            server_default=sa.text("(false)"),
            nullable=False,
            comment="its decide asked for an answer",
        ),
        sa.Column("first_line", sa.Text(), nullable=True, comment="greeting that begins the answer"),
        sa.Column("answer_id", Id, nullable=True),
        sa.Column("reopened", sa.Integer(), server_default="0", nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.CheckConstraint("outcome in ('answered', 'handed_over', 'silent')", name=op.f("ck_decisions_outcome")),
        sa.ForeignKeyConstraint(["answer_id"], ["messages.id"], name=op.f("fk_decisions_answer_id")),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name=op.f("fk_decisions_conversation_id")),
        sa.ForeignKeyConstraint(["event_id"], ["inbound_events.id"], name=op.f("fk_decisions_event_id")),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_decisions_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
        sa.UniqueConstraint("event_id", name=op.f("uq_decisions_event_id")),
    )
    op.create_index(op.f("ix_decisions_answer_id"), "decisions", ["answer_id"], unique=False)
    op.create_index(op.f("ix_decisions_conversation_id"), "decisions", ["conversation_id"], unique=False)
    op.create_index(op.f("ix_decisions_message_id"), "decisions", ["message_id"], unique=False)
    op.create_index(
        "ix_decisions_open",
        "decisions",
        ["conversation_id", "id"],
        unique=False,
        sqlite_where=sa.text("outcome IS NULL"),
        postgresql_where=sa.text("outcome IS NULL"),
    )
    op.create_table(
        "receipts",
        sa.Column("id", Id, nullable=False),
        sa.Column("account_id", Id, nullable=False),
        sa.Column("external_id", sa.String(length=300), nullable=False, comment="the provider's id of our message"),
        sa.Column("token", sa.String(length=64), nullable=True, comment="our attempt token, as it came back"),
        sa.Column("message_id", Id, nullable=True, comment="null: not matched yet"),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("error_code", sa.String(length=32), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("occurred_at", Instant(), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["channel_accounts.id"], name=op.f("fk_receipts_account_id")),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_receipts_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipts")),
        sa.UniqueConstraint("account_id", "external_id", "status", name=op.f("uq_receipts_account_id_external_id_status")),
    )
    op.create_index(op.f("ix_receipts_message_id"), "receipts", ["message_id"], unique=False)
    op.create_index(
        "ix_receipts_parked",
        "receipts",
        ["token"],
        unique=False,
        sqlite_where=sa.text("message_id IS NULL"),
        postgresql_where=sa.text("message_id IS NULL"),
    )
