"""Putting work into the queue: always in the transaction of its cause."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Update, bindparam, case, exists, select, type_coerce, update
from sqlalchemy.dialects import postgresql, sqlite

from leadkeeper import clock
from leadkeeper.crashpoints import point
from leadkeeper.queue.handlers import job_types
from leadkeeper.queue.jobs import Job
from leadkeeper.queue.promote import lock_heads
from leadkeeper.queue.rows import live_head, pending
from leadkeeper.queue.scopes import parked_among
from leadkeeper.store.given import NUMBER, TEXT, Given
from leadkeeper.store.prepared import Prepared
from leadkeeper.store.schema import jobs
from leadkeeper.store.signals import signal
from leadkeeper.store.types import Instant, micros
from leadkeeper.store.upsert import insert_all, insert_once

RETRIES = 3
"""Retries of a job whose type does not say."""
_DEDUPES = Given("dedupes", dedupe=TEXT)


@dataclass(slots=True)
class _Row:
    """A job on its way into the table; `id` once it is there, or that of the one already pending."""

    values: dict[str, Any]
    id: int = 0

    @property
    def key(self) -> str | None:
        key: str | None = self.values["key"]
        return key

    @property
    def dedupe(self) -> str | None:
        dedupe: str | None = self.values["dedupe"]
        return dedupe


def enqueue(conn: Connection, job: Job) -> int:
    """Store one job; returns its id, or that of the pending job with the same `dedupe`."""
    if job.key is not None:
        stored = _insert_in_order(conn, job)
        if stored is not None:
            return stored
    return enqueue_all(conn, [job])[0]


def enqueue_all(conn: Connection, wanted: Sequence[Job]) -> list[int]:
    """Store many jobs with a few statements; returns their ids in order. Signals `jobs`.

    Jobs of one key get rising ids in the order given. A `dedupe` that is pending already is not
    stored again: that row is held until commit, so whoever claims it sees what we have written.
    """
    if not wanted:
        return []
    now = clock.now()
    parked = parked_among(conn, (job.scope for job in wanted))
    rows = [_Row(_values(job, now, parked)) for job in wanted]
    plain = [row for row in rows if row.key is None and row.dedupe is None]
    _insert(conn, plain)
    _insert_in_waves(conn, [row for row in rows if not row.id])
    signal(conn, "jobs", "stats")
    return [row.id for row in rows]


def postpone(conn: Connection, until: Mapping[str, datetime]) -> set[str]:
    """Let pending jobs, by their `dedupe`, wait until a moment, never less than they do; the dedupes that had one.

    So a message that joins a reply in back-off never brings it forward.
    """
    given = [(dedupe, micros(moment)) for dedupe, moment in sorted(until.items())]
    return set(_POSTPONE.scalars(conn, **_UNTIL.values(conn.dialect.name, given))) if given else set()


def _values(job: Job, now: datetime, parked: Collection[str]) -> dict[str, Any]:
    known = job_types.peek(job.type)
    retries = job.max_retries if job.max_retries is not None else known.retries if known else RETRIES
    return {
        "type": job.type,
        "data": dict(job.data),
        "priority": int(job.priority),
        "run_at": clock.FAR if job.scope in parked else job.run_at or now,
        "key": job.key,
        "head": job.key is None,
        "dedupe": job.dedupe,
        "max_retries": retries,
        "scope": job.scope,
        "created_at": now,
    }


def _insert_in_order(conn: Connection, job: Job) -> int | None:
    """One job with a key in one statement; None when it has met another row, which has to be looked at."""
    values = _values(job, clock.now(), parked_among(conn, (job.scope,)))
    del values["head"]
    job_id: int | None = _IN_ORDER.scalar(conn, **values)
    if job_id is not None:
        signal(conn, "jobs", "stats")
    return job_id


def _insert(conn: Connection, rows: Sequence[_Row]) -> None:
    """Insert rows that can meet no other; ids rise in the order given."""
    stored = insert_all(conn, jobs, [row.values for row in rows], jobs.c.id)
    for row, job_id in zip(rows, sorted(new.id for new in stored), strict=True):
        row.id = job_id


def _insert_in_waves(conn: Connection, rows: list[_Row]) -> None:
    """Insert rows with a key or a dedupe, as many at once as cannot meet each other.

    Every wave looks again with fresh statements: a head finished, a twin claimed or an insert
    beaten by another transaction is found by the next. Twins are looked for only when an insert has
    met one: mostly there is none.
    """
    waiting = sorted(rows, key=lambda row: row.key or "")
    first = True
    while waiting:
        twins = {} if first else _pending_twins(conn, {row.dedupe for row in waiting if row.dedupe is not None})
        first = False
        for row in waiting:
            row.id = twins.get(row.dedupe, 0) if row.dedupe is not None else 0
        waiting = [row for row in waiting if not row.id]
        headed = lock_heads(conn, {row.key for row in waiting if row.key is not None})
        point("enqueue.heads_held")
        sure, risky = _wave(waiting, headed)
        _insert(conn, sure)
        _insert_risky(conn, risky)
        point("enqueue.wave_inserted")
        waiting = [row for row in waiting if not row.id]


def _wave(waiting: Sequence[_Row], headed: Collection[str]) -> tuple[list[_Row], list[_Row]]:
    """Of each key the longest run of sure rows, or its first row if that may meet another one."""
    sure: list[_Row] = []
    risky: list[_Row] = []
    closed: set[str] = set()
    begun: set[str] = set()
    taken: set[str] = set()
    for row in waiting:
        if row.key in closed or row.dedupe in taken:
            if row.key is not None:
                closed.add(row.key)
            continue
        row.values["head"] = row.key is None or row.key not in headed
        if row.dedupe is None and not row.values["head"]:
            sure.append(row)
            begun.add(row.key or "")
            continue
        if row.key is not None:
            closed.add(row.key)
            if row.key in begun:
                continue
        if row.dedupe is not None:
            taken.add(row.dedupe)
        risky.append(row)
    return sure, risky


def _insert_risky(conn: Connection, rows: Sequence[_Row]) -> None:
    """Insert rows that may meet another transaction's; those that did keep no id."""
    stored = insert_once(conn, jobs, [row.values for row in rows], jobs.c.id, jobs.c.key, jobs.c.dedupe)
    ids = {(new.key, new.dedupe): new.id for new in stored}
    for row in rows:
        row.id = ids.get((row.key, row.dedupe), 0)


def _pending_twins(conn: Connection, dedupes: Collection[str]) -> dict[str | None, int]:
    """The pending jobs of `dedupes`, held until commit: nobody claims them before our rows are seen."""
    if not dedupes:
        return {}
    given = _DEDUPES.values(conn.dialect.name, [(dedupe,) for dedupe in sorted(dedupes)])
    return {row.dedupe: row.id for row in _TWINS.all(conn, **given)}


def _twins(dialect: str) -> Select[tuple[str, int]]:
    given = _DEDUPES.table(dialect)
    found = select(jobs.c.dedupe, jobs.c.id).where(jobs.c.dedupe == given.c.dedupe, pending())
    return found.order_by(jobs.c.dedupe).with_for_update(read=True, of=jobs)


def _in_order(dialect: str) -> Any:
    """INSERT with the head flag found on the way: the key's head, if it has one, is held as in `lock_heads`."""
    mine = jobs.alias("mine")
    head = select(mine.c.id).where(mine.c.key == bindparam("key"), live_head(mine)).with_for_update(read=True).cte("head_of_key")
    names = ("type", "data", "priority", "run_at", "key", "dedupe", "max_retries", "scope", "created_at")
    given = [bindparam(name, type_=jobs.c[name].type) for name in names]
    row = select(*given, ~exists(select(head.c.id))).add_cte(head)
    into = postgresql.insert(jobs) if dialect == "postgresql" else sqlite.insert(jobs)
    return into.from_select([*names, "head"], row).on_conflict_do_nothing().returning(jobs.c.id)


_IN_ORDER = Prepared(_in_order)
_TWINS = Prepared(_twins)


def _postponing(dialect: str) -> Update:
    until = _UNTIL.table(dialect)
    moment = type_coerce(until.c.moment, Instant)
    later = case((jobs.c.run_at < moment, moment), else_=jobs.c.run_at)
    return update(jobs).where(jobs.c.dedupe == until.c.dedupe, pending()).values(run_at=later).returning(jobs.c.dedupe)


_UNTIL = Given("until", dedupe=TEXT, moment=NUMBER)
_POSTPONE = Prepared(_postponing)
