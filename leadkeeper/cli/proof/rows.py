"""The rows the claims look at."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from leadkeeper import clock
from leadkeeper.store.prepared import Row
from leadkeeper.store.schema import (
    contacts,
    conversations,
    decisions,
    identities,
    inbound_events,
    job_errors,
    jobs,
    leads,
    messages,
    rules,
    schedules,
    workers,
)


def by_status(conn: Connection) -> Mapping[str, int]:
    """Jobs by status."""
    rows = conn.execute(select(jobs.c.status, func.count()).group_by(jobs.c.status))
    return {str(status): int(count) for status, count in rows}


def jobs_of(conn: Connection, ids: Sequence[int]) -> Sequence[Row]:
    """These jobs, in order of id."""
    return conn.execute(select(jobs).where(jobs.c.id.in_(ids)).order_by(jobs.c.id)).fetchall()


def errors_of(conn: Connection, job_id: int) -> int:
    """How many tries of a job ended with an error."""
    return int(conn.execute(select(func.count()).where(job_errors.c.job_id == job_id)).scalar_one())


def open_decisions(conn: Connection) -> int:
    """Inbound messages nobody has decided yet."""
    return int(conn.execute(select(func.count()).where(decisions.c.outcome.is_(None))).scalar_one())


def unfinished(conn: Connection) -> int:
    """Jobs that are due or running; timers of the future do not count."""

    due = (jobs.c.status == "pending") & (jobs.c.run_at <= clock.now())
    return int(conn.execute(select(func.count()).where(due | (jobs.c.status == "processing"))).scalar_one())


def of_senders(conn: Connection, prefix: str) -> Sequence[Any]:
    """Inbound messages of senders whose number begins so, with decision and answer."""
    answer = messages.alias("answer")
    query = (
        select(
            inbound_events.c.id.label("event_id"),
            inbound_events.c.sender,
            inbound_events.c.external_id,
            decisions.c.outcome,
            decisions.c.reason,
            answer.c.id.label("answer_id"),
            answer.c.state,
            answer.c.token,
            answer.c.attempt,
        )
        .join(decisions, decisions.c.event_id == inbound_events.c.id, isouter=True)
        .join(answer, answer.c.id == decisions.c.answer_id, isouter=True)
        .where(inbound_events.c.sender.startswith(prefix))
        .order_by(inbound_events.c.id)
    )
    return list(conn.execute(query))


def outbound_to(conn: Connection, prefix: str) -> Sequence[Row]:
    """Outbound messages to senders whose number begins so."""
    query = (
        select(messages)
        .join(conversations, conversations.c.id == messages.c.conversation_id)
        .where(messages.c.direction == "out", conversations.c.address.startswith(prefix))
        .order_by(messages.c.id)
    )
    return conn.execute(query).fetchall()


def lead_of(conn: Connection, sender: str) -> int:
    """The lead of a sender."""
    query = (
        select(leads.c.id)
        .join(contacts, contacts.c.id == leads.c.contact_id)
        .join(identities, identities.c.contact_id == contacts.c.id)
        .where(identities.c.external_id == sender)
    )
    return int(conn.execute(query).scalar_one())


def send_jobs(conn: Connection, message_ids: Sequence[int]) -> Sequence[Row]:
    """The send jobs of these messages."""
    rows = conn.execute(select(jobs).where(jobs.c.type == "send").order_by(jobs.c.id)).fetchall()
    return [row for row in rows if row.data.get("messageId") in set(message_ids)]


def scheduled_rules(conn: Connection) -> int:
    """Active rules that are not for inbound messages."""
    query = select(func.count()).select_from(rules).where(rules.c.enabled, rules.c.trigger != "message.received")
    return int(conn.execute(query).scalar_one())


def pick_up_ms(conn: Connection, prefix: str) -> list[float]:
    """Milliseconds from enqueueing to start of the inbound jobs of these senders."""
    query = select(jobs.c.created_at, jobs.c.started_at).where(
        jobs.c.type == "inbound_message", jobs.c.started_at.is_not(None), jobs.c.key.contains(f":{prefix}")
    )
    return [(row.started_at - row.created_at).total_seconds() * 1000 for row in conn.execute(query)]


def fresh_workers(conn: Connection) -> Sequence[Row]:
    """Workers, newest beat first."""
    return conn.execute(select(workers).order_by(workers.c.beat_at.desc())).fetchall()


def schedule_count(conn: Connection) -> int:
    """Recurring work."""
    return int(conn.execute(select(func.count()).select_from(schedules)).scalar_one())


def received_at(conn: Connection, event_id: int) -> datetime:
    """When an event was stored."""
    at: datetime = conn.execute(select(inbound_events.c.received_at).where(inbound_events.c.id == event_id)).scalar_one()
    return at
