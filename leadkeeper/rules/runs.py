"""What rules did and nearly did: a row for each firing and each near miss, with the whole trace.

A firing's row is unique per rule and episode: writing it *is* the claim, so two workers, or a rule
run twice, cannot do the same thing twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, and_, literal_column, select

from leadkeeper import clock
from leadkeeper.rules.actions.base import Effect
from leadkeeper.rules.decide import Decision
from leadkeeper.rules.facts import Facts
from leadkeeper.rules.model import Rule
from leadkeeper.store.given import NUMBER, TEXT, Given
from leadkeeper.store.prepared import Prepared, Row
from leadkeeper.store.schema import contacts, leads, rules
from leadkeeper.store.schema import rule_runs as table
from leadkeeper.store.upsert import change_row, insert_once


@dataclass(frozen=True, slots=True)
class Run:
    """What a rule came to about something. `effects` are those of actions that only ask, which may be asked before."""

    rule: Rule
    decision: Decision
    facts: Facts
    job_id: int | None = None
    effects: Sequence[Effect] = ()
    run_id: int | None = None


def record(conn: Connection, run: Run) -> int | None:
    """Write what a rule came to; returns the row's id, or None when this episode has fired already.

    The actions of a firing may be carried out only with an id in hand, in this same transaction.
    """
    new = insert_once(conn, table, [_row(run)], table.c.id)
    return int(new[0].id) if new else None


def record_all(conn: Connection, runs: Sequence[Run]) -> int:
    """Write many; returns how many were new."""
    return len(insert_once(conn, table, [_row(run) for run in runs], table.c.id))


def fired_among(conn: Connection, firings: Sequence[tuple[int, str]]) -> set[tuple[int, str]]:
    """Those of these (rule, episode) that have fired already."""
    if not firings:
        return set()
    return {(row.rule_id, row.episode) for row in _FIRED.all(conn, **_FIRINGS.values(conn.dialect.name, firings))}


def _row(run: Run) -> dict[str, Any]:
    return {
        "rule_id": run.rule.id,
        "rule_version": run.rule.version,
        "verdict": run.decision.verdict,
        "reason": run.decision.reason[:200],
        "episode": run.decision.episode,
        "trace": _trace(run.decision, run.job_id, run.effects),
        "event_id": run.facts.event_id,
        "conversation_id": run.facts.conversation_id or None,
        "lead_id": run.facts.lead_id or None,
        "run_id": run.run_id,
        "at": clock.now(),
    }


def has_fired(conn: Connection, rule_id: int, episode: str) -> bool:
    """True when this rule has fired for this episode already."""
    query = select(table.c.id).where(table.c.rule_id == rule_id, table.c.episode == episode, table.c.verdict == "fired")
    return conn.execute(query).first() is not None


def finish(
    conn: Connection, run_row_id: int, decision: Decision, effects: Sequence[Effect], *, job_id: int | None = None
) -> None:
    """Write beside a firing what its actions came to, and the message it wrote."""
    values: dict[str, Any] = {"trace": _trace(decision, job_id, effects)}
    written = next((effect.message_id for effect in effects if effect.message_id is not None), None)
    if written is not None:
        values["message_id"] = written
    change_row(conn, table, run_row_id, **values)


def _trace(decision: Decision, job_id: int | None, effects: Sequence[Effect]) -> dict[str, Any]:
    trace = dict(decision.trace)
    if job_id is not None:
        trace["jobId"] = job_id
    if effects:
        trace["effects"] = [{"status": effect.status, "reason": effect.reason} for effect in effects]
    return trace


def log(
    conn: Connection,
    *,
    rule_id: int | None = None,
    lead_id: int | None = None,
    conversation_id: int | None = None,
    event_id: int | None = None,
    run_id: int | None = None,
    verdict: str | None = None,
    before: int | None = None,
    limit: int = 20,
) -> list[Row]:
    """The run log, the newest first, with the rule's key and name and the contact's; pages by `before` (an id)."""
    query = (
        select(table, rules.c.key.label("rule_key"), rules.c.name.label("rule_name"), contacts.c.name.label("contact_name"))
        .join(rules, rules.c.id == table.c.rule_id)
        .outerjoin(leads, leads.c.id == table.c.lead_id)
        .outerjoin(contacts, contacts.c.id == leads.c.contact_id)
        .order_by(table.c.id.desc())
        .limit(max(1, min(limit, 200)))
    )
    wanted = {
        "rule_id": rule_id,
        "lead_id": lead_id,
        "conversation_id": conversation_id,
        "event_id": event_id,
        "run_id": run_id,
        "verdict": verdict,
    }
    for name, value in wanted.items():
        if value is not None:
            query = query.where(table.c[name] == value)
    if before is not None:
        query = query.where(table.c.id < before)
    return list(conn.execute(query))


def _fired(dialect: str) -> Select[tuple[int, str]]:
    asked = _FIRINGS.table(dialect)
    same = and_(table.c.rule_id == asked.c.rule, table.c.episode == asked.c.episode)
    return select(table.c.rule_id, table.c.episode).where(same, table.c.verdict == literal_column("'fired'"))


_FIRINGS = Given("firings", rule=NUMBER, episode=TEXT)
_FIRED = Prepared(_fired)
