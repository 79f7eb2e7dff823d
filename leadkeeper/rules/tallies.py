"""What each rule came to lately, counted for the list of rules."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from leadkeeper import clock
from leadkeeper.store.schema import rule_runs as table

LATELY = timedelta(days=30)
LOOKED_AT = 50_000
"""Newest entries of the run log that are counted: constant work, however long the log is."""


@dataclass(frozen=True, slots=True)
class Tally:
    """`near`: how often everything but one thing was so. `fired_at`: the last firing of that time."""

    fired: int = 0
    near: int = 0
    failed: int = 0
    fired_at: datetime | None = None


def read(conn: Connection) -> dict[int, Tally]:
    """The tally of each rule that came to anything in the last 30 days."""
    first = select(func.max(table.c.id) - LOOKED_AT).scalar_subquery()
    last = func.max(table.c.at, type_=table.c.at.type).label("last")
    query = select(table.c.rule_id, table.c.verdict, func.count().label("n"), last).where(
        table.c.id > first, table.c.at >= clock.now() - LATELY
    )
    counted: dict[int, dict[str, int]] = {}
    fired_at: dict[int, datetime] = {}
    for row in conn.execute(query.group_by(table.c.rule_id, table.c.verdict)):
        counted.setdefault(row.rule_id, {})[row.verdict] = row.n
        if row.verdict == "fired":
            fired_at[row.rule_id] = row.last
    return {rule_id: _tally(counts, fired_at.get(rule_id)) for rule_id, counts in counted.items()}


def _tally(counts: dict[str, int], fired_at: datetime | None) -> Tally:
    fired, failed = counts.get("fired", 0), counts.get("failed", 0)
    return Tally(fired, sum(counts.values()) - fired - failed, failed, fired_at)
