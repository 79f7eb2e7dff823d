"""What is said: messages with their send states, receipts, decisions, tasks, the timeline, templates."""

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint, text

from leadkeeper.store.schema.base import metadata, one_of
from leadkeeper.store.types import Id, Instant, Json

SEND_STATES = (
    "draft", "ready", "sending", "accepted", "sent", "delivered", "read",
    "failed", "cancelled", "unknown", "needs_human",
)  # fmt: skip

messages = Table(
    "messages",
    metadata,
    Column("id", Id, primary_key=True),
    Column("conversation_id", Id, ForeignKey("conversations.id"), nullable=False),
    Column("account_id", Id, ForeignKey("channel_accounts.id"), nullable=False),
    Column("event_id", Id, ForeignKey("inbound_events.id"), unique=True),
    Column("direction", String(8), nullable=False),
    Column("kind", String(32), nullable=False, comment="text, image, audio, template, location, reaction, ..."),
    Column("author", String(16), nullable=False, comment="customer, ai, rule, person"),
    Column("user_id", Id, ForeignKey("users.id")),
    Column("purpose", String(16), comment="outbound: person, notice, reply, proactive (the class of its guards)"),
    Column("body", Text, nullable=False, server_default=""),
    Column("media", Json, comment="provider id, mime type, name, sha256, size, stored file, state of the fetch"),
    Column("template", Json, comment="name, language, parameters"),
    Column("reply_to", String(300), comment="external id of the message it quotes"),
    Column("external_id", String(300), comment="the provider's id"),
    Column("state", String(16), comment="outbound: the send state; null on inbound"),
    Column("state_at", Instant),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("token", String(64), unique=True, comment="<message id>.<attempt> of the last attempt"),
    Column("cause", String(200), unique=True, comment="why it exists, once: reply:<event>, run:<rule>:<episode>, client:<id>"),
    Column("revision", Integer, comment="the conversation's revision it was written for"),
    Column("reason", String(200), comment="why it was cancelled, failed or is in doubt"),
    Column("error_code", String(32)),
    Column("job_id", Id, comment="the job that wrote it"),
    Column("send_job_id", Id, comment="the job whose attempt it is in, or was last"),
    Column("rule_run_id", Id),
    Column("draft_id", Id),
    Column("edited_at", Instant),
    Column("revoked_at", Instant),
    Column("reaction", String(32)),
    Column("occurred_at", Instant, nullable=False, comment="inbound: the provider's time; outbound: when written"),
    Column("created_at", Instant, nullable=False),
    Column("turn_at", Instant, comment="its turn, where a limit made it wait"),
    UniqueConstraint("account_id", "external_id"),
    CheckConstraint(one_of("direction", "in", "out"), name="direction"),
    CheckConstraint(one_of("state", *SEND_STATES), name="state"),
    CheckConstraint("(direction = 'out') = (state is not null)", name="out_has_state"),
)
Index("ix_messages_thread", messages.c.conversation_id, messages.c.id)
Index(
    "ix_messages_open",
    messages.c.state,
    messages.c.id,
    sqlite_where=messages.c.state.in_(("ready", "sending", "unknown", "needs_human")),
    postgresql_where=messages.c.state.in_(("ready", "sending", "unknown", "needs_human")),
)

buckets = Table(
    "buckets",
    metadata,
    Column("name", String(100), primary_key=True, comment="account:<id>, account:<id>:proactive, pair:<conversation>"),
    Column("full_at", Instant, nullable=False, comment="when it is full again: from then on the row means nothing"),
    Column("turns_until", Instant, nullable=False, comment="the last turn that was given to somebody who waits"),
)

receipts = Table(
    "receipts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("account_id", Id, ForeignKey("channel_accounts.id"), nullable=False),
    Column("external_id", String(300), nullable=False, comment="the provider's id of our message"),
    Column("token", String(64), comment="our attempt token, as it came back"),
    Column("message_id", Id, ForeignKey("messages.id"), index=True, comment="null: not matched yet"),
    Column("status", String(16), nullable=False),
    Column("error_code", String(32)),
    Column("error", Text),
    Column("occurred_at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    UniqueConstraint("account_id", "external_id", "status"),
)
Index(
    "ix_receipts_parked",
    receipts.c.token,
    sqlite_where=receipts.c.message_id.is_(None),
    postgresql_where=receipts.c.message_id.is_(None),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("event_id", Id, ForeignKey("inbound_events.id"), nullable=False, unique=True),
    Column("message_id", Id, ForeignKey("messages.id"), index=True, comment="null: its event could not be read"),
    Column("conversation_id", Id, ForeignKey("conversations.id"), index=True),
    Column("outcome", String(16), comment="answered, handed_over, silent; null while open"),
    Column("reason", String(64)),
    Column("wants_answer", Boolean, nullable=False, server_default=text("false"), comment="its decide asked for an answer"),
    Column("first_line", Text, comment="greeting that begins the answer"),
    Column("answer_id", Id, ForeignKey("messages.id"), index=True),
    Column("reopened", Integer, nullable=False, server_default="0"),
    Column("opened_at", Instant, nullable=False),
    Column("closed_at", Instant),
    CheckConstraint(one_of("outcome", "answered", "handed_over", "silent"), name="outcome"),
)
Index(
    "ix_decisions_open",
    decisions.c.conversation_id,
    decisions.c.id,
    sqlite_where=decisions.c.outcome.is_(None),
    postgresql_where=decisions.c.outcome.is_(None),
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String(32), nullable=False, comment="handover, no_answer, renewal, follow_up, send_in_doubt"),
    Column("reason", String(64)),
    Column("title", String(300), nullable=False),
    Column("lead_id", Id, ForeignKey("leads.id"), index=True),
    Column("conversation_id", Id, ForeignKey("conversations.id"), index=True),
    Column("owner_id", Id, ForeignKey("users.id")),
    Column("due_at", Instant),
    Column("done_at", Instant),
    Column("done_by", Id, ForeignKey("users.id")),
    Column("dedupe", String(200), nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
)
Index(
    "ix_tasks_open",
    tasks.c.kind,
    tasks.c.id,
    sqlite_where=tasks.c.done_at.is_(None),
    postgresql_where=tasks.c.done_at.is_(None),
)

timeline = Table(
    "timeline",
    metadata,
    Column("id", Id, primary_key=True),
    Column("conversation_id", Id, ForeignKey("conversations.id"), index=True),
    Column("lead_id", Id, ForeignKey("leads.id"), index=True),
    Column("kind", String(32), nullable=False, comment="note, assigned, given_back, handed_over, stage, field, opt_out, ..."),
    Column("user_id", Id, ForeignKey("users.id")),
    Column("job_id", Id),
    Column("data", Json, nullable=False),
    Column("at", Instant, nullable=False),
)

templates = Table(
    "templates",
    metadata,
    Column("id", Id, primary_key=True),
    Column("channel", String(32), nullable=False),
    Column("name", String(200), nullable=False),
    Column("language", String(16), nullable=False),
    Column("body", Text, nullable=False, comment="with {placeholders} in the order of the provider's parameters"),
    Column("status", String(16), nullable=False, comment="approved, pending, rejected, paused, disabled"),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("channel", "name", "language"),
)
