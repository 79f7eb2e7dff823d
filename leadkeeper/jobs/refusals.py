"""What follows when a provider will never take a message: told by its answer, or hours later by a status.

Some refusals name another way: the rule's template where the window is closed, another language of a
template, a link where a medium is not taken, the phone number where the business-scoped id is not. That
way is a message of its own, written once, which answers in the place of the refused one.
"""

from typing import Any

from sqlalchemy import Connection

from leadkeeper.channels.base import channels
from leadkeeper.crm import accounts, composing, contacts, conversations, decisions, messages, opting, outbox, templates
from leadkeeper.jobs import delivery
from leadkeeper.rules.actions.writing import said_by
from leadkeeper.store.prepared import Row

TEMPLATE_STOPPED = {"132015": "paused", "132016": "disabled"}
"""Error codes that say the provider has stopped a template: every rule that uses it has to wait."""

_KEPT = (
    "conversation_id", "author", "purpose", "body", "kind", "template", "media", "user_id", "rule_run_id", "job_id", "draft_id",
)  # fmt: skip


def rejected(conn: Connection, message_id: int, code: str | None, reason: str) -> None:
    """A message has just failed for good: do what its code asks for (a halt, an opt-out, another way), or hand over."""
    message = messages.get(conn, message_id)
    channel = accounts.channel_of(conn, message.account_id)
    action = channels.get(channel).action_of(code)
    accounts.note_error(conn, message.account_id, f"{code}: {reason}")
    if action == "halt":
        accounts.halt(conn, message.account_id, f"{code}: {reason}")
    if action == "opt_out":
        opting.opt_out(conn, conversations.get(conn, message.conversation_id).contact_id, "provider")
    if code in TEMPLATE_STOPPED and message.template:
        templates.set_status(conn, channel, str(message.template.get("name")), TEMPLATE_STOPPED[code])
    if not goes_otherwise(conn, message, action):
        delivery.not_delivered(conn, message_id, calls=action == "hand_over")


def goes_otherwise(conn: Connection, message: Row, action: str) -> bool:
    """Write the message that goes in the place of this one; False when there is no other way."""
    if action == "template" and message.kind == "text" and message.template:
        return _instead(conn, message, "template", kind="template")
    if action == "language" and message.kind == "template" and not str(message.cause).startswith("language:"):
        other = templates.other_language(conn, accounts.channel_of(conn, message.account_id), message.template)
        if other is not None:
            changed = {**message.template, "language": other.language}
            body = said_by(other, message.template.get("parameters") or ())
            return _instead(conn, message, "language", template=changed, body=body)
    if action == "link" and message.media and message.media.get("link"):
        told = "\n".join(part for part in (message.body, str(message.media["link"])) if part)
        return _instead(conn, message, "link", kind="text", media=None, body=told)
    if action == "phone":
        number = contacts.phone_address(conn, message.conversation_id)
        if number is not None:
            conversations.readdress(conn, message.conversation_id, number)
            return _instead(conn, message, "phone")
    return False


def _instead(conn: Connection, message: Row, way: str, **changes: Any) -> bool:
    same: dict[str, Any] = {name: getattr(message, name) for name in _KEPT}
    instead = outbox.write(conn, composing.Draft(**{**same, **changes}, cause=f"{way}:{message.id}"))
    if instead is not None:
        decisions.answered_by_other(conn, message.id, instead)
    return instead is not None
