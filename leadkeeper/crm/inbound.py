"""The door: what a provider delivered is stored together with its jobs, before anybody says 200."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, bindparam, or_, select, update

from leadkeeper import clock
from leadkeeper.crashpoints import point
from leadkeeper.errors import NotFound
from leadkeeper.queue.enqueue import enqueue_all
from leadkeeper.queue.jobs import Job, Lane
from leadkeeper.store.given import IDS
from leadkeeper.store.prepared import Prepared, Row, among
from leadkeeper.store.schema import CHANGES, channel_accounts, inbound_events, webhook_deliveries
from leadkeeper.store.signals import signal
from leadkeeper.store.types import Instant
from leadkeeper.store.upsert import insert_all, insert_once

NOTED_EVERY = timedelta(seconds=1)
"""How often an account's last inbound message is written down."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One event of a delivery, routed to our account."""

    account_id: int
    external_id: str
    kind: str
    sender: str
    payload: Mapping[str, Any]
    occurred_at: datetime | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request of a provider: its raw body and what it holds.

    `statuses` counts those of `signers`, the accounts whose secret signed it: of no other account is it believed.
    """

    channel: str
    body: bytes
    arrivals: Sequence[Arrival] = ()
    statuses: int = 0
    signers: Sequence[int] = ()
    unrouted: str | None = None
    note: str | None = None


def accept(conn: Connection, deliveries: Sequence[Delivery]) -> list[list[int]]:
    """Store deliveries, their new events and their jobs; returns the ids of each delivery's new events.

    (account, external id) is unique: providers deliver again for days, and a repeat is no error.
    """
    now = clock.now()
    ids = _store(conn, deliveries, now)
    point("ingest.delivery_stored")
    new = _events(
        conn, [(ids[place], arrival) for place, delivery in enumerate(deliveries) for arrival in delivery.arrivals], now
    )
    point("ingest.events_stored")
    jobs = [
        Job("inbound_message", {"eventId": row.id}, key=in_key(row.account_id, row.sender), priority=Lane.INBOUND) for row in new
    ]
    jobs += [
        Job("statuses", {"deliveryId": ids[place], "accounts": list(delivery.signers)}, priority=Lane.INBOUND)
        for place, delivery in enumerate(deliveries)
        if delivery.statuses
    ]
    enqueue_all(conn, jobs)
    point("ingest.jobs_enqueued")
    _note_inbound(conn, {row.account_id for row in new}, now)
    if any(delivery.unrouted for delivery in deliveries):
        signal(conn, "channels")
    by_delivery: dict[int, list[int]] = {delivery_id: [] for delivery_id in ids}
    for row in new:
        by_delivery[row.delivery_id].append(int(row.id))
    return [by_delivery[delivery_id] for delivery_id in ids]


def events_of(conn: Connection, event_ids: Sequence[int]) -> dict[int, Row]:
    """Events by id, each with its account's channel. Raises NotFound."""
    found = {row.id: row for row in _EVENTS.all(conn, **IDS.values(conn.dialect.name, [(each,) for each in event_ids]))}
    missing = set(event_ids).difference(found)
    if missing:
        raise NotFound(f"there is no inbound event {min(missing)}")
    return found


def changes_before(conn: Connection, later: Row) -> list[Row]:
    """The edits and deletions by the same sender that came before this event, oldest first."""
    return _CHANGES_BEFORE.all(conn, account=later.account_id, sender=later.sender, event=later.id)


def deliveries(conn: Connection, delivery_ids: Sequence[int]) -> dict[int, Row]:
    """Deliveries by id, each with its raw body. Raises NotFound."""
    given = IDS.values(conn.dialect.name, [(each,) for each in delivery_ids])
    found = {row.id: row for row in _DELIVERIES.all(conn, **given)}
    missing = set(delivery_ids).difference(found)
    if missing:
        raise NotFound(f"there is no delivery {min(missing)}")
    return found


def in_key(account_id: int, sender: str) -> str:
    """The order key of what one sender writes."""
    return f"in:{account_id}:{sender}"[:200]


def _store(conn: Connection, deliveries: Sequence[Delivery], now: datetime) -> list[int]:
    rows = [
        {
            "channel": delivery.channel,
            "body": delivery.body,
            "events": len(delivery.arrivals),
            "statuses": delivery.statuses,
            "unrouted": delivery.unrouted,
            "note": delivery.note,
            "received_at": now,
        }
        for delivery in deliveries
    ]
    return sorted(int(new.id) for new in insert_all(conn, webhook_deliveries, rows, webhook_deliveries.c.id))


def _events(conn: Connection, arrivals: Sequence[tuple[int, Arrival]], now: datetime) -> list[Row]:
    """Insert new events in order of arrival; ids grow in that order."""
    rows = [
        {
            "account_id": arrival.account_id,
            "external_id": arrival.external_id[:300],
            "delivery_id": delivery_id,
            "kind": arrival.kind,
            "sender": arrival.sender[:180],
            "payload": dict(arrival.payload),
            "occurred_at": min(arrival.occurred_at or now, now),
            "received_at": now,
        }
        for delivery_id, arrival in arrivals
    ]
    columns = (inbound_events.c.id, inbound_events.c.account_id, inbound_events.c.sender, inbound_events.c.delivery_id)
    return sorted(insert_once(conn, inbound_events, rows, *columns), key=lambda row: row.id)


def _note_inbound(conn: Connection, accounts: set[int], now: datetime) -> None:
    """Once a second is enough for a card, and two web processes then do not wait for each other's commit."""
    for account_id in sorted(accounts):
        _NOTE_INBOUND.run(conn, account=account_id, now=now, before=now - NOTED_EVERY)


def _of_ids(dialect: str) -> Select[Any]:
    ids = IDS.table(dialect)
    rows = select(inbound_events, channel_accounts.c.channel, channel_accounts.c.name.label("account_name"))
    return rows.join(channel_accounts, channel_accounts.c.id == inbound_events.c.account_id).where(
        inbound_events.c.id == ids.c.id
    )


def _deliveries(dialect: str) -> Select[Any]:
    ids = IDS.table(dialect)
    rows = select(webhook_deliveries.c.id, webhook_deliveries.c.channel, webhook_deliveries.c.body)
    return rows.where(webhook_deliveries.c.id == ids.c.id)


_EVENTS = Prepared(_of_ids)
_DELIVERIES = Prepared(_deliveries)
_CHANGES_BEFORE = Prepared(
    select(inbound_events)
    .where(inbound_events.c.account_id == bindparam("account"), inbound_events.c.sender == bindparam("sender"))
    .where(among(inbound_events.c.kind, CHANGES), inbound_events.c.id < bindparam("event"))
    .order_by(inbound_events.c.id)
)
_last_at = channel_accounts.c.last_inbound_at
_NOTE_INBOUND = Prepared(
    update(channel_accounts)
    .where(channel_accounts.c.id == bindparam("account"), or_(_last_at.is_(None), _last_at < bindparam("before", type_=Instant)))
    .values(last_inbound_at=bindparam("now", type_=Instant))
)
