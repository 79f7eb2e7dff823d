"""Runs of the scheduled rules: asked for, under way, done. The `run_rules` job fills the rows, everybody reads them.

A dry run writes to `dry_run_items` and never to the run log, so it cannot suppress a real one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from leadkeeper import clock
from leadkeeper.errors import NotFound
from leadkeeper.queue.enqueue import enqueue
from leadkeeper.queue.jobs import Job, Lane
from leadkeeper.store.prepared import Row
from leadkeeper.store.schema import contacts, dry_run_items, leads, rules, run_rules, users
from leadkeeper.store.schema import runs as table
from leadkeeper.store.signals import signal
from leadkeeper.store.upsert import upsert

MOST_ITEMS = 1_000
"""Items of a dry run shown at once."""


@dataclass(frozen=True, slots=True)
class Totals:
    """What a run has come to so far. `rules` counts the rules that were really evaluated."""

    rules: int
    candidates: int
    sent: int
    skipped: int
    failed: int


@dataclass(frozen=True, slots=True)
class RunView:
    """A run with its counts. `status`: queued, running, completed, failed. `next`: the item the following ones come after."""

    id: int
    kind: str
    dry_run: bool
    status: str
    lead_id: int | None
    user_id: int | None
    user_name: str | None
    job_id: int | None
    error: str | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    totals: Totals
    rules: Sequence[Mapping[str, Any]]
    items: Sequence[Mapping[str, Any]]
    next: int | None


def start(conn: Connection, kind: str, *, dry_run: bool = False, user_id: int | None = None, lead_id: int | None = None) -> int:
    """Ask for a run of the active scheduled rules, of one lead or of all; returns its id. Its job is enqueued with it."""
    row = {
        "kind": kind, "dry_run": dry_run, "status": "queued", "user_id": user_id, "lead_id": lead_id,
        "created_at": clock.now(),
    }  # fmt: skip
    run_id = int(conn.execute(insert(table).values(**row).returning(table.c.id)).scalar_one())
    job_id = enqueue(conn, Job("run_rules", {"runId": run_id}, priority=Lane.FOLLOW_UP))
    conn.execute(update(table).where(table.c.id == run_id).values(job_id=job_id))
    signal(conn, f"run:{run_id}")
    return run_id


def get(conn: Connection, run_id: int) -> Row:
    """One run's row. Raises NotFound."""
    row = conn.execute(select(table).where(table.c.id == run_id)).first()
    if row is None:
        raise NotFound(f"there is no run {run_id}")
    return row


def begin(conn: Connection, run_id: int) -> Row:
    """queued -> running; a run that is under way already is gone on with. Returns its row; raises NotFound."""
    conn.execute(
        update(table).where(table.c.id == run_id, table.c.status == "queued").values(status="running", started_at=clock.now())
    )
    signal(conn, f"run:{run_id}")
    return get(conn, run_id)


@dataclass(slots=True)
class Count:
    """What one rule has come to in a run, and how far it got: written with the effects it counts."""

    candidates: int = 0
    sent: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    failed: int = 0
    cursor: int = 0
    done: bool = False

    def skip(self, reason: str) -> None:
        """One more candidate that got no message, and why."""
        self.skipped[reason] = self.skipped.get(reason, 0) + 1


def counted(conn: Connection, run_id: int, rule_id: int) -> Count:
    """How far a rule got in a run, in an earlier try of its job too."""
    row = conn.execute(select(run_rules).where(run_rules.c.run_id == run_id, run_rules.c.rule_id == rule_id)).first()
    return Count() if row is None else Count(row.candidates, row.sent, dict(row.skipped), row.failed, row.cursor, row.done)


def count(conn: Connection, run_id: int, rule_id: int, now: Count) -> None:
    """Write what one rule has come to so far in a run; later counts replace earlier ones."""
    upsert(conn, run_rules, {"run_id": run_id, "rule_id": rule_id, **asdict(now)}, key=("run_id", "rule_id"))
    signal(conn, f"run:{run_id}")


def of_job(conn: Connection, job_id: int, kind: str) -> int:
    """The run a scheduled job makes for itself; the same one when it is tried again."""
    found = conn.execute(select(table.c.id).where(table.c.job_id == job_id)).scalar_one_or_none()
    if found is not None:
        return int(found)
    row = {"kind": kind, "dry_run": False, "status": "queued", "job_id": job_id, "created_at": clock.now()}
    return int(conn.execute(insert(table).values(**row).returning(table.c.id)).scalar_one())


def would(
    conn: Connection,
    run_id: int,
    rule_id: int,
    *,
    lead_id: int | None,
    conversation_id: int | None,
    verdict: str,
    reason: str | None,
    text: str | None,
) -> None:
    """Write one thing a dry run would do, or would not and why."""
    values = {"lead_id": lead_id, "conversation_id": conversation_id, "verdict": verdict, "reason": reason, "text": text}
    conn.execute(insert(dry_run_items).values(run_id=run_id, rule_id=rule_id, **values))


def end(conn: Connection, run_id: int, error: str | None = None) -> None:
    """The run is over: completed, or failed with its reason."""
    status = "completed" if error is None else "failed"
    conn.execute(update(table).where(table.c.id == run_id).values(status=status, error=error, completed_at=clock.now()))
    signal(conn, f"run:{run_id}")


def view(conn: Connection, run_id: int, after: int = 0) -> RunView:
    """A run as it stands now; a dry run with the items after item `after`. Raises NotFound."""
    query = select(table, users.c.name.label("user_name")).outerjoin(users, users.c.id == table.c.user_id)
    row = conn.execute(query.where(table.c.id == run_id)).first()
    if row is None:
        raise NotFound(f"there is no run {run_id}")
    own = {name: row._mapping[name] for name in RunView.__slots__ if name in row._mapping}
    counted = _rules(conn, run_id)
    items, following = _items(conn, run_id, after) if row.dry_run else ([], None)
    return RunView(**own, totals=_totals(counted), rules=counted, items=items, next=following)


def recent(conn: Connection, limit: int = 10, before: int | None = None) -> list[Row]:
    """The newest runs first, older than the run `before`."""
    query = select(table).order_by(table.c.id.desc()).limit(limit)
    return list(conn.execute(query if before is None else query.where(table.c.id < before)))


def _rules(conn: Connection, run_id: int) -> list[dict[str, Any]]:
    query = (
        select(run_rules, rules.c.key, rules.c.name)
        .join(rules, rules.c.id == run_rules.c.rule_id)
        .where(run_rules.c.run_id == run_id)
        .order_by(rules.c.position, rules.c.id)
    )
    return [
        {
            "ruleId": row.rule_id, "key": row.key, "name": row.name, "candidates": row.candidates, "sent": row.sent,
            "skipped": row.skipped, "failed": row.failed,
        }
        for row in conn.execute(query)
    ]  # fmt: skip


def _totals(counted: Sequence[Mapping[str, Any]]) -> Totals:
    return Totals(
        rules=len(counted),
        candidates=sum(each["candidates"] for each in counted),
        sent=sum(each["sent"] for each in counted),
        skipped=sum(sum(each["skipped"].values()) for each in counted),
        failed=sum(each["failed"] for each in counted),
    )


def _items(conn: Connection, run_id: int, after: int) -> tuple[list[dict[str, Any]], int | None]:
    query = (
        select(dry_run_items, rules.c.key, contacts.c.name.label("contact_name"))
        .join(rules, rules.c.id == dry_run_items.c.rule_id)
        .outerjoin(leads, leads.c.id == dry_run_items.c.lead_id)
        .outerjoin(contacts, contacts.c.id == leads.c.contact_id)
        .where(dry_run_items.c.run_id == run_id, dry_run_items.c.id > after)
        .order_by(dry_run_items.c.id)
        .limit(MOST_ITEMS + 1)
    )
    rows = conn.execute(query).fetchall()
    items = [
        {
            "ruleId": row.rule_id, "ruleKey": row.key, "leadId": row.lead_id, "contactName": row.contact_name,
            "conversationId": row.conversation_id, "verdict": row.verdict, "reason": row.reason, "text": row.text,
        }
        for row in rows[:MOST_ITEMS]
    ]  # fmt: skip
    return items, rows[MOST_ITEMS - 1].id if len(rows) > MOST_ITEMS else None
