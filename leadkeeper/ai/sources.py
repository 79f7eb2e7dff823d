"""Where an answer came from: the stored drafts with their passages, for people to look at."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, or_, select

from leadkeeper.store.prepared import Row
from leadkeeper.store.schema import reply_drafts as table


def drafts(conn: Connection, draft_ids: Collection[int], job_id: int | None = None) -> Sequence[Row]:
    """These drafts, and those a job has made, oldest first."""
    wanted: list[ColumnElement[bool]] = [table.c.id.in_(draft_ids)]
    if job_id is not None:
        wanted.append(table.c.job_id == job_id)
    return conn.execute(select(table).where(or_(*wanted)).order_by(table.c.id)).fetchall()


def cited(conn: Connection, draft_ids: Collection[int]) -> Mapping[int, Sequence[Mapping[str, Any]]]:
    """The passages each draft tells as its source: those it cites, else the best one it found."""
    query = select(table.c.id, table.c.passages).where(table.c.id.in_(draft_ids))
    found: dict[int, Sequence[Mapping[str, Any]]] = {}
    for row in conn.execute(query):
        found[row.id] = [each for each in row.passages if each.get("cited")] or row.passages[:1]
    return found
