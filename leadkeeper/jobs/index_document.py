"""Cut a training document into passages, so that it can answer.

Cutting a large document takes longer than a step may hold the writer, so it happens in a thread with
nothing open; the passages and the state are written in the transaction that finishes the job.
"""

import asyncio
from collections.abc import Sequence
from functools import partial

from sqlalchemy import Connection

from leadkeeper.errors import Invalid, NotFound
from leadkeeper.jobs.context import JobContext
from leadkeeper.knowledge import documents, passages, stored
from leadkeeper.knowledge.passages import Piece
from leadkeeper.queue.handlers import job
from leadkeeper.queue.jobs import Claimed
from leadkeeper.queue.outcomes import Cancel, Done, Fail, Outcome


def mark_failed(conn: Connection, claimed: Claimed, error: str) -> None:
    """Show the operator that this version could not be indexed, unless a newer one waits."""
    if _is_present(conn, claimed.data["documentId"], claimed.data["version"]):
        documents.mark_failed(conn, claimed.data["documentId"], error)


@job("index_document", when_failed=mark_failed)
async def index_document(ctx: JobContext, document_id: int, version: int) -> Outcome:
    """Index one version of a document; a version that was replaced meanwhile is left alone."""
    try:
        document = await ctx.db.read(documents.get, document_id)
    except NotFound:
        return Cancel("the document was deleted")
    if document.version != version:
        return Cancel("a newer version waits")
    try:
        pieces = await asyncio.to_thread(passages.split, document.content, document.format)
    except Invalid as error:
        return Fail("; ".join(error.fields.values()) or error.message)
    if not pieces:
        return Fail("no passage was found in the document")
    return Done(then=partial(_write, document_id=document_id, version=version, pieces=pieces))


def _write(conn: Connection, document_id: int, version: int, pieces: Sequence[Piece]) -> None:
    if _is_present(conn, document_id, version):
        stored.replace(conn, document_id, pieces)
        documents.mark_indexed(conn, document_id)


def _is_present(conn: Connection, document_id: int, version: int) -> bool:
    """True while `version` is the document's own; holds the row, so that an edit waits for us or we for it."""
    return documents.lock_version(conn, document_id) == version
