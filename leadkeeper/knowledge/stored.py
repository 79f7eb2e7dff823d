"""The `passages` rows: written when a document is indexed, read whole when an index is built."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, select

from leadkeeper.knowledge.passages import Piece
from leadkeeper.store import settings_rows
from leadkeeper.store.schema import documents, passages

STAMP = "knowledge_stamp"
"""The settings row that changes with every change of passages, in the same transaction."""
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Passage:
    """A stored passage with its document's title."""

    id: int
    document_id: int
    title: str
    kind: str
    heading: str | None
    question: str | None
    text: str
    language: str
    place: str


def replace(conn: Connection, document_id: int, pieces: Sequence[Piece]) -> int:
    """Make `pieces` the document's passages; returns how many there are."""
    conn.execute(delete(passages).where(passages.c.document_id == document_id))
    rows = [
        {
            "document_id": document_id, "position": position, "kind": piece.kind, "heading": _cut(piece.heading),
            "question": piece.question, "text": piece.text, "language": piece.language, "place": piece.place,
            "hash": piece.hash,
        }
        for position, piece in enumerate(pieces)
    ]  # fmt: skip
    for start in range(0, len(rows), _AT_ONCE):
        conn.execute(insert(passages), rows[start : start + _AT_ONCE])
    touch(conn)
    return len(rows)


def touch(conn: Connection) -> None:
    """Say that passages or titles changed: every index, in every process, is built anew before its next use.

    A random stamp, because counts and highest ids come back after a deletion.
    """
    settings_rows.save(conn, STAMP, uuid.uuid4().hex)


def stamp(conn: Connection) -> str | None:
    """The stamp of the last change; None before the first."""
    found = settings_rows.get(conn, STAMP)
    return None if found is None else str(found)


def everything(conn: Connection) -> list[Passage]:
    """Every passage of every document, in order of writing."""
    return [Passage(*row) for row in conn.execute(_select())]


def of_document(conn: Connection, document_id: int) -> list[Passage]:
    """The passages of one document, in its order."""
    return [Passage(*row) for row in conn.execute(_select().where(passages.c.document_id == document_id))]


def some(conn: Connection, ids: Sequence[int]) -> dict[int, Passage]:
    """The passages of these ids that still exist, by id."""
    return {row.id: Passage(*row) for row in conn.execute(_select().where(passages.c.id.in_(ids)))}


def part(conn: Connection, document_id: int, after: int, limit: int) -> list[Passage]:
    """`limit` passages of a document from its place `after` on, counted from 0."""
    query = _select().where(passages.c.document_id == document_id, passages.c.position >= after).limit(limit)
    return [Passage(*row) for row in conn.execute(query)]


def place_of(conn: Connection, document_id: int, passage_id: int) -> int:
    """The place of a passage within its document, counted from 0; 0 when it is gone."""
    mine = (passages.c.document_id == document_id) & (passages.c.id == passage_id)
    return conn.execute(select(passages.c.position).where(mine)).scalar() or 0


def count(conn: Connection, document_id: int) -> int:
    """How many passages a document has."""
    return int(conn.execute(select(func.count()).where(passages.c.document_id == document_id)).scalar_one())


def _select() -> Select[Any]:
    columns = passages.c
    found = select(
        columns.id, columns.document_id, documents.c.title, columns.kind, columns.heading, columns.question,
        columns.text, columns.language, columns.place,
    )  # fmt: skip
    return found.join(documents, documents.c.id == columns.document_id).order_by(columns.document_id, columns.position)


def _cut(heading: str | None) -> str | None:
    return None if heading is None else heading[:500]
