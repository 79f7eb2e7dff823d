"""The queue, its workers, recurring work and settings."""

import sqlalchemy as sa
from alembic import op

from leadkeeper.store.types import AnyJson, Id, Instant, Json

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "automation_jobs",
        sa.Column("id", Id, nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("data", Json, nullable=False),
        sa.Column("status", sa.String(length=16), server_default="pending", nullable=False),
        sa.Column("priority", sa.SmallInteger(), server_default="50", nullable=False, comment="smaller is more urgent"),
        sa.Column("run_at", Instant(), nullable=False, comment="not before; year 9999: parked, its account is halted"),
        sa.Column("key", sa.String(length=200), nullable=True, comment="jobs of one key run one at a time, in order of id"),
        sa.Column("head", sa.Boolean(), nullable=False, comment="first unfinished job of its key; always true without a key"),
        sa.Column("dedupe", sa.String(length=200), nullable=True, comment="unique among pending jobs"),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False, comment="counted at claim"),
        sa.Column("claim", sa.Integer(), server_default="0", nullable=False, comment="the fence: only grows"),
        sa.Column("max_retries", sa.SmallInteger(), server_default="3", nullable=False),
        sa.Column("losses", sa.SmallInteger(), server_default="0", nullable=False, comment="workers that died running it"),
        sa.Column("worker", sa.String(length=36), nullable=True),
        sa.Column("lease_until", Instant(), nullable=True),
        sa.Column("scope", sa.String(length=64), nullable=True, comment="what may be halted as one: the account of a send"),
        sa.Column("cancel_requested", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.Column("error", sa.Text(), nullable=True, comment="why it ended or waits; each try's error is in job_errors"),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("started_at", Instant(), nullable=True),
        sa.Column("completed_at", Instant(), nullable=True),
        sa.CheckConstraint(
            "status in ('pending', 'processing', 'completed', 'failed', 'cancelled')", name=op.f("ck_automation_jobs_status")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_automation_jobs")),
    )
    op.create_index(
        "ix_jobs_ended",
        "automation_jobs",
        ["status", "id"],
        unique=False,
        sqlite_where=sa.text("completed_at IS NOT NULL"),
        postgresql_where=sa.text("completed_at IS NOT NULL"),
    )
    op.create_index(
        "ix_jobs_finished",
        "automation_jobs",
        ["completed_at"],
        unique=False,
        sqlite_where=sa.text("completed_at IS NOT NULL"),
        postgresql_where=sa.text("completed_at IS NOT NULL"),
    )
    op.create_index(
        "ix_jobs_follow",
        "automation_jobs",
        ["key", "id"],
        unique=False,
        sqlite_where=sa.text("status = 'pending' AND head = 0"),
        postgresql_where=sa.text("status = 'pending' AND NOT head"),
    )
    op.create_index(
        "ix_jobs_lease",
        "automation_jobs",
        ["lease_until"],
        unique=False,
        sqlite_where=sa.text("status = 'processing'"),
        postgresql_where=sa.text("status = 'processing'"),
    )
    op.create_index(
        "ix_jobs_lonely",
        "automation_jobs",
        ["losses", "run_at", "id"],
        unique=False,
        sqlite_where=sa.text("status = 'pending' AND losses >= 2"),
        postgresql_where=sa.text("status = 'pending' AND losses >= 2"),
    )
    op.create_index(
        "ix_jobs_of_key",
        "automation_jobs",
        ["key", "id"],
        unique=False,
        sqlite_where=sa.text('"key" IS NOT NULL'),
        postgresql_where=sa.text('"key" IS NOT NULL'),
    )
    op.create_index(
        "ix_jobs_oldest",
        "automation_jobs",
        ["run_at", "id"],
        unique=False,
        sqlite_where=sa.text("status = 'pending' AND head = 1"),
        postgresql_where=sa.text("status = 'pending' AND head"),
    )
    op.create_index(
        "ix_jobs_ready",
        "automation_jobs",
        ["priority", "run_at", "id"],
        unique=False,
        sqlite_where=sa.text("status = 'pending' AND head = 1"),
        postgresql_where=sa.text("status = 'pending' AND head"),
    )
    op.create_index(
        "ix_jobs_scope",
        "automation_jobs",
        ["scope"],
        unique=False,
        sqlite_where=sa.text("scope IS NOT NULL AND status IN ('pending', 'processing')"),
        postgresql_where=sa.text("scope IS NOT NULL AND status IN ('pending', 'processing')"),
    )
    op.create_index(
        "uq_jobs_dedupe",
        "automation_jobs",
        ["dedupe"],
        unique=True,
        sqlite_where=sa.text("dedupe IS NOT NULL AND status = 'pending'"),
        postgresql_where=sa.text("dedupe IS NOT NULL AND status = 'pending'"),
    )
    op.create_index(
        "uq_jobs_head",
        "automation_jobs",
        ["key"],
        unique=True,
        sqlite_where=sa.text("\"key\" IS NOT NULL AND head = 1 AND status IN ('pending', 'processing')"),
        postgresql_where=sa.text("\"key\" IS NOT NULL AND head AND status IN ('pending', 'processing')"),
    )
    op.create_table(
        "schedules",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("cron", sa.String(length=64), nullable=False, comment="five fields, in the business's time zone"),
        sa.Column("job_type", sa.String(length=64), nullable=False),
        sa.Column("data", Json, nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("(true)"), nullable=False),
        sa.Column("next_at", Instant(), nullable=False),
        sa.Column("last_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_schedules")),
    )
    op.create_table(
        "settings",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", AnyJson, nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.Column("updated_by", Id, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_settings")),
    )
    op.create_table(
        "workers",
        sa.Column("id", sa.String(length=36), nullable=False, comment="a fresh uuid per boot"),
        sa.Column("host", sa.String(length=200), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False, comment="running, stopped, stopping"),
        sa.Column("running", sa.Integer(), server_default="0", nullable=False, comment="jobs it runs now"),
        sa.Column("late", sa.Integer(), server_default="0", nullable=False, comment="results dropped by the fence"),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("beat_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workers")),
    )
    op.create_table(
        "job_errors",
        sa.Column("id", Id, nullable=False),
        sa.Column("job_id", Id, nullable=False),
        sa.Column("attempt", sa.SmallInteger(), nullable=False),
        sa.Column("worker", sa.String(length=36), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False, comment="retry, fail, lost, late"),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["automation_jobs.id"], name=op.f("fk_job_errors_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_errors")),
    )
    op.create_index(op.f("ix_job_errors_job_id"), "job_errors", ["job_id"], unique=False)
