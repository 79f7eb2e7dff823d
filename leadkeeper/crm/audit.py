"""Do all rows tell the same story? Every message received, stored, decided; nothing lost, doubled, out of order or stuck.

Reads only, and can be run at any time: what is in the hands of a worker or waits its turn is no finding.
Ends every test of faults, runs every night, and is `leadkeeper audit` for people.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, String, and_, cast, exists, func, or_, select

from leadkeeper import clock
from leadkeeper.queue.control import is_running
from leadkeeper.queue.rows import follows, live_head, processing, ready, unfinished
from leadkeeper.store import settings_rows
from leadkeeper.store.schema import decisions, inbound_events, jobs, messages

SHOWN = 20
"""Ids of a finding that are named; all are counted."""
PATIENCE = timedelta(minutes=5)
"""A job that is due for longer is stuck, if a worker runs; so is one whose lease ran out a minute ago."""
TAKEN = ("accepted", "sent", "delivered", "read")
LAST = "audit.last"
"""The settings row with the last nightly audit."""


@dataclass(frozen=True, slots=True)
class Balance:
    """Messages on each step of their way: received = stored = decided = answered + handed over + silent + open."""

    received: int
    stored: int
    decided: int
    answered: int
    handed_over: int
    silent: int
    open: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One way in which rows disagree. `ids` are the first ones, of jobs, events or messages as `of` says."""

    name: str
    of: str
    count: int
    ids: list[int]


@dataclass(frozen=True, slots=True)
class Audit:
    """What the rows say. `doubts` are sends of unknown outcome: true, shown to a person, and no fault."""

    at: datetime
    balance: Balance
    findings: list[Finding]
    doubts: Finding
    calls: int | None = None
    """calls a provider's log holds, where one was laid beside the rows"""

    @property
    def clean(self) -> bool:
        """True when nothing is lost, doubled, out of order, stuck or undecided."""
        return not any(finding.count for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """The shape of `leadkeeper audit --json` and of the nightly row."""
        found = {finding.name: {"of": finding.of, "count": finding.count, "ids": finding.ids} for finding in self.findings}
        doubts = {"count": self.doubts.count, "ids": self.doubts.ids}
        balance = {"handedOver" if name == "handed_over" else name: count for name, count in asdict(self.balance).items()}
        return {
            "at": clock.iso(self.at),
            "clean": self.clean,
            "balance": balance,
            "findings": found,
            "inDoubt": doubts,
            "calls": self.calls,
        }


def audit(conn: Connection, patience: timedelta = PATIENCE) -> Audit:
    """Look at every row; on one snapshot when `conn` is a reader's."""
    now = clock.now()
    findings = [_find(conn, name, of, query()) for name, (of, query) in _CHECKS.items()]
    findings.append(_find(conn, "stuck_jobs", "jobs", _stuck_jobs(now, patience, is_running(conn))))
    doubts = select(messages.c.id).where(messages.c.state.in_(("unknown", "needs_human")))
    return Audit(now, _balance(conn), findings, _find(conn, "in_doubt", "messages", doubts))


def keep(conn: Connection, found: Audit) -> None:
    """Remember the nightly audit for the console."""
    settings_rows.save(conn, LAST, found.as_json())


def last(conn: Connection) -> Mapping[str, Any] | None:
    """The last nightly audit, as `Audit.as_json` gives it; None before the first."""
    kept: Mapping[str, Any] | None = settings_rows.get(conn, LAST)
    return kept


def _find(conn: Connection, name: str, of: str, query: Select[int]) -> Finding:
    count: int = conn.execute(select(func.count()).select_from(query.order_by(None).subquery())).scalar_one()
    ids = list(conn.execute(query.order_by("id").limit(SHOWN)).scalars()) if count else []
    return Finding(name, of, count, ids)


def _balance(conn: Connection) -> Balance:
    counted = conn.execute(select(decisions.c.outcome, func.count()).group_by(decisions.c.outcome))
    outcomes = {str(row[0] or "open"): int(row[1]) for row in counted}
    received = select(func.count()).select_from(inbound_events).where(inbound_events.c.kind == "message")
    stored = select(func.count()).where(messages.c.direction == "in", messages.c.event_id.is_not(None))
    return Balance(
        received=int(conn.execute(received).scalar_one()),
        stored=int(conn.execute(stored).scalar_one()),
        decided=sum(outcomes.values()),
        answered=outcomes.get("answered", 0),
        handed_over=outcomes.get("handed_over", 0),
        silent=outcomes.get("silent", 0),
        open=outcomes.get("open", 0),
    )


def _lost() -> Select[int]:
    """Messages received without a decision, and no job that would open one."""
    decided = exists().where(decisions.c.event_id == inbound_events.c.id)
    coming = _live("inbound_message", "eventId", inbound_events.c.id)
    return select(inbound_events.c.id).where(inbound_events.c.kind == "message", ~decided, ~coming)


def _undecided() -> Select[int]:
    """Open decisions nobody is at work on: neither their `decide` nor, where an answer is wanted, its reply."""
    reply_key = "reply:" + cast(decisions.c.conversation_id, String)
    replying = exists().where(jobs.c.key == reply_key, jobs.c.type == "reply", unfinished())
    deciding = _live("decide", "eventId", decisions.c.event_id)
    receiving = _live("inbound_message", "eventId", decisions.c.event_id)
    work = or_(and_(decisions.c.wants_answer, replying), deciding, receiving)
    return select(decisions.c.event_id.label("id")).where(decisions.c.outcome.is_(None), ~work)


def _answered_twice() -> Select[int]:
    """Messages that answer what another message, given to the provider earlier by us, answers too."""
    earlier = messages.alias("earlier")
    same = and_(
        earlier.c.conversation_id == messages.c.conversation_id,
        earlier.c.id < messages.c.id,
        earlier.c.purpose == "reply",
        earlier.c.state.in_((*TAKEN, "unknown")),
        _question(earlier.c.cause) == _question(messages.c.cause),
    )
    mine = (messages.c.purpose == "reply", messages.c.state.in_((*TAKEN, "unknown", "ready", "sending")))
    return select(messages.c.id).where(*mine, exists().where(same))


def _received_out_of_order() -> Select[int]:
    """Messages stored before one that the same sender wrote, and we received, earlier."""
    before = func.lag(messages.c.event_id).over(
        partition_by=(messages.c.conversation_id, inbound_events.c.sender), order_by=messages.c.id
    )
    seen = (
        select(messages.c.id, messages.c.event_id, before.label("before"))
        .join(inbound_events, inbound_events.c.id == messages.c.event_id)
        .where(messages.c.direction == "in")
        .subquery()
    )
    return select(seen.c.id).where(seen.c.before > seen.c.event_id)


def _run_out_of_order() -> Select[int]:
    """Jobs that began before the one before them in their key had ended, both at their first claim."""
    ended = func.lag(jobs.c.completed_at).over(partition_by=jobs.c.key, order_by=jobs.c.id)
    claimed = func.lag(jobs.c.claim).over(partition_by=jobs.c.key, order_by=jobs.c.id)
    run = (
        select(jobs.c.id, jobs.c.started_at, ended.label("ended"), claimed.label("claimed"))
        .where(jobs.c.key.is_not(None), jobs.c.claim == 1, jobs.c.status == "completed")
        .subquery()
    )
    return select(run.c.id).where(run.c.claimed == 1, run.c.ended > run.c.started_at)


def _without_head() -> Select[int]:
    """Jobs that wait behind a head their key does not have."""
    head = jobs.alias("head_of_key")
    return select(jobs.c.id).where(follows(), ~exists().where(head.c.key == jobs.c.key, live_head(head)))


def _unsent() -> Select[int]:
    """Messages that are ready, on their way or in doubt, and no job that would go on with them."""
    waits = messages.c.state.in_(("ready", "sending", "unknown"))
    return select(messages.c.id).where(waits, ~_live("send", "messageId", messages.c.id))


def _stuck_jobs(now: datetime, patience: timedelta, running: bool) -> Select[int]:
    """Due for too long while a worker runs, or held by a worker that has been silent for long."""
    held = and_(processing(), jobs.c.lease_until < now - timedelta(minutes=1))
    return select(jobs.c.id).where(or_(held, and_(ready(), jobs.c.run_at < now - patience)) if running else held)


def _live(type_name: str, name: str, number: ColumnElement[Any]) -> ColumnElement[bool]:
    """True when an unfinished job of a type names this number in its data."""
    named = cast(jobs.c.data[name].as_string(), BigInteger)
    return number.in_(select(named).where(jobs.c.type == type_name, unfinished()))


def _question(cause: ColumnElement[Any]) -> ColumnElement[str]:
    """What a reply answers: its cause without the number of the try (`reply:<event>:<try>`)."""
    return func.rtrim(cause, "0123456789")


_CHECKS: Mapping[str, tuple[str, Callable[[], Select[int]]]] = {
    "lost": ("events", _lost),
    "undecided": ("events", _undecided),
    "answered_twice": ("messages", _answered_twice),
    "received_out_of_order": ("messages", _received_out_of_order),
    "run_out_of_order": ("jobs", _run_out_of_order),
    "without_head": ("jobs", _without_head),
    "unsent": ("messages", _unsent),
}
