"""What rules did and nearly did: a row for each firing and each near miss, with the whole trace.

A firing's row is unique per rule and episode: writing it *is* the claim, so two workers, or a rule
run twice, cannot do the same thing twice.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from leadkeeper import clock
from leadkeeper.rules.actions.base import Effect
from leadkeeper.rules.decide import Decision
from leadkeeper.rules.facts import Facts
from leadkeeper.rules.model import Rule
from leadkeeper.store.prepared import Row
from leadkeeper.store.schema import contacts, leads, rules
from leadkeeper.store.schema import rule_runs as table
from leadkeeper.store.upsert import change_row, insert_once


def record(
    conn: Connection,
    rule: Rule,
    decision: Decision,
    facts: Facts,
    *,
    job_id: int | None = None,
    run_id: int | None = None,
    effects: Sequence[Effect] = (),
) -> int | None:
    """Write what a rule came to; returns the row's id, or None when this episode has fired already.

    The actions of a firing may be carried out only with an id in hand, in this same transaction;
    `effects` are those of actions that only ask, which may be asked before.
    """
    row = {
        "rule_id": rule.id,
        "rule_version": rule.version,
        "verdict": decision.verdict,
        "reason": decision.reason[:200],
        "episode": decision.episode,
        "trace": _trace(decision, job_id, effects),
        "event_id": facts.event_id,
        "conversation_id": facts.conversation_id or None,
        "lead_id": facts.lead_id or None,
        "run_id": run_id,
        "at": clock.now(),
    }
    new = insert_once(conn, table, [row], table.c.id)
    return int(new[0].id) if new else None


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
