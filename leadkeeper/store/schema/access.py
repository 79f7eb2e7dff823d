"""Who may come in: users, sessions, one-time links, throttles, the audit log, the keys of requests."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Integer, String, Table, Text, UniqueConstraint

from leadkeeper.store.schema.base import metadata, one_of
from leadkeeper.store.types import Id, Instant, Json

users = Table(
    "users",
    metadata,
    Column("id", Id, primary_key=True),
    Column("email", String(320), nullable=False, unique=True, comment="lower case"),
    Column("name", String(200), nullable=False),
    Column("role", String(16), nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("disabled_at", Instant),
    Column("language", String(8), nullable=False, server_default="en"),
    Column("theme", String(8), nullable=False, server_default="system"),
    Column("created_at", Instant, nullable=False),
    Column("last_login_at", Instant),
    CheckConstraint(one_of("role", "owner", "admin", "agent", "viewer"), name="role"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("hash", String(64), nullable=False, unique=True, comment="SHA-256 of the cookie's id"),
    Column("user_id", Id, ForeignKey("users.id"), nullable=False, index=True),
    Column("address", String(64)),
    Column("agent", String(300)),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False, comment="written at most once a minute"),
    Column("ends_at", Instant, nullable=False),
    Column("revoked_at", Instant),
)

setup_links = Table(
    "setup_links",
    metadata,
    Column("id", Id, primary_key=True),
    Column("hash", String(64), nullable=False, unique=True),
    Column("ends_at", Instant, nullable=False),
    Column("used_at", Instant),
)

throttles = Table(
    "throttles",
    metadata,
    Column("bucket", String(400), primary_key=True, comment="login:account:<e-mail>, login:address:<ip>"),
    Column("failures", Integer, nullable=False),
    Column("until", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, ForeignKey("users.id")),
    Column("action", String(64), nullable=False),
    Column("subject", String(200)),
    Column("data", Json, nullable=False),
    Column("address", String(64)),
    Column("at", Instant, nullable=False, index=True),
)

chat_visitors = Table(
    "chat_visitors",
    metadata,
    Column("id", Id, primary_key=True),
    Column("account_id", Id, ForeignKey("channel_accounts.id"), nullable=False),
    Column("visitor", String(200), nullable=False, unique=True, comment="the widget's session id"),
    Column("created_at", Instant, nullable=False),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, ForeignKey("users.id"), nullable=False),
    Column("key", String(255), nullable=False, comment="the caller's Idempotency-Key"),
    Column("asked", String(64), nullable=False, comment="SHA-256 of what was asked for under it"),
    Column("status", Integer, comment="of the answer; null only inside the transaction that makes it"),
    Column("answer", Text, comment="the body of the answer, as it was sent"),
    Column("created_at", Instant, nullable=False, index=True),
    UniqueConstraint("user_id", "key"),
)
