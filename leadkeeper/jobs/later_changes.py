"""Events that are no message: they change what was said before, or who said it. None of them is answered."""

from sqlalchemy import Connection

from leadkeeper.channels.base import Inbound
from leadkeeper.crm import accounts, amend, contacts, conversations, decisions, messages, opting, templates, timeline
from leadkeeper.jobs.context import JobContext
from leadkeeper.store.prepared import Row


def edit(conn: Connection, ctx: JobContext, event: Row, parsed: Inbound) -> None:
    """The customer changed a message: the thread shows the new text, and an answer still waiting is made anew."""
    message = _target(conn, event, parsed)
    if message is not None and message.direction == "in" and message.revoked_at is None:
        amend.edit(conn, message.id, parsed.text, event.occurred_at)
        conversations.touched(conn, message.conversation_id)
        timeline.add(conn, "edited", conversation_id=message.conversation_id, job_id=ctx.job.id, message=message.id)


def revoke(conn: Connection, ctx: JobContext, event: Row, parsed: Inbound) -> None:
    """The customer deleted a message: its text is gone, and nothing answers it."""
    message = _target(conn, event, parsed)
    if message is not None and message.direction == "in":
        amend.revoke(conn, message.id, event.occurred_at)
        if message.event_id is not None:
            decisions.close(conn, [message.event_id], "silent", "deleted_by_customer")
        conversations.touched(conn, message.conversation_id)
        timeline.add(conn, "deleted", conversation_id=message.conversation_id, job_id=ctx.job.id, message=message.id)


def react(conn: Connection, ctx: JobContext, event: Row, parsed: Inbound) -> None:
    """An emoji on a message, or its removal; no answer, and no word of the customer either."""
    message = _target(conn, event, parsed)
    if message is not None:
        amend.react(conn, message.id, parsed.reaction or None)


def move(conn: Connection, ctx: JobContext, event: Row, parsed: Inbound) -> None:
    """The customer's number or id changed: history stays with the person."""
    ids = [(identity.external_id, identity.kind) for identity in parsed.identities]
    contact_id = contacts.move_identity(conn, event.account_id, parsed.moved_from, ids)
    if contact_id is None:
        return
    if parsed.phone:
        contacts.replace_phone(conn, contact_id, parsed.phone)
    old, new = ", ".join(parsed.moved_from), ", ".join(external_id for external_id, _ in ids)
    for conversation_id in contacts.conversation_ids(conn, contact_id):
        timeline.add(conn, "moved", conversation_id=conversation_id, job_id=ctx.job.id, old=old, new=new)


def prefer(conn: Connection, ctx: JobContext, event: Row, parsed: Inbound) -> None:
    """The customer switched marketing messages off or on at the provider."""
    ids = [(identity.external_id, identity.kind) for identity in parsed.identities] or [(event.sender, "unknown")]
    contact_id = contacts.resolve(conn, event.account_id, ids)
    if parsed.details.get("marketing") == "stop":
        opting.opt_out(conn, contact_id, "provider", event.occurred_at)
    elif parsed.details.get("marketing") == "resume":
        contacts.opt_in(conn, contact_id, event.occurred_at)


def notice(conn: Connection, ctx: JobContext, event: Row, parsed: Inbound) -> None:
    """The provider speaks of the account or of a template: shown on the account's card, and believed of templates."""
    if parsed.text and not event.sender:
        accounts.note_error(conn, event.account_id, parsed.text)
    name, status = parsed.details.get("template"), parsed.details.get("templateStatus")
    if isinstance(name, str) and isinstance(status, str):
        templates.set_status(conn, event.channel, name, status)


def _target(conn: Connection, event: Row, parsed: Inbound) -> Row | None:
    return messages.by_external(conn, event.account_id, parsed.target) if parsed.target else None
