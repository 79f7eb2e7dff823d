"""What the business taught us, and the replies drafted from it."""

from sqlalchemy import CheckConstraint, Column, Float, ForeignKey, Integer, String, Table, Text, UniqueConstraint

from leadkeeper.store.schema.base import metadata, one_of
from leadkeeper.store.types import Id, Instant, Json

documents = Table(
    "documents",
    metadata,
    Column("id", Id, primary_key=True),
    Column("title", String(300), nullable=False),
    Column("type", String(32), nullable=False, comment="guidance, examples, policies, scripts, faq"),
    Column("content", Text, nullable=False),
    Column("format", String(8), nullable=False, comment="txt, md, csv"),
    Column("filename", String(300)),
    Column("state", String(16), nullable=False, comment="queued, indexed, failed"),
    Column("error", Text),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("user_id", Id, ForeignKey("users.id")),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    CheckConstraint(one_of("state", "queued", "indexed", "failed"), name="state"),
)

passages = Table(
    "passages",
    metadata,
    Column("id", Id, primary_key=True),
    Column("document_id", Id, ForeignKey("documents.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("kind", String(8), nullable=False, comment="qa or prose"),
    Column("heading", String(500)),
    Column("question", Text, comment="of a question and answer entry"),
    Column("text", Text, nullable=False, comment="the answer of an entry, or the prose"),
    Column("language", String(8), nullable=False),
    Column("place", String(100), nullable=False, comment="row or characters within the document"),
    Column("hash", String(64), nullable=False),
    UniqueConstraint("document_id", "position"),
)

reply_drafts = Table(
    "reply_drafts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("conversation_id", Id, ForeignKey("conversations.id"), nullable=False, index=True),
    Column("job_id", Id, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("question", Text, nullable=False),
    Column("language", String(8), nullable=False),
    Column("responder", String(32), nullable=False, comment="extractive or the model provider"),
    Column("model", String(100)),
    Column("passages", Json, nullable=False, comment="[{id, documentId, title, place, score, cited}]"),
    Column("margin", Float),
    Column("outcome", String(16), nullable=False, comment="answer or handover"),
    Column("reason", String(64)),
    Column("text", Text),
    Column("checks", Json, nullable=False),
    Column("tokens_in", Integer),
    Column("tokens_out", Integer),
    Column("took_ms", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("job_id", "revision"),
)
