"""What a person does in a conversation: speak, settle a send in doubt, try a refused one again.

Each is one transaction: the machine falls silent, open decisions become the person's, and what is
to be sent is enqueued with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from leadkeeper import clock
from leadkeeper.channels.base import channels
from leadkeeper.config import Settings
from leadkeeper.crm import composing, contacts, conversations, doubts, messages, opting, outbox, tasks, timeline, waiting
from leadkeeper.errors import Conflict, Invalid
from leadkeeper.jobs import delivery
from leadkeeper.jobs.guarding import reaches
from leadkeeper.rules.facts import Facts
from leadkeeper.rules.gather import Ask, gather
from leadkeeper.rules.guards import Outgoing, check
from leadkeeper.store.prepared import Row


class WindowClosed(Invalid):
    """Free text may not be sent now; the channel takes an approved template."""

    code = "window_closed"

    def __init__(self, hours: float | None) -> None:
        super().__init__("The customer wrote more than 24 hours ago: only an approved template may be sent now.")
        self.hours_since_last_inbound = hours


class InDoubt(Conflict):
    """Nobody knows whether the message arrived: that is settled first."""

    code = "in_doubt"

    def __init__(self, message_id: int) -> None:
        super().__init__("Nobody knows whether this message arrived. Settle that first: it arrived, or resend.")
        self.message_id = message_id


@dataclass(frozen=True, slots=True)
class Said:
    """What a person wants to send: a text, a template or a medium by its address.

    `client_id` makes it once: the same id again changes nothing. `override` is the person's reason
    to write to somebody who opted out.
    """

    text: str = ""
    template: Mapping[str, Any] | None = None
    media: Mapping[str, Any] | None = None
    client_id: str = ""
    override: str = ""

    @property
    def kind(self) -> str:
        """The message kind."""
        if self.template:
            return "template"
        return str(self.media["type"]) if self.media else "text"


def say(conn: Connection, settings: Settings, conversation_id: int, user_id: int, said: Said) -> int:
    """Send as a person; returns the message's id. Raises Invalid, WindowClosed or Conflict with what to do."""
    conversation = conversations.get(conn, conversation_id, lock=True)
    cause = f"client:{conversation_id}:{said.client_id}"[:200] if said.client_id else f"person:{conversation_id}:{_now()}"
    before = composing.by_cause(conn, cause)
    if before is not None:
        return before
    if not said.text.strip() and not said.template and not said.media:
        raise Invalid("There is nothing to send.", {"text": "write something"})
    facts = gather(conn, Ask(conversation_id), clock.now(), settings, reach=reaches())
    _check(conn, conversation, facts, said)
    conversations.person_spoke(conn, conversation_id, user_id)
    draft = composing.Draft(
        conversation_id=conversation_id,
        author="person",
        purpose="person",
        body=said.text.strip(),
        kind=said.kind,
        template=said.template,
        media=said.media,
        cause=cause,
        user_id=user_id,
    )
    message_id = outbox.write(conn, draft)
    if message_id is None:
        raise Conflict("This message is being sent already.")
    if said.override:
        timeline.add(conn, "override", conversation_id=conversation_id, user_id=user_id, reason=said.override, message=message_id)
    return message_id


def it_arrived(conn: Connection, message_id: int, user_id: int) -> None:
    """A person saw that a send in doubt arrived. Raises Conflict when it is not in doubt."""
    message = messages.get(conn, message_id, lock=True)
    if message.state not in messages.IN_DOUBT or not messages.accepted(conn, message_id, None):
        raise Conflict(f"This message is not in doubt: it is {message.state}.")
    delivery.reached(conn, message)
    _settled(conn, message, user_id, "arrived")


def resend(conn: Connection, message_id: int, user_id: int) -> None:
    """A person saw that a send in doubt did not arrive: it goes once more. Raises Conflict when it is not in doubt."""
    message = messages.get(conn, message_id, lock=True)
    if not messages.resend(conn, message_id):
        raise Conflict(f"This message is not in doubt: it is {message.state}.")
    outbox.queue_send(conn, message_id)
    _settled(conn, message, user_id, "resent")


def take_back(conn: Connection, message_id: int, user_id: int) -> None:
    """A person takes back their word on a send in doubt: nobody knows again.

    Raises Conflict where that cannot be: something has come of it (the provider has spoken, or the message is
    with it again), or nobody has settled it.
    """
    message = messages.get(conn, message_id, lock=True)
    word = doubts.last_word(conn, message)
    if word is None:
        raise Conflict("Nobody has settled this message.")
    how, why = word
    if not messages.in_doubt_again(conn, message_id, doubts.UNDOABLE[how], why):
        raise Conflict(f"This cannot be taken back any more: the message is {message.state}.")
    if how == "arrived":
        waiting.waits_again(conn, message_id)
    if not tasks.unsettle(conn, delivery.doubt(message_id)):
        delivery.ask_person(conn, message_id)
    if not doubts.next_looks(conn, [message_id]):
        outbox.look_later(conn, message_id, clock.now() + timedelta(days=1))
    timeline.add(conn, "unsettled", conversation_id=message.conversation_id, user_id=user_id, message=message_id, how=how)


def retry(conn: Connection, message_id: int, user_id: int) -> None:
    """Try a refused message again. Raises Conflict, also for one in doubt: that is settled first."""
    ready_again(conn, message_id, user_id)
    outbox.queue_send(conn, message_id)


def ready_again(conn: Connection, message_id: int, user_id: int | None) -> None:
    """A refused message is ready once more; the caller queues its sending in the same transaction.

    It is a person's message from then on: they have decided that it goes. Raises NotFound, InDoubt
    for one of unknown outcome, Conflict for one that has not failed or whose reader wants no more.
    """
    message = messages.get(conn, message_id, lock=True)
    if message.state in messages.IN_DOUBT:
        raise InDoubt(message_id)
    conversation = conversations.get(conn, message.conversation_id)
    if contacts.get(conn, conversation.contact_id).opted_out_at is not None:
        raise Conflict("This customer asked for no more messages.")
    if not messages.retry_failed(conn, message_id):
        raise Conflict(f"This message cannot be tried again: it is {message.state}.")
    timeline.add(conn, "retried", conversation_id=message.conversation_id, user_id=user_id, message=message_id)


def note(conn: Connection, conversation_id: int, user_id: int, text: str) -> None:
    """An internal note: it can never be sent."""
    if not text.strip():
        raise Invalid("The note is empty.", {"text": "write something"})
    conversations.get(conn, conversation_id)
    timeline.add(conn, "note", conversation_id=conversation_id, user_id=user_id, text=text.strip()[:4000])


def opt_out(conn: Connection, conversation_id: int, user_id: int) -> None:
    """The customer told a person that they want no more messages: what was about to go is taken back."""
    contact_id = conversations.get(conn, conversation_id).contact_id
    if opting.opt_out(conn, contact_id, "person"):
        timeline.add(conn, "opt_out", conversation_id=conversation_id, user_id=user_id, by="person")


def opt_in(conn: Connection, conversation_id: int, user_id: int) -> None:
    """The customer told a person that messages are welcome again."""
    if contacts.opt_in(conn, conversations.get(conn, conversation_id).contact_id):
        timeline.add(conn, "opt_in", conversation_id=conversation_id, user_id=user_id, by="person")


def _check(conn: Connection, conversation: Row, facts: Facts, said: Said) -> None:
    channel = channels.get(facts.channel)
    limit = channel.capabilities.text_limit
    if len(said.text) > limit:
        raise Invalid(f"The text is longer than {limit} characters.", {"text": f"at most {limit} characters"})
    if said.template and not channel.capabilities.templates:
        raise Invalid("This channel has no templates.", {"template": "not on this channel"})
    if said.media and not channel.capabilities.media:
        raise Invalid("This channel takes no media.", {"media": "not on this channel"})
    about = Outgoing(text=said.text, template=said.template is not None, overrides_opt_out=bool(said.override))
    block = check("person", facts, facts.now, about)
    if block is None:
        return
    if block.guard == "window":
        since = facts.now - facts.last_inbound_at if facts.last_inbound_at else None
        raise WindowClosed(round(since / timedelta(hours=1), 1) if since is not None else None)
    raise Invalid("This customer asked for no more messages. Say why you write all the same.", {"override": "a reason is needed"})


def _settled(conn: Connection, message: Row, user_id: int, how: str) -> None:
    tasks.settle(conn, delivery.doubt(message.id), user_id)
    timeline.add(
        conn, "settled", conversation_id=message.conversation_id, user_id=user_id, message=message.id, how=how, why=message.reason
    )


def _now() -> int:
    return int(clock.now().timestamp() * 1_000_000)
