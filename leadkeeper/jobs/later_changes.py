"""Events that are no message: they change what was said before, or who said it. None of them is answered."""

from sqlalchemy import Connection

from leadkeeper.channels.base import Inbound
from leadkeeper.crm import accounts, contacts, conversations, decisions, leads, messages, opting, templates, timeline
from leadkeeper.jobs.context import JobContext
from leadkeeper.store.prepared import Row


def echo(conn: Connection, ctx: JobContext, event: Row, parsed: Inbound) -> None:
    """The business wrote from the provider's own app: a human reply, which silences the AI here."""
    if messages.by_external(conn, event.account_id, event.external_id) is not None:
        return  # one of our own, told back to us
    ids = [(identity.external_id, identity.kind) for identity in parsed.identities] or [(event.sender, "unknown")]
    contact_id = contacts.resolve(conn, event.account_id, ids)
    lead_id = leads.for_contact(conn, contact_id, event.channel)
    conversation_id, _ = conversations.open_one(
        conn, contact_id=contact_id, account_id=event.account_id, lead_id=lead_id, address=ids[0][0], language="en"
    )
    row = {
        "conversation_id": conversation_id,
        "account_id": event.account_id,
        "event_id": event.id,
        "external_id": event.external_id,
        "kind": "text" if parsed.text else "media",
        "body": parsed.text,
        "occurred_at": event.occurred_at,
    }
    if messages.record_person_echo(conn, row) is not None:
        conversations.person_spoke(conn, conversation_id, None)
        timeline.add(conn, "wrote_in_app", conversation_id=conversation_id, job_id=ctx.job.id)


def edit(conn: Connection, ctx: JobContext, event: Row, parsed: Inbound) -> None:
    """The customer changed a message: the thread shows the new text, and an answer still waiting is made anew."""
    message = _target(conn, event, parsed)
    if message is not None and message.direction == "in" and message.revoked_at is None:
        messages.edit(conn, message.id, parsed.text, event.occurred_at)
        conversations.touched(conn, message.conversation_id)
        timeline.add(conn, "edited", conversation_id=message.conversation_id, job_id=ctx.job.id, message=message.id)


def revoke(conn: Connection, ctx: JobContext, event: Row, parsed: Inbound) -> None:
    """The customer deleted a message: its text is gone, and nothing answers it."""
    message = _target(conn, event, parsed)
    if message is not None and message.direction == "in":
        messages.revoke(conn, message.id, event.occurred_at)
        if message.event_id is not None:
            decisions.close(conn, [message.event_id], "silent", "deleted_by_customer")
        conversations.touched(conn, message.conversation_id)
        timeline.add(conn, "deleted", conversation_id=message.conversation_id, job_id=ctx.job.id, message=message.id)


def react(conn: Connection, ctx: JobContext, event: Row, parsed: Inbound) -> None:
    """An emoji on a message, or its removal; no answer, and no word of the customer either."""
    message = _target(conn, event, parsed)
    if message is not None:
        messages.react(conn, message.id, parsed.reaction or None)


def move(conn: Connection, ctx: JobContext, event: Row, parsed: Inbound) -> None:
    """The customer's number or id changed: history stays with the person."""
    ids = [(identity.external_id, identity.kind) for identity in parsed.identities]
    contact_id = contacts.move_identity(conn, event.account_id, parsed.moved_from, ids)
    if contact_id is not None and parsed.phone:
        contacts.replace_phone(conn, contact_id, parsed.phone)


def prefer(conn: Connection, ctx: JobContext, event: Row, parsed: Inbound) -> None:
    """The customer switched marketing messages off or on at the provider."""
    ids = [(identity.external_id, identity.kind) for identity in parsed.identities] or [(event.sender, "unknown")]
    contact_id = contacts.resolve(conn, event.account_id, ids)
    if parsed.details.get("marketing") == "stop":
        opting.opt_out(conn, contact_id, "provider")
    elif parsed.details.get("marketing") == "resume":
        contacts.opt_in(conn, contact_id)


def notice(conn: Connection, ctx: JobContext, event: Row, parsed: Inbound) -> None:
    """The provider speaks of the account or of a template: shown on the account's card, and believed of templates."""
    if parsed.text:
        accounts.note_error(conn, event.account_id, parsed.text)
    name, status = parsed.details.get("template"), parsed.details.get("templateStatus")
    if isinstance(name, str) and isinstance(status, str):
        templates.set_status(conn, event.channel, name, status)


def _target(conn: Connection, event: Row, parsed: Inbound) -> Row | None:
    return messages.by_external(conn, event.account_id, parsed.target) if parsed.target else None
