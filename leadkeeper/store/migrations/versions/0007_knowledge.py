"""Documents, passages and drafted replies."""

import sqlalchemy as sa
from alembic import op

from leadkeeper.store.types import Id, Instant, Json

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "documents",
        sa.Column("id", Id, nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False, comment="guidance, examples, policies, scripts, faq"),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("format", sa.String(length=8), nullable=False, comment="txt, md, csv"),
        sa.Column("filename", sa.String(length=300), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False, comment="queued, indexed, failed"),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("user_id", Id, nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.CheckConstraint("state in ('queued', 'indexed', 'failed')", name=op.f("ck_documents_state")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_documents_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
    )
    op.create_table(
        "passages",
        sa.Column("id", Id, nullable=False),
        sa.Column("document_id", Id, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False, comment="qa or prose"),
        sa.Column("heading", sa.String(length=500), nullable=True),
        sa.Column("question", sa.Text(), nullable=True, comment="of a question and answer entry"),
        sa.Column("text", sa.Text(), nullable=False, comment="the answer of an entry, or the prose"),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("place", sa.String(length=100), nullable=False, comment="row or characters within the document"),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name=op.f("fk_passages_document_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passages")),
        sa.UniqueConstraint("document_id", "position", name=op.f("uq_passages_document_id_position")),
    )
    op.create_table(
        "reply_drafts",
        sa.Column("id", Id, nullable=False),
        sa.Column("conversation_id", Id, nullable=False),
        sa.Column("job_id", Id, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("responder", sa.String(length=32), nullable=False, comment="extractive or the model provider"),
        sa.Column("model", sa.String(length=100), nullable=True),
        sa.Column("passages", Json, nullable=False, comment="[{id, documentId, title, place, score, cited}]"),
        sa.Column("margin", sa.Float(), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=False, comment="answer or handover"),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("checks", Json, nullable=False),
        sa.Column("tokens_in", sa.Integer(), nullable=True),
        sa.Column("tokens_out", sa.Integer(), nullable=True),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name=op.f("fk_reply_drafts_conversation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reply_drafts")),
        sa.UniqueConstraint("job_id", "revision", name=op.f("uq_reply_drafts_job_id_revision")),
    )
    op.create_index(op.f("ix_reply_drafts_conversation_id"), "reply_drafts", ["conversation_id"], unique=False)
