"""Take everything invented out again: what hangs on simulated accounts, and what the example's mark lists."""

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, Connection, Table, delete, func, literal, or_, select

from leadkeeper.crm import accounts, simulated
from leadkeeper.errors import NotFound
from leadkeeper.example import business
from leadkeeper.example.load import MARK
from leadkeeper.jobs import limits
from leadkeeper.knowledge import documents
from leadkeeper.store import settings_rows
from leadkeeper.store.schema import (
    buckets,
    channel_accounts,
    contacts,
    conversations,
    decisions,
    dry_run_items,
    expiries,
    identities,
    inbound_events,
    job_errors,
    jobs,
    leads,
    messages,
    receipts,
    reply_drafts,
    rule_runs,
    tasks,
    timeline,
    webhook_deliveries,
)
from leadkeeper.store.signals import signal

AT_ONCE = 500
"""Ids in one statement: both engines limit how many values a statement may carry."""


def clear(conn: Connection) -> None:
    """Delete all demo rows in one transaction; rows of real accounts, and documents somebody has edited, stay."""
    account_ids = simulated.ids(conn)
    _example(conn)
    if account_ids:
        _talk(conn, account_ids)
        _people(conn, account_ids)
        _arrivals(conn, account_ids)
    signal(conn, "*")


def present(conn: Connection) -> bool:
    """True while there is anything to clear."""
    return settings_rows.get(conn, MARK) is not None or bool(simulated.ids(conn))


def _example(conn: Connection) -> None:
    """What the mark lists: documents still as they came, settings still as they were filled."""
    mark = settings_rows.get(conn, MARK)
    if mark is None:
        return
    ours = {new.content for new in business.documents()}
    for document_id in mark["documents"]:
        try:
            untouched = documents.get(conn, document_id).content in ours
        except NotFound:
            continue
        if untouched:
            documents.delete(conn, document_id)
            _drop_jobs(conn, jobs.c.key == f"doc:{document_id}")
    for name, filled in mark["settings"].items():
        if settings_rows.get(conn, name) == filled:
            settings_rows.forget(conn, name)
    settings_rows.forget(conn, MARK)


def _talk(conn: Connection, account_ids: Sequence[int]) -> None:
    """Conversations with everything that was said, decided and done in them."""
    threads = _ids(conn, select(conversations.c.id).where(conversations.c.account_id.in_(account_ids)))
    events = select(inbound_events.c.id).where(inbound_events.c.account_id.in_(account_ids))
    said = select(messages.c.id).where(messages.c.account_id.in_(account_ids))
    of_account = [jobs.c.scope == accounts.scope(account_id) for account_id in account_ids]
    of_account += [jobs.c.key.like(f"in:{account_id}:%") for account_id in account_ids]
    names = (("eventId", events), ("messageId", said))
    _drop_jobs(conn, or_(*of_account, *(jobs.c.data[name].as_integer().in_(found) for name, found in names)))
    for some in _parts(threads):
        _drop_jobs(conn, jobs.c.key.in_([f"{kind}:{thread}" for thread in some for kind in ("reply", "out")]))
        _delete(conn, buckets, buckets.c.name.in_([limits.pair(thread) for thread in some]))
        _delete(conn, receipts, receipts.c.message_id.in_(select(messages.c.id).where(messages.c.conversation_id.in_(some))))
        for table in (decisions, tasks, timeline, reply_drafts, rule_runs, dry_run_items):
            _delete(conn, table, table.c.conversation_id.in_(some))
    _delete(conn, receipts, receipts.c.account_id.in_(account_ids))
    _delete(conn, buckets, buckets.c.name.in_([name for each in account_ids for name in limits.of_account(each)]))
    for table in (decisions, rule_runs):
        _delete(conn, table, table.c.event_id.in_(events))
    _delete(conn, messages, messages.c.account_id.in_(account_ids))
    _delete(conn, conversations, conversations.c.account_id.in_(account_ids))


def _people(conn: Connection, account_ids: Sequence[int]) -> None:
    """Contacts known by nothing but these accounts, with their leads; others lose only the invented identity."""
    here = select(identities.c.contact_id).where(identities.c.account_id.in_(account_ids))
    elsewhere = select(identities.c.contact_id).where(identities.c.account_id.not_in(account_ids))
    talked = select(conversations.c.contact_id)
    doomed = _ids(
        conn, select(contacts.c.id).where(contacts.c.id.in_(here), contacts.c.id.not_in(elsewhere), contacts.c.id.not_in(talked))
    )
    _delete(conn, identities, identities.c.account_id.in_(account_ids))
    for some in _parts(doomed):
        theirs = select(leads.c.id).where(leads.c.contact_id.in_(some))
        for table in (expiries, tasks, timeline, rule_runs, dry_run_items):
            _delete(conn, table, table.c.lead_id.in_(theirs))
        _delete(conn, leads, leads.c.contact_id.in_(some))
        _delete(conn, contacts, contacts.c.id.in_(some))


def _arrivals(conn: Connection, account_ids: Sequence[int]) -> None:
    """Events, raw deliveries and the accounts themselves."""
    own = inbound_events.c.account_id.in_(account_ids)
    brought = _ids(conn, select(inbound_events.c.delivery_id).where(own, inbound_events.c.delivery_id.is_not(None)).distinct())
    _delete(conn, inbound_events, own)
    for some in _parts(brought):
        _delete(conn, webhook_deliveries, webhook_deliveries.c.id.in_(some))
    numbers = conn.execute(select(channel_accounts.c.external_id).where(channel_accounts.c.id.in_(account_ids))).scalars().all()
    for number in numbers:
        _statuses(conn, number)
    _delete(conn, channel_accounts, channel_accounts.c.id.in_(account_ids))


def _statuses(conn: Connection, number: str) -> None:
    """Raw deliveries that held only receipts name the account nowhere but in their bytes."""
    needle = number.encode()
    body = webhook_deliveries.c.body
    inside = (
        func.instr(body, literal(needle)) if conn.dialect.name == "sqlite" else func.strpos(func.encode(body, "escape"), number)
    )
    holds = _ids(
        conn,
        select(webhook_deliveries.c.id).where(
            webhook_deliveries.c.channel == "whatsapp", webhook_deliveries.c.events == 0, inside > 0
        ),
    )
    for some in _parts(holds):
        _drop_jobs(conn, jobs.c.data["deliveryId"].as_integer().in_(some))
        _delete(conn, webhook_deliveries, webhook_deliveries.c.id.in_(some))


def _drop_jobs(conn: Connection, condition: ColumnElement[bool]) -> None:
    """Jobs of any state: a result that comes in later finds no row and is dropped by the fence."""
    for some in _parts(_ids(conn, select(jobs.c.id).where(condition))):
        _delete(conn, job_errors, job_errors.c.job_id.in_(some))
        _delete(conn, jobs, jobs.c.id.in_(some))


def _ids(conn: Connection, query: object) -> list[int]:
    return [int(found) for found in conn.execute(query).scalars()]  # type: ignore[call-overload]


def _parts(found: Sequence[int]) -> Iterator[Sequence[int]]:
    return (found[start : start + AT_ONCE] for start in range(0, len(found), AT_ONCE))


def _delete(conn: Connection, table: Table, condition: ColumnElement[bool]) -> None:
    conn.execute(delete(table).where(condition))
