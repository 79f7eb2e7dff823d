"""What deliveries say became of our messages: kept once each, and applied. Many at once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from leadkeeper.channels.base import Status, channels
from leadkeeper.crashpoints import point
from leadkeeper.crm import accounts, inbound, receipts
from leadkeeper.crm.receipts import Receipt
from leadkeeper.jobs.context import JobContext
from leadkeeper.jobs.record import settle
from leadkeeper.queue.handlers import job
from leadkeeper.queue.outcomes import Done, Outcome


@dataclass(frozen=True, slots=True)
class Told:
    """A stored delivery, and the accounts whose secret signed it: of no other is it believed."""

    delivery_id: int
    signers: Sequence[int]


def apply_all(conn: Connection, told: Sequence[Told]) -> list[Outcome]:
    """Apply every status of stored deliveries; those of accounts that did not sign theirs stay with it."""
    deliveries = inbound.deliveries(conn, [each.delivery_id for each in told])
    said: list[tuple[str, Status, Sequence[int]]] = []
    for each in told:
        delivery = deliveries[each.delivery_id]
        received = channels.get(delivery.channel).receive(json.loads(delivery.body))
        said += [(delivery.channel, status, each.signers) for status in received.statuses]
    point("statuses.read")
    known = _accounts(conn, said)
    believed = [
        _receipt(account_id, status)
        for channel, status, signers in said
        if (account_id := known[channel, status.account]) in signers and account_id is not None
    ]
    found = receipts.keep(conn, believed) if believed else []
    point("statuses.kept")
    settle(conn, {message_id for message_id in found if message_id is not None})
    point("statuses.settled")
    return [Done()] * len(told)


@job(
    "statuses",
    at_once=True,
    together=lambda conn, jobs: apply_all(conn, [Told(data["delivery_id"], data["accounts"]) for _, data in jobs]),
)
def statuses(conn: Connection, ctx: JobContext, delivery_id: int, accounts: list[int]) -> Outcome:
    """One delivery alone."""
    return apply_all(conn, [Told(delivery_id, accounts)])[0]


def _accounts(conn: Connection, said: Sequence[tuple[str, Status, Sequence[int]]]) -> dict[tuple[str, str], int | None]:
    """Our account of each (channel, the provider's name for it), each looked up once."""
    names = {(channel, status.account) for channel, status, _ in said}
    return {(channel, name): accounts.find(conn, channel, name) for channel, name in sorted(names)}


def _receipt(account_id: int, status: Status) -> Receipt:
    told = (status.token, status.occurred_at, status.error_code, status.error)
    return Receipt(account_id, status.external_id, status.status, *told)
