"""Training documents: what the business taught us. A change enqueues its indexing in the same transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Any

from sqlalchemy import Connection, RowMapping, ScalarSelect, Select, func, insert, literal, select
from sqlalchemy import delete as erase
from sqlalchemy import update as change

from leadkeeper import clock
from leadkeeper.errors import NotFound
from leadkeeper.knowledge import stored
from leadkeeper.knowledge.uploads import NewDocument, checked, from_upload
from leadkeeper.queue.enqueue import enqueue
from leadkeeper.queue.jobs import Job, Lane
from leadkeeper.store.schema import documents, passages
from leadkeeper.store.signals import signal

__all__ = [
    "Document",
    "NewDocument",
    "add",
    "delete",
    "from_upload",
    "get",
    "list_all",
    "page",
    "reindex",
    "reindex_all",
    "summaries",
    "update",
]

PAGE_LETTERS = 10_000_000
LIMIT_BYTES = 5 * 2**20
"""The largest text taken when the caller names no limit of its own (Settings.max_upload_mb)."""


@dataclass(frozen=True, slots=True)
class Document:
    """A stored document. `state`: queued (not searchable in this version yet), indexed, failed (`error` says why)."""

    id: int
    title: str
    type: str
    content: str
    format: str
    filename: str | None
    state: str
    error: str | None
    version: int
    user_id: int | None
    created_at: datetime
    updated_at: datetime
    passages: int


def add(conn: Connection, new: NewDocument, user_id: int | None = None, limit_bytes: int = LIMIT_BYTES) -> Document:
    """Store a document and enqueue its indexing. Raises Invalid, naming each bad field."""
    good = checked(new, limit_bytes)
    now = clock.now()
    statement = insert(documents).values(
        title=good.title, type=good.type, content=good.content, format=good.format, filename=good.filename,
        state="queued", version=1, user_id=user_id, created_at=now, updated_at=now,
    )  # fmt: skip
    document_id = conn.execute(statement.returning(documents.c.id)).scalar_one()
    _index(conn, document_id, 1)
    return get(conn, document_id)


def update(
    conn: Connection,
    document_id: int,
    title: str | None = None,
    content: str | None = None,
    type_: str | None = None,
    limit_bytes: int = LIMIT_BYTES,
) -> Document:
    """Change what is given and index it anew; the passages of the old version answer until then.

    Raises NotFound, or Invalid naming each bad field.
    """
    old = get(conn, document_id)
    given = NewDocument(
        old.title if title is None else title,
        old.type if type_ is None else type_,
        old.content if content is None else content,
        old.format,
        old.filename,
    )
    good = checked(given, limit_bytes)
    values = {"title": good.title, "type": good.type, "content": good.content, "updated_at": clock.now()}
    _requeue(conn, document_id, values)
    return get(conn, document_id)


def reindex(conn: Connection, document_id: int) -> Document:
    """Index a document again as it is, for example after a failure. Raises NotFound."""
    get(conn, document_id)
    _requeue(conn, document_id, {})
    return get(conn, document_id)


def reindex_all(conn: Connection) -> int:
    """Index every document again; returns how many."""
    ids = conn.execute(select(documents.c.id).order_by(documents.c.id)).scalars().all()
    for document_id in ids:
        _requeue(conn, document_id, {})
    return len(ids)


def page(conn: Connection, before: int | None = None, limit: int = 50) -> tuple[list[Document], int | None]:
    """At most `limit` documents and PAGE_LETTERS, newest first, and the id to give as `before` for the next page.

    None: this is the last one. A single document may be larger: it is a page of its own then.
    """
    query = select(documents.c.id, func.length(documents.c.content).label("letters")).order_by(documents.c.id.desc())
    if before is not None:
        query = query.where(documents.c.id < before)
    rows = conn.execute(query.limit(limit + 1)).fetchall()
    sums = accumulate(row.letters for row in rows[:limit])
    ids = [row.id for place, (row, letters) in enumerate(zip(rows, sums, strict=False)) if place == 0 or letters <= PAGE_LETTERS]
    found = conn.execute(_select().where(documents.c.id.in_(ids)).order_by(documents.c.id.desc())).mappings()
    return [_document(row) for row in found], ids[-1] if len(rows) > len(ids) else None


def summaries(conn: Connection, before: int | None = None, limit: int = 50) -> list[Document]:
    """`page` without the contents, which may be megabytes each: for lists."""
    columns = [literal("").label("content") if column.name == "content" else column for column in documents.c]
    query = select(*columns, _held().label("passages")).order_by(documents.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(documents.c.id < before)
    return [_document(row) for row in conn.execute(query).mappings()]


def list_all(conn: Connection) -> list[Document]:
    """Every document, newest first."""
    rows = conn.execute(_select().order_by(documents.c.id.desc())).mappings()
    return [_document(row) for row in rows]


def get(conn: Connection, document_id: int) -> Document:
    """One document. Raises NotFound."""
    row = conn.execute(_select().where(documents.c.id == document_id)).mappings().first()
    if row is None:
        raise NotFound(f"there is no document {document_id}")
    return _document(row)


def delete(conn: Connection, document_id: int) -> None:
    """Remove a document; its passages answer no more once this has committed. Raises NotFound."""
    conn.execute(erase(passages).where(passages.c.document_id == document_id))
    if conn.execute(erase(documents).where(documents.c.id == document_id)).rowcount == 0:
        raise NotFound(f"there is no document {document_id}")
    stored.touch(conn)
    signal(conn, "knowledge")


def lock_version(conn: Connection, document_id: int) -> int | None:
    """The document's present version, its row held until this transaction ends; None when it is gone."""
    held = select(documents.c.version).where(documents.c.id == document_id).with_for_update()
    return conn.execute(held).scalar()


def mark_indexed(conn: Connection, document_id: int) -> None:
    """Its passages are those of its present version."""
    _mark(conn, document_id, {"state": "indexed", "error": None})


def mark_failed(conn: Connection, document_id: int, reason: str) -> None:
    """Its present version could not be indexed; shown to the operator with the reason."""
    _mark(conn, document_id, {"state": "failed", "error": reason[:2000]})


def _requeue(conn: Connection, document_id: int, values: Mapping[str, Any]) -> None:
    queued = {**values, "state": "queued", "error": None, "version": documents.c.version + 1}
    statement = change(documents).where(documents.c.id == document_id).values(queued).returning(documents.c.version)
    version = conn.execute(statement).scalar_one()
    _index(conn, document_id, version)


def _index(conn: Connection, document_id: int, version: int) -> None:
    data = {"documentId": document_id, "version": version}
    enqueue(conn, Job("index_document", data, key=f"doc:{document_id}", priority=Lane.FOLLOW_UP))
    signal(conn, "knowledge")


def _mark(conn: Connection, document_id: int, values: Mapping[str, Any]) -> None:
    conn.execute(change(documents).where(documents.c.id == document_id).values(**values))
    signal(conn, "knowledge")


def _select() -> Select[Any]:
    return select(documents, _held().label("passages"))


def _held() -> ScalarSelect[int]:
    return select(func.count()).where(passages.c.document_id == documents.c.id).scalar_subquery()


def _document(row: RowMapping) -> Document:
    return Document(**row)
