"""What a delivery says became of our messages: kept once each, and applied."""

import json
from collections.abc import Collection

from sqlalchemy import Connection

from leadkeeper.channels.base import Status, channels
from leadkeeper.crashpoints import point
from leadkeeper.crm import inbound, receipts
from leadkeeper.crm.accounts import find
from leadkeeper.jobs.context import JobContext
from leadkeeper.jobs.record import settle
from leadkeeper.queue.handlers import job
from leadkeeper.queue.outcomes import Done, Outcome


@job("statuses", at_once=True)
def statuses(conn: Connection, ctx: JobContext, delivery_id: int, accounts: list[int]) -> Outcome:
    """Apply every status of one stored delivery; those of accounts that did not sign it stay with their delivery."""
    delivery = inbound.delivery(conn, delivery_id)
    received = channels.get(delivery.channel).receive(json.loads(delivery.body))
    point("statuses.read")
    touched: dict[int, None] = {}
    for status in received.statuses:
        message_id = _keep(conn, delivery.channel, status, accounts)
        if message_id is not None:
            touched[message_id] = None
    point("statuses.kept")
    for message_id in touched:
        settle(conn, message_id)
        point("statuses.settled")
    return Done()


def _keep(conn: Connection, channel: str, status: Status, signers: Collection[int]) -> int | None:
    account_id = find(conn, channel, status.account)
    if account_id is None or account_id not in signers:
        return None
    return receipts.keep(
        conn,
        account_id,
        status.external_id,
        status.status,
        token=status.token,
        occurred_at=status.occurred_at,
        error_code=status.error_code,
        error=status.error,
    )
