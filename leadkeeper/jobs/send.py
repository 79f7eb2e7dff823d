"""Send one outbound message through its channel, never twice. The only caller of `Channel.send`.

Intent is committed before the socket opens; what happened is committed after. A message found in
`sending` whose own job comes back lost its worker in between: its outcome is unknown, and nothing
here repeats it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from leadkeeper import clock
from leadkeeper.channels.base import Accepted, Intent, Refused, Rejected, SendResult, Unknown, channels
from leadkeeper.crm import accounts, contacts, conversations, messages, outbox, receipts, templates
from leadkeeper.jobs import delivery
from leadkeeper.jobs.context import JobContext
from leadkeeper.jobs.guarding import guard
from leadkeeper.jobs.hand_over import hand_over
from leadkeeper.queue.fence import hold
from leadkeeper.queue.handlers import job
from leadkeeper.queue.outcomes import Cancel, Done, Fail, Outcome, Retry, Snooze
from leadkeeper.rules.guards import Block
from leadkeeper.store.prepared import Row

CALL_SHARE = 0.55
"""Time-out of one provider call, as a share of the lease: a lease renewed every third always has it left."""
LONGEST_CALL = timedelta(seconds=20)
BEHIND_DOUBT = timedelta(seconds=30)
"""A message waits at most this long for the one before it whose outcome is unknown."""
UNTIL_HUMAN = timedelta(minutes=10)
"""Without a word from the provider a send in doubt becomes a person's business after this."""
TEMPLATE_STOPPED = {"132015": "paused", "132016": "disabled"}
"""Error codes that say the provider has stopped a template: every rule that uses it has to wait."""
KEEPS_PLACE = timedelta(seconds=30)
"""A send that must wait longer for a guard gives up its place in the conversation."""


@job("send", retries=3, deadline=timedelta(seconds=60), when_failed=delivery.give_up)
async def send(ctx: JobContext, message_id: int, timer: bool = False) -> Outcome:
    """Guards again, intent committed, one call, its end recorded."""
    intent = await ctx.db.write(begin, ctx, message_id, timer)
    if not isinstance(intent, Intent):
        return intent
    channel = channels.get(intent.account.channel)
    result = await channel.send(ctx.http, intent, lambda: ctx.still_ours(intent.timeout.total_seconds()))
    return outcome_of(ctx, intent, result)


def begin(conn: Connection, ctx: JobContext, message_id: int, timer: bool) -> Intent | Outcome:
    """Everything that must be true immediately before the call, committed with the intent.

    The conversation is held first, as by everybody who hands it over or takes it: whatever is cancelled
    and reopened here is not missed by a hand-over beside us. Raises ClaimLost when this worker no
    longer owns the job.
    """
    conversation = conversations.get(conn, messages.get(conn, message_id).conversation_id, lock=True)
    hold(conn, ctx.job)
    message = messages.get(conn, message_id, lock=True)
    if message.state == "sending":
        return _found_sending(conn, ctx, message)
    if message.state == "unknown":
        return _look_at_doubt(conn, message)
    if message.state != "ready":
        return Cancel(f"the message is {message.state}")
    if timer:
        return Done(then=partial(outbox.queue_send, message_id=message_id))
    account = accounts.load(conn, ctx.box, message.account_id)
    waits = _must_wait(conn, ctx, message, account)
    if waits is not None:
        return waits
    token = messages.begin_attempt(conn, message_id, ctx.job.id)
    if token is None:
        return Cancel("somebody else changed the message")
    return Intent(
        message_id=message_id,
        token=token,
        account=account,
        address=conversation.address,
        kind=message.kind,
        text=message.body,
        template=message.template if message.kind == "template" else None,
        media=message.media,
        reply_to=message.reply_to,
        timeout=min(LONGEST_CALL, timedelta(seconds=ctx.base.lease_seconds * CALL_SHARE)),
    )


def outcome_of(ctx: JobContext, intent: Intent, result: SendResult) -> Outcome:
    """What a provider's answer means for the job and for the message."""
    match result:
        case Accepted(provider_id=provider_id):
            return Done(then=partial(record_accepted, message_id=intent.message_id, provider_id=provider_id))
        case Unknown(reason=reason):
            return Done(then=partial(record_unknown, message_id=intent.message_id, reason=reason))
        case Refused() as refused:
            return _refused(intent, refused)
        case Rejected() as rejected:
            return _rejected(ctx, intent, rejected)


def record_accepted(conn: Connection, message_id: int, provider_id: str) -> None:
    """The provider took it: name it, and apply receipts that came before our answer did."""
    messages.accepted(conn, message_id, provider_id)
    delivery.reached(conn, message_id)
    settle(conn, message_id)


def record_unknown(conn: Connection, message_id: int, reason: str) -> None:
    """No clear answer: a receipt settles it, or a person after ten minutes."""
    if messages.in_doubt(conn, message_id, reason[:200]):
        outbox.look_later(conn, message_id, clock.now() + UNTIL_HUMAN)
        settle(conn, message_id)


def settle(conn: Connection, message_id: int) -> None:
    """Apply what the provider has said of a message; a definite failure reopens what it had answered."""
    before = receipts.claim_parked(conn, message_id)
    if receipts.apply(conn, message_id) is not None:
        delivery.not_delivered(conn, message_id)
    elif before.state in messages.IN_DOUBT and messages.get(conn, message_id).state in messages.RANK:
        delivery.reached(conn, message_id)


def _found_sending(conn: Connection, ctx: JobContext, message: Row) -> Outcome:
    if message.send_job_id != ctx.job.id:
        return Cancel("another job is sending it")
    record_unknown(conn, message.id, "the worker died while sending it")
    return Done()


def _look_at_doubt(conn: Connection, message: Row) -> Outcome:
    due = message.state_at + UNTIL_HUMAN
    if clock.now() < due:
        return Snooze(due, "its outcome is unknown")
    messages.needs_human(conn, message.id)
    delivery.ask_person(conn, message.id)
    return Done()


def _must_wait(conn: Connection, ctx: JobContext, message: Row, account: accounts.Account) -> Outcome | None:
    """Why the message does not go now: stale, guarded, behind one in doubt, or its account is halted."""
    block = guard(conn, ctx, message.conversation_id, message.purpose, clock.now(), message)
    if block is not None:
        return _blocked(conn, ctx, message, block)
    if account.state == "off":
        return _blocked(conn, ctx, message, Block("account_off", "hand_over"))
    if account.state == "halted":
        return Snooze(clock.FAR, account_halted(account))
    doubt = messages.previous_in_doubt(conn, message.id, message.conversation_id)
    if doubt is not None and doubt + BEHIND_DOUBT > clock.now():
        return Snooze(doubt + BEHIND_DOUBT, "the message before it is in doubt")
    return None


def _blocked(conn: Connection, ctx: JobContext, message: Row, block: Block) -> Outcome:
    """What a guard makes of a message: drafted anew, put off, or cancelled with the guard as its reason."""
    if block.action == "stale":
        return delivery.redraft(conn, message)
    if block.action == "defer" and block.until is not None:
        return _deferred(conn, message, block.until, block.guard)
    messages.cancel(conn, message.id, block.guard)
    if delivery.blocked(conn, message, block.guard):
        hand_over(conn, ctx, message.conversation_id, block.guard)
    return Cancel(block.guard)


def account_halted(account: accounts.Account) -> str:
    """Why a send on a halted account waits."""
    return f"the account {account.name} is halted"


def _deferred(conn: Connection, message: Row, until: datetime, reason: str) -> Outcome:
    """Wait for a guard: short waits keep the place, long ones and proactive messages give it up."""
    if message.purpose != "proactive" and until - clock.now() <= KEEPS_PLACE:
        return Snooze(until, reason)
    outbox.look_later(conn, message.id, until)
    return Done()


def _refused(intent: Intent, refused: Refused) -> Outcome:
    """Known unsent: the message is ready again and waits for its next try."""
    then: Callable[[Connection], object] = partial(
        _record_refused, message_id=intent.message_id, reason=refused.reason[:200], code=refused.code
    )
    if refused.counts:
        return Retry(refused.reason, after=refused.after, then=then)
    return Snooze(clock.now() + (refused.after or timedelta(seconds=5)), refused.reason, then=then)


def _record_refused(conn: Connection, message_id: int, reason: str, code: str | None) -> None:
    messages.back_to_ready(conn, message_id, reason, code)


def _rejected(ctx: JobContext, intent: Intent, rejected: Rejected) -> Outcome:
    """The provider will never take it: as its action says."""
    message_id = intent.message_id
    if rejected.action == "halt":
        reason = f"{rejected.code}: {rejected.reason}"
        return Snooze(clock.FAR, reason, then=partial(_halt, message_id=message_id, account_id=intent.account.id, reason=reason))
    return Fail(f"{rejected.code}: {rejected.reason}", then=partial(_record_rejected, message_id=message_id, rejected=rejected))


def _halt(conn: Connection, message_id: int, account_id: int, reason: str) -> None:
    messages.back_to_ready(conn, message_id, reason[:200])
    accounts.halt(conn, account_id, reason)


def _record_rejected(conn: Connection, message_id: int, rejected: Rejected) -> None:
    messages.failed(conn, message_id, rejected.code, rejected.reason[:200])
    message = messages.get(conn, message_id)
    accounts.note_error(conn, message.account_id, f"{rejected.code}: {rejected.reason}")
    if rejected.action == "opt_out":
        conversation = conversations.get(conn, message.conversation_id)
        contacts.opt_out(conn, conversation.contact_id, "provider")
    if rejected.code in TEMPLATE_STOPPED and message.template:
        channel = accounts.channel_of(conn, message.account_id)
        templates.set_status(conn, channel, str(message.template.get("name")), TEMPLATE_STOPPED[rejected.code])
    if rejected.action == "template" and delivery.send_template_instead(conn, message):
        return
    delivery.not_delivered(conn, message_id)
