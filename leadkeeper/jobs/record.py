"""Recording what became of a message that was given to its provider."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from leadkeeper import clock
from leadkeeper.crashpoints import point
from leadkeeper.crm import messages, outages, outbox, receipts, tasks, waiting
from leadkeeper.jobs import delivery, refusals
from leadkeeper.store.prepared import Row

UNTIL_HUMAN = timedelta(minutes=10)
"""Without a word from the provider a send in doubt becomes a person's business after this."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A message its provider has accepted, and the name it gave it."""

    message_id: int
    provider_id: str


def record_accepted(conn: Connection, taken: Sequence[Taken]) -> None:
    """The provider took them: name them, and apply receipts that came before our answer did."""
    moved = messages.accept_all(conn, [(each.message_id, each.provider_id) for each in taken])
    point("record.accepted")
    for account_id in sorted({row.account_id for row in moved if row.troubled}):
        outages.answered(conn, account_id)
    waiting.answered(conn, [(row.conversation_id, row.id) for row in moved if delivery.ends_the_wait(row)])
    receipts.claim_parked(conn, moved)
    point("record.receipts_claimed")
    _apply(conn, moved)


def record_unknown(conn: Connection, message_id: int, reason: str) -> None:
    """No clear answer: a receipt settles it, or a person after ten minutes."""
    messages.in_doubt(conn, message_id, reason[:200])
    point("record.in_doubt")
    outbox.look_later(conn, message_id, clock.now() + UNTIL_HUMAN)
    point("record.timer_set")
    settle(conn, [message_id])


def settle(conn: Connection, message_ids: Collection[int]) -> None:
    """Apply what the provider has said of messages; a failure told late leads to the same as one told at once."""
    every = list(messages.of_ids(conn, message_ids).values())
    receipts.claim_parked(conn, every)
    point("record.receipts_claimed")
    _apply(conn, every)


def _apply(conn: Connection, every: Sequence[Row]) -> None:
    """Messages, as they were before, to what their receipts say."""
    if not every:
        return
    refused = receipts.apply(conn, [before.id for before in every])
    for before in every:
        if before.id in refused or before.state in messages.IN_DOUBT:
            _follow(conn, before, refused.get(before.id))


def _follow(conn: Connection, before: Row, refused: Row | None) -> None:
    """What else is to be done for one that failed, or that was in doubt."""
    if refused is not None:
        refusals.rejected(conn, before.id, refused.error_code, refused.error or "the provider could not deliver it")
    if before.state not in messages.IN_DOUBT:
        return
    message = messages.get(conn, before.id)
    if refused is None and message.state in messages.RANK:
        delivery.reached(conn, message)
    if before.state == "needs_human" and message.state != "needs_human":
        tasks.settle(conn, delivery.doubt(before.id), None)
