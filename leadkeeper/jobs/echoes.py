"""What the business wrote from the provider's own app: a person's reply, which silences the machine in that conversation.

Some providers tell us back what we sent ourselves, also before they have answered the call: that is a receipt.
"""

from sqlalchemy import Connection

from leadkeeper.channels.base import Inbound, channels
from leadkeeper.crm import accounts, amend, contacts, conversations, leads, messages, receipts, timeline
from leadkeeper.crm.receipts import Receipt
from leadkeeper.jobs import fetch_media
from leadkeeper.jobs.context import JobContext
from leadkeeper.jobs.record import settle
from leadkeeper.store.prepared import Row


def echo(conn: Connection, ctx: JobContext, event: Row, parsed: Inbound) -> None:
    """A message of the business's own, or a change of one; one that we sent ourselves is only told back to us."""
    if messages.by_external(conn, event.account_id, event.external_id) is not None:
        return
    act = parsed.details.get("act")
    target = messages.by_external(conn, event.account_id, parsed.target) if act and parsed.target else None
    if act == "reaction":
        if target is not None:
            amend.react(conn, target.id, parsed.reaction or None)
    elif act and target is not None:
        _change(conn, target, event, parsed)
    elif act != "revoke":
        _speak(conn, ctx, event, parsed)


def _change(conn: Connection, target: Row, event: Row, parsed: Inbound) -> None:
    """They corrected or deleted what they had written."""
    if target.direction != "out":
        return
    if parsed.details.get("act") == "revoke":
        amend.revoke(conn, target.id, event.occurred_at)
    else:
        amend.edit(conn, target.id, parsed.text, event.occurred_at)


def _speak(conn: Connection, ctx: JobContext, event: Row, parsed: Inbound) -> None:
    ids = [(identity.external_id, identity.kind) for identity in parsed.identities] or [(event.sender, "unknown")]
    contact_id = contacts.resolve(conn, event.account_id, ids)
    ours = receipts.told_back(conn, event.account_id, contact_id, parsed.text, parsed.token, event.occurred_at)
    if ours is not None:
        receipts.keep(conn, [Receipt(event.account_id, event.external_id, "sent", ours.token, event.occurred_at)])
        settle(conn, [ours.id])
        return
    lead_id = leads.for_contact(conn, contact_id, event.channel)
    conversation_id, _ = conversations.open_one(
        conn, contact_id=contact_id, account_id=event.account_id, lead_id=lead_id, address=ids[0][0], language="en"
    )
    row = {
        "conversation_id": conversation_id,
        "account_id": event.account_id,
        "event_id": event.id,
        "external_id": event.external_id,
        "kind": str(parsed.details.get("type") or "text"),
        "body": parsed.text,
        "media": fetch_media.media_of(parsed) if parsed.media is not None else None,
        "occurred_at": event.occurred_at,
    }
    message_id = messages.record_person_echo(conn, row)
    if message_id is None:
        return
    shared = channels.get(event.channel).capabilities.a_second_shared
    if shared is not None:
        accounts.shared_with_app(conn, event.account_id, shared)
    conversations.person_spoke(conn, conversation_id, None)
    timeline.add(conn, "wrote_in_app", conversation_id=conversation_id, job_id=ctx.job.id)
    if parsed.media is not None and parsed.media.provider_id is not None:
        fetch_media.ask(conn, message_id, event.account_id)
