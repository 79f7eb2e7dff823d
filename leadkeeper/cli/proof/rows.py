"""The rows the claims look at."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select

from leadkeeper import clock
from leadkeeper.cli.proof.ledger import TAKEN, Outbound, Person
from leadkeeper.queue.control import FRESH
from leadkeeper.store.prepared import Row
from leadkeeper.store.schema import (
    contacts,
    conversations,
    decisions,
    identities,
    inbound_events,
    jobs,
    leads,
    messages,
    rules,
    sessions,
    workers,
)

ReadPeople = Callable[[Connection], Mapping[str, Person]]


def by_status(conn: Connection) -> Mapping[str, int]:
    """Jobs by status."""
    rows = conn.execute(select(jobs.c.status, func.count()).group_by(jobs.c.status))
    return {str(status): int(count) for status, count in rows}


def jobs_of(conn: Connection, ids: Sequence[int]) -> Sequence[Row]:
    """These jobs, in order of id."""
    return conn.execute(select(jobs).where(jobs.c.id.in_(ids)).order_by(jobs.c.id)).fetchall()


def job(conn: Connection, job_id: int) -> Row:
    """This job."""
    return conn.execute(select(jobs).where(jobs.c.id == job_id)).one()


def newest_job(conn: Connection) -> int:
    """The id of the newest job; 0 when there is none."""
    return int(conn.execute(select(func.max(jobs.c.id))).scalar() or 0)


def jobs_since(conn: Connection, job_id: int, type_name: str) -> Sequence[int]:
    """Ids of the jobs of a type that are newer than `job_id`."""
    query = select(jobs.c.id).where(jobs.c.id > job_id, jobs.c.type == type_name).order_by(jobs.c.id)
    return list(conn.execute(query).scalars())


def open_decisions(conn: Connection) -> int:
    """Inbound messages nobody has decided yet."""
    return int(conn.execute(select(func.count()).where(decisions.c.outcome.is_(None))).scalar_one())


def unfinished(conn: Connection) -> int:
    """Jobs that are due or running; timers of the future do not count."""

    due = (jobs.c.status == "pending") & (jobs.c.run_at <= clock.now())
    return int(conn.execute(select(func.count()).where(due | (jobs.c.status == "processing"))).scalar_one())


def answered(conn: Connection, prefix: str) -> int:
    """How many messages to people whose number begins so the provider has taken."""
    query = select(func.count()).select_from(messages).join(conversations, conversations.c.id == messages.c.conversation_id)
    return int(conn.execute(query.where(messages.c.state.in_(TAKEN), conversations.c.address.startswith(prefix))).scalar_one())


def people(conn: Connection, prefix: str) -> Mapping[str, Person]:
    """Everybody whose number begins so: messages stored, decisions, and what was written to them."""
    received: dict[str, set[int]] = defaultdict(set)
    outcomes: dict[str, list[str | None]] = defaultdict(list)
    heard = (
        select(inbound_events.c.id, inbound_events.c.sender, decisions.c.outcome)
        .join(decisions, decisions.c.event_id == inbound_events.c.id, isouter=True)
        .where(inbound_events.c.sender.startswith(prefix))
    )
    for row in conn.execute(heard):
        received[row.sender].add(row.id)
        outcomes[row.sender].append(row.outcome)
    written: dict[str, list[Outbound]] = defaultdict(list)
    for message in outbound_to(conn, prefix):
        written[message.address].append(Outbound(message.id, message.state, message.body, message.purpose))
    return {sender: Person(len(ids), tuple(outcomes[sender]), tuple(written[sender])) for sender, ids in received.items()}


def outbound_to(conn: Connection, prefix: str) -> Sequence[Row]:
    """Outbound messages to senders whose number begins so."""
    query = (
        select(messages, conversations.c.address)
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


def stored(conn: Connection, prefix: str) -> int:
    """How many people whose number begins so have a message stored."""
    query = select(func.count(inbound_events.c.sender.distinct())).where(inbound_events.c.sender.startswith(prefix))
    return int(conn.execute(query).scalar_one())


def replies_to(conn: Connection, sender: str) -> Sequence[Row]:
    """The answers to a sender, each with the job that sends it."""
    query = (
        select(messages, jobs.c.status.label("job_status"), jobs.c.error.label("job_error"))
        .join(conversations, conversations.c.id == messages.c.conversation_id)
        .join(jobs, jobs.c.id == messages.c.send_job_id)
        .where(messages.c.purpose == "reply", conversations.c.address == sender)
    )
    return conn.execute(query).fetchall()


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


def worker(conn: Connection) -> tuple[str, str]:
    """(id, state) of the worker that started last; one killed before may still have a fresh heartbeat beside it."""
    row = conn.execute(select(workers.c.id, workers.c.state).order_by(workers.c.started_at.desc()).limit(1)).one()
    return str(row.id)[:8], str(row.state)


def beating(conn: Connection) -> list[tuple[str, str]]:
    """(id, state) of every worker whose heartbeat is fresh, oldest first."""
    fresh = select(workers.c.id, workers.c.state).where(workers.c.beat_at > clock.now() - FRESH).order_by(workers.c.started_at)
    return [(row.id, row.state) for row in conn.execute(fresh)]


def events(conn: Connection) -> int:
    """Inbound events stored so far."""
    return int(conn.execute(select(func.count()).select_from(inbound_events)).scalar_one())


def open_sessions(conn: Connection) -> int:
    """Log-ins that have not ended."""
    query = select(func.count()).where(sessions.c.revoked_at.is_(None), sessions.c.ends_at > clock.now())
    return int(conn.execute(query).scalar_one())


def received_at(conn: Connection, sender: str) -> datetime:
    """When the message of a sender was stored."""
    query = select(inbound_events.c.received_at).where(inbound_events.c.sender == sender)
    at: datetime = conn.execute(query).scalar_one()
    return at
