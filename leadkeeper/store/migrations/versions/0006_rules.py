"""Rules, their versions and runs, word lists."""

import sqlalchemy as sa
from alembic import op

from leadkeeper.store.types import Id, Instant, Json

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lexicon",
        sa.Column("id", Id, nullable=False),
        sa.Column(
            "list", sa.String(length=32), nullable=False, comment="human, anger, ..., opt_out, opt_in, service: see rules/lexicon"
        ),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("phrase", sa.String(length=200), nullable=False),
        sa.Column(
            "value",
            sa.String(length=64),
            server_default="",
            nullable=False,
            comment="what it stands for: a service code, a country",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lexicon")),
        sa.UniqueConstraint("list", "language", "phrase", name=op.f("uq_lexicon_list_language_phrase")),
    )
    op.create_table(
        "rules",
        sa.Column("id", Id, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("trigger", sa.String(length=64), nullable=False),
        sa.Column("definition", Json, nullable=False, comment="trigger parameters, conditions, actions, limits"),
        sa.Column("position", sa.Integer(), nullable=False, comment="smaller is tried first"),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("(true)"), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rules")),
        sa.UniqueConstraint("key", name=op.f("uq_rules_key")),
    )
    op.create_table(
        "rule_versions",
        sa.Column("rule_id", Id, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("definition", Json, nullable=False),
        sa.Column("saved_at", Instant(), nullable=False),
        sa.Column("saved_by", Id, nullable=True),
        sa.ForeignKeyConstraint(["rule_id"], ["rules.id"], name=op.f("fk_rule_versions_rule_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["saved_by"], ["users.id"], name=op.f("fk_rule_versions_saved_by")),
        sa.PrimaryKeyConstraint("rule_id", "version", name=op.f("pk_rule_versions")),
    )
    op.create_table(
        "runs",
        sa.Column("id", Id, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False, comment="manual, scheduled, cron, lead"),
        sa.Column("dry_run", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False, comment="queued, running, completed, failed"),
        sa.Column("lead_id", Id, nullable=True, comment="null: of every lead"),
        sa.Column("user_id", Id, nullable=True),
        sa.Column("job_id", Id, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("started_at", Instant(), nullable=True),
        sa.Column("completed_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name=op.f("fk_runs_lead_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_runs_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
    )
    op.create_table(
        "dry_run_items",
        sa.Column("id", Id, nullable=False),
        sa.Column("run_id", Id, nullable=False),
        sa.Column("rule_id", Id, nullable=False),
        sa.Column("lead_id", Id, nullable=True),
        sa.Column("conversation_id", Id, nullable=True),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name=op.f("fk_dry_run_items_conversation_id")),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name=op.f("fk_dry_run_items_lead_id")),
        sa.ForeignKeyConstraint(["rule_id"], ["rules.id"], name=op.f("fk_dry_run_items_rule_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_dry_run_items_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dry_run_items")),
    )
    op.create_index(op.f("ix_dry_run_items_run_id"), "dry_run_items", ["run_id"], unique=False)
    op.create_table(
        "run_rules",
        sa.Column("run_id", Id, nullable=False),
        sa.Column("rule_id", Id, nullable=False),
        sa.Column("candidates", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sent", sa.Integer(), server_default="0", nullable=False),
        sa.Column("skipped", Json, nullable=False, comment="{reason: count}"),
        sa.Column("failed", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "cursor", Id, server_default="0", nullable=False, comment="candidates up to here are done: a retry goes on behind it"
        ),
        sa.Column("done", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.ForeignKeyConstraint(["rule_id"], ["rules.id"], name=op.f("fk_run_rules_rule_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_run_rules_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "rule_id", name=op.f("pk_run_rules")),
    )
    op.create_table(
        "rule_runs",
        sa.Column("id", Id, nullable=False),
        sa.Column("rule_id", Id, nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("episode", sa.String(length=200), nullable=False, comment="what makes two firings the same"),
        sa.Column("trace", Json, nullable=False, comment="each condition with its value, and the guard that stopped it"),
        sa.Column("event_id", Id, nullable=True),
        sa.Column("conversation_id", Id, nullable=True),
        sa.Column("lead_id", Id, nullable=True),
        sa.Column("run_id", Id, nullable=True),
        sa.Column("message_id", Id, nullable=True),
        sa.Column("at", Instant(), nullable=False),
        sa.CheckConstraint("verdict in ('fired', 'skipped', 'deferred', 'blocked', 'failed')", name=op.f("ck_rule_runs_verdict")),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name=op.f("fk_rule_runs_conversation_id")),
        sa.ForeignKeyConstraint(["event_id"], ["inbound_events.id"], name=op.f("fk_rule_runs_event_id")),
        sa.ForeignKeyConstraint(["lead_id"], ["leads.id"], name=op.f("fk_rule_runs_lead_id")),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_rule_runs_message_id")),
        sa.ForeignKeyConstraint(["rule_id"], ["rules.id"], name=op.f("fk_rule_runs_rule_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_rule_runs_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_runs")),
    )
    op.create_index(op.f("ix_rule_runs_conversation_id"), "rule_runs", ["conversation_id"], unique=False)
    op.create_index(op.f("ix_rule_runs_event_id"), "rule_runs", ["event_id"], unique=False)
    op.create_index(op.f("ix_rule_runs_lead_id"), "rule_runs", ["lead_id"], unique=False)
    op.create_index("ix_rule_runs_recent", "rule_runs", ["rule_id", "id"], unique=False)
    op.create_index(op.f("ix_rule_runs_run_id"), "rule_runs", ["run_id"], unique=False)
    op.create_index(
        "uq_rule_runs_fired",
        "rule_runs",
        ["rule_id", "episode"],
        unique=True,
        sqlite_where=sa.text("verdict = 'fired'"),
        postgresql_where=sa.text("verdict = 'fired'"),
    )
