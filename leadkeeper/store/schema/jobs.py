"""The queue: jobs, the errors of their tries, what ended in each minute, the workers and the recurring work."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    and_,
    text,
)

from leadkeeper.store.schema.base import metadata, one_of
from leadkeeper.store.types import AnyJson, Id, Instant, Json

UNFINISHED = ("pending", "processing")

jobs = Table(
    "automation_jobs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("type", String(64), nullable=False),
    Column("data", Json, nullable=False),
    Column("status", String(16), nullable=False, server_default="pending"),
    Column("priority", SmallInteger, nullable=False, server_default="50", comment="smaller is more urgent"),
    Column("run_at", Instant, nullable=False, comment="not before; year 9999: parked, its account is halted"),
    Column("key", String(200), comment="jobs of one key run one at a time, in order of id"),
    Column("head", Boolean, nullable=False, comment="first unfinished job of its key; always true without a key"),
    Column("dedupe", String(200), comment="unique among pending jobs"),
    Column("attempts", SmallInteger, nullable=False, server_default="0", comment="counted at claim"),
    Column("claim", Integer, nullable=False, server_default="0", comment="the fence: only grows"),
    Column("max_retries", SmallInteger, nullable=False, server_default="3"),
    Column("losses", SmallInteger, nullable=False, server_default="0", comment="workers that died running it"),
    Column("worker", String(36)),
    Column("lease_until", Instant),
    Column("scope", String(64), comment="what may be halted as one: the account of a send"),
    Column("cancel_requested", Boolean, nullable=False, server_default=text("false")),
    Column("error", Text, comment="why it ended or waits; each try's error is in job_errors"),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("completed_at", Instant),
    CheckConstraint(one_of("status", "pending", "processing", "completed", "failed", "cancelled"), name="status"),
)

_pending = jobs.c.status == "pending"
_unfinished = jobs.c.status.in_(UNFINISHED)


def _partial(name: str, *columns: str, where: object, unique: bool = False) -> Index:
    return Index(name, *(jobs.c[column] for column in columns), unique=unique, sqlite_where=where, postgresql_where=where)


_partial("ix_jobs_ready", "priority", "run_at", "id", where=and_(_pending, jobs.c.head))
_partial("ix_jobs_oldest", "run_at", "id", where=and_(_pending, jobs.c.head))
_partial("ix_jobs_lonely", "losses", "run_at", "id", where=and_(_pending, jobs.c.losses >= 2))
_partial("ix_jobs_follow", "key", "id", where=and_(_pending, ~jobs.c.head))
_partial("uq_jobs_head", "key", where=and_(jobs.c.key.is_not(None), jobs.c.head, _unfinished), unique=True)
_partial("ix_jobs_lease", "lease_until", where=jobs.c.status == "processing")
_partial("uq_jobs_dedupe", "dedupe", where=and_(jobs.c.dedupe.is_not(None), _pending), unique=True)
_partial("ix_jobs_scope", "scope", where=and_(jobs.c.scope.is_not(None), _unfinished))
_partial("ix_jobs_finished", "completed_at", where=jobs.c.completed_at.is_not(None))
_partial("ix_jobs_of_key", "key", "id", where=jobs.c.key.is_not(None))
_partial("ix_jobs_ended", "status", "id", where=jobs.c.completed_at.is_not(None))

job_errors = Table(
    "job_errors",
    metadata,
    Column("id", Id, primary_key=True),
    Column("job_id", Id, ForeignKey("automation_jobs.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("attempt", SmallInteger, nullable=False),
    Column("worker", String(36)),
    Column("kind", String(16), nullable=False, comment="retry, fail, lost, late"),
    Column("error", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

job_minutes = Table(
    "job_minutes",
    metadata,
    Column("minute", Instant, primary_key=True, comment="its first moment"),
    Column("part", Integer, primary_key=True, autoincrement=False, comment="0, or the connection that is still counting"),
    Column("completed", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("cancelled", Integer, nullable=False),
)

workers = Table(
    "workers",
    metadata,
    Column("id", String(36), primary_key=True, comment="a fresh uuid per boot"),
    Column("host", String(200), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", String(32), nullable=False),
    Column("state", String(16), nullable=False, comment="running, stopped, stopping"),
    Column("running", Integer, nullable=False, server_default="0", comment="jobs it runs now"),
    Column("late", Integer, nullable=False, server_default="0", comment="results dropped by the fence"),
    Column("started_at", Instant, nullable=False),
    Column("beat_at", Instant, nullable=False),
)

schedules = Table(
    "schedules",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("cron", String(64), nullable=False, comment="five fields, in the business's time zone"),
    Column("job_type", String(64), nullable=False),
    Column("data", Json, nullable=False),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    Column("next_at", Instant, nullable=False),
    Column("last_at", Instant),
)

settings = Table(
    "settings",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", AnyJson, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("updated_by", Id),
)
