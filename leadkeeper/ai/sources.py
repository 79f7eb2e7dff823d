"""Where an answer came from: the stored drafts with their passages, for people to look at."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, or_, select

from leadkeeper.store.prepared import Row
from leadkeeper.store.schema import reply_drafts as table


def drafts(conn: Connection, draft_ids: Collection[int], job_ids: Collection[int] = ()) -> Sequence[Row]:
    """These drafts, and those these jobs have made, oldest first."""
    wanted = or_(table.c.id.in_(draft_ids), table.c.job_id.in_(job_ids))
    return conn.execute(select(table).where(wanted).order_by(table.c.id)).fetchall()


def cited(conn: Connection, draft_ids: Collection[int]) -> Mapping[int, Sequence[Mapping[str, Any]]]:
    """The passages each draft tells as its source: those it cites, else the best one it found."""
    query = select(table.c.id, table.c.passages).where(table.c.id.in_(draft_ids))
    found: dict[int, Sequence[Mapping[str, Any]]] = {}
    for row in conn.execute(query):
        found[row.id] = [each for each in row.passages if each.get("cited")] or row.passages[:1]
    return found
