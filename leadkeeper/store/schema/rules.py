"""Rules as data, what they did and did not do, and the word lists they read."""

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint, text

from leadkeeper.store.schema.base import metadata, one_of
from leadkeeper.store.types import Id, Instant, Json

rules = Table(
    "rules",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key", String(64), nullable=False, unique=True),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("name", String(200), nullable=False),
    Column("trigger", String(64), nullable=False),
    Column("definition", Json, nullable=False, comment="trigger parameters, conditions, actions, limits"),
    Column("position", Integer, nullable=False, comment="smaller is tried first"),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
)

rule_versions = Table(
    "rule_versions",
    metadata,
    Column("rule_id", Id, ForeignKey("rules.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("definition", Json, nullable=False),
    Column("saved_at", Instant, nullable=False),
    Column("saved_by", Id, ForeignKey("users.id")),
)

rule_runs = Table(
    "rule_runs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("rule_id", Id, ForeignKey("rules.id", ondelete="CASCADE"), nullable=False),
    Column("rule_version", Integer, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("reason", String(200)),
    Column("episode", String(200), nullable=False, comment="what makes two firings the same"),
    Column("trace", Json, nullable=False, comment="each condition with its value, and the guard that stopped it"),
    Column("event_id", Id, ForeignKey("inbound_events.id"), index=True),
    Column("conversation_id", Id, ForeignKey("conversations.id"), index=True),
    Column("lead_id", Id, ForeignKey("leads.id"), index=True),
    Column("run_id", Id, ForeignKey("runs.id"), index=True),
    Column("message_id", Id, ForeignKey("messages.id")),
    Column("at", Instant, nullable=False),
    CheckConstraint(one_of("verdict", "fired", "skipped", "deferred", "blocked", "failed"), name="verdict"),
)
Index(
    "uq_rule_runs_fired",
    rule_runs.c.rule_id,
    rule_runs.c.episode,
    unique=True,
    sqlite_where=rule_runs.c.verdict == "fired",
    postgresql_where=rule_runs.c.verdict == "fired",
)
Index("ix_rule_runs_recent", rule_runs.c.rule_id, rule_runs.c.id)

runs = Table(
    "runs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String(16), nullable=False, comment="manual, scheduled, cron, lead"),
    Column("dry_run", Boolean, nullable=False, server_default=text("false")),
    Column("status", String(16), nullable=False, comment="queued, running, completed, failed"),
    Column("lead_id", Id, ForeignKey("leads.id"), comment="null: of every lead"),
    Column("user_id", Id, ForeignKey("users.id")),
    Column("job_id", Id),
    Column("error", Text),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("completed_at", Instant),
)

run_rules = Table(
    "run_rules",
    metadata,
    Column("run_id", Id, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("rule_id", Id, ForeignKey("rules.id", ondelete="CASCADE"), primary_key=True),
    Column("candidates", Integer, nullable=False, server_default="0"),
    Column("sent", Integer, nullable=False, server_default="0"),
    Column("skipped", Json, nullable=False, comment="{reason: count}"),
    Column("failed", Integer, nullable=False, server_default="0"),
    Column("cursor", Id, nullable=False, server_default="0", comment="candidates up to here are done: a retry goes on behind it"),
    Column("done", Boolean, nullable=False, server_default=text("false")),
)

dry_run_items = Table(
    "dry_run_items",
    metadata,
    Column("id", Id, primary_key=True),
    Column("run_id", Id, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("rule_id", Id, ForeignKey("rules.id", ondelete="CASCADE"), nullable=False),
    Column("lead_id", Id, ForeignKey("leads.id")),
    Column("conversation_id", Id, ForeignKey("conversations.id")),
    Column("verdict", String(16), nullable=False),
    Column("reason", String(200)),
    Column("text", Text),
)

lexicon = Table(
    "lexicon",
    metadata,
    Column("id", Id, primary_key=True),
    Column("list", String(32), nullable=False, comment="human, anger, ..., opt_out, opt_in, service: see rules/lexicon"),
    Column("language", String(8), nullable=False),
    Column("phrase", String(200), nullable=False),
    Column("value", String(64), nullable=False, server_default="", comment="what it stands for: a service code, a country"),
    UniqueConstraint("list", "language", "phrase"),
)
