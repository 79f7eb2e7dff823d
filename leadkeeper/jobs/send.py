"""Send one outbound message through its channel, never twice. The only caller of `Channel.send`.

Intent is committed before the socket opens; what happened is committed after. A message found in
`sending` whose own job comes back lost its worker in between: its outcome is unknown, and nothing
here repeats it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from random import Random

from sqlalchemy import Connection

from leadkeeper import clock
from leadkeeper.channels.base import Accepted, Intent, Refused, Rejected, SendResult, Unknown, channels
from leadkeeper.crashpoints import point
from leadkeeper.crm import accounts, messages, outbox, receipts, tasks
from leadkeeper.jobs import delivery, refusals
from leadkeeper.jobs.context import JobContext
from leadkeeper.jobs.guarding import guard
from leadkeeper.jobs.hand_over import hand_over
from leadkeeper.queue.fence import hold
from leadkeeper.queue.handlers import job
from leadkeeper.queue.outcomes import Cancel, Done, Fail, Outcome, Retry, Snooze
from leadkeeper.queue.retry import backoff
from leadkeeper.rules.guards import Block
from leadkeeper.store.prepared import Row

CALL_SHARE = 0.55
"""Time-out of one provider call, as a share of the lease: a lease renewed every third always has it left."""
LONGEST_CALL = timedelta(seconds=20)
BEHIND_DOUBT = timedelta(seconds=30)
"""A message waits at most this long for the one before it whose outcome is unknown."""
UNTIL_HUMAN = timedelta(minutes=10)
"""Without a word from the provider a send in doubt becomes a person's business after this."""
DAILY, LAST_LOOK = timedelta(days=1), timedelta(days=7)
"""Then it is looked at once a day, for as long as providers repeat their statuses."""
RANDOM = Random()
SHORT = timedelta(seconds=5)
"""The wait after a refusal that names none and uses no try."""


@job("send", retries=3, deadline=timedelta(seconds=60), when_failed=delivery.give_up)
async def send(ctx: JobContext, message_id: int, timer: bool = False, tries: int = 0) -> Outcome:
    """Guards again, intent committed, one call, its end recorded.

    `timer`: no more than a look whether it is due; `tries`: those a proactive message has used in jobs before.
    """
    intent = await ctx.db.write(begin, ctx, message_id, timer, tries)
    point("intent.committed")
    if not isinstance(intent, Intent):
        return intent
    channel = channels.get(intent.account.channel)
    result = await channel.send(ctx.http, intent, lambda: ctx.still_ours(intent.timeout.total_seconds()))
    point("call.answered")
    return outcome_of(ctx, intent, result, tries)


def begin(conn: Connection, ctx: JobContext, message_id: int, timer: bool = False, tries: int = 0) -> Intent | Outcome:
    """Everything that must be true immediately before the call, committed with the intent.

    The conversation is held first, as by everybody who hands it over or takes it: whatever is cancelled
    and reopened here is not missed by a hand-over beside us. Raises ClaimLost when this worker no
    longer owns the job.
    """
    conversation = outbox.conversation_of(conn, message_id)
    hold(conn, ctx.job)
    point("intent.held")
    message = outbox.to_send(conn, message_id)
    if message.state == "sending":
        return _found_sending(conn, ctx, message)
    if message.state in messages.IN_DOUBT:
        return _look_at_doubt(message) if timer else Done()  # its timer looks
    if message.state != "ready":
        return Cancel(f"the message is {message.state}")
    if timer:
        return Done(then=partial(outbox.queue_send, message_id=message_id, tries=tries))
    account = accounts.load(conn, ctx.box, message.account_id)
    waits = _must_wait(conn, ctx, message, account)
    if waits is not None:
        return waits
    point("intent.guarded")
    return Intent(
        message_id=message_id,
        token=messages.begin_attempt(conn, message_id, ctx.job.id),
        account=account,
        address=conversation.address,
        kind=message.kind,
        purpose=message.purpose,
        text=message.body,
        template=message.template if message.kind == "template" else None,
        media=message.media,
        reply_to=message.reply_to,
        timeout=min(LONGEST_CALL, timedelta(seconds=ctx.base.lease_seconds * CALL_SHARE)),
    )


def outcome_of(ctx: JobContext, intent: Intent, result: SendResult, tries: int = 0) -> Outcome:
    """What a provider's answer means for the job and for the message."""
    match result:
        case Accepted(provider_id=provider_id):
            return Done(then=partial(record_accepted, message_id=intent.message_id, provider_id=provider_id))
        case Unknown(reason=reason):
            return Done(then=partial(record_unknown, message_id=intent.message_id, reason=reason))
        case Refused() as refused:
            return _refused(ctx, intent, refused, tries)
        case rejected:
            return _rejected(intent, rejected)


def record_accepted(conn: Connection, message_id: int, provider_id: str) -> None:
    """The provider took it: name it, and apply receipts that came before our answer did."""
    messages.accepted(conn, message_id, provider_id)
    point("record.accepted")
    message = messages.get(conn, message_id)
    delivery.reached(conn, message)
    _settle(conn, message)


def record_unknown(conn: Connection, message_id: int, reason: str) -> None:
    """No clear answer: a receipt settles it, or a person after ten minutes."""
    messages.in_doubt(conn, message_id, reason[:200])
    point("record.in_doubt")
    outbox.look_later(conn, message_id, clock.now() + UNTIL_HUMAN)
    point("record.timer_set")
    settle(conn, message_id)


def settle(conn: Connection, message_id: int) -> None:
    """Apply what the provider has said of a message; a failure told late leads to the same as one told at once."""
    _settle(conn, messages.get(conn, message_id))


def _settle(conn: Connection, before: Row) -> None:
    receipts.claim_parked(conn, before)
    point("record.receipts_claimed")
    refused = receipts.apply(conn, before.id)
    if refused is not None:
        refusals.rejected(conn, before.id, refused.error_code, refused.error or "the provider could not deliver it")
    if before.state not in messages.IN_DOUBT:
        return
    message = messages.get(conn, before.id)
    if refused is None and message.state in messages.RANK:
        delivery.reached(conn, message)
    if before.state == "needs_human" and message.state != "needs_human":
        tasks.settle(conn, delivery.doubt(before.id), None)


def _found_sending(conn: Connection, ctx: JobContext, message: Row) -> Outcome:
    if message.send_job_id != ctx.job.id:
        return Cancel("another job is sending it")
    return Done(then=partial(record_unknown, message_id=message.id, reason="the worker died while sending it"))


def _look_at_doubt(message: Row) -> Outcome:
    due = message.state_at + UNTIL_HUMAN
    if message.state == "unknown" and clock.now() < due:
        return Snooze(due, "its outcome is unknown")
    return Done(then=partial(_ask_person, message_id=message.id))


def _ask_person(conn: Connection, message_id: int) -> None:
    """No word has come: a person is asked, and asked again every day while nobody settles it."""
    settle(conn, message_id)
    messages.needs_human(conn, message_id)
    message = messages.get(conn, message_id)
    if message.state != "needs_human":
        return
    now = clock.now()
    delivery.ask_person(conn, message_id, (now - message.state_at).days)
    if now - message.state_at < LAST_LOOK:
        outbox.look_later(conn, message_id, now + DAILY)


def _must_wait(conn: Connection, ctx: JobContext, message: Row, account: accounts.Account) -> Outcome | None:
    """Why the message does not go now: stale, guarded, behind one in doubt, or its account is halted."""
    block = guard(conn, ctx, message.conversation_id, message.purpose, clock.now(), message, message.answers)
    if block is not None:
        return _blocked(conn, ctx, message, block)
    if account.state == "off":
        return _blocked(conn, ctx, message, Block("account_off", "hand_over"))
    if account.state == "halted":
        return Snooze(clock.FAR, account_halted(account))
    rests = account.rests_until(proactive=message.purpose == "proactive")
    if rests is not None and rests > clock.now():
        return _put_off(conn, message, rests, "the provider asked for a pause")
    doubt = message.doubt_before
    if doubt is not None and doubt + BEHIND_DOUBT > clock.now():
        return _put_off(conn, message, doubt + BEHIND_DOUBT, "the message before it is in doubt")
    return None


def _blocked(conn: Connection, ctx: JobContext, message: Row, block: Block) -> Outcome:
    """What a guard makes of a message: drafted anew, cancelled with the guard as its reason, or put off.

    Only a rule's own message is put off by a guard: it gives up its place in the conversation meanwhile.
    """
    if block.action == "stale":
        return delivery.redraft(conn, message)
    if block.action == "defer" and block.until is not None:
        outbox.look_later(conn, message.id, block.until)
        return Done()
    messages.cancel(conn, message.id, block.guard)
    if block.guard == "window" and refusals.goes_otherwise(conn, message, "template"):
        return Cancel("window: its template goes instead")
    if message.purpose == "person":
        delivery.tell_author(conn, message, block.guard)
    if delivery.blocked(conn, message, block.guard):
        hand_over(conn, ctx, message.conversation_id, block.guard)
    return Cancel(block.guard)


def account_halted(account: accounts.Account) -> str:
    """Why a send on a halted account waits."""
    return f"the account {account.name} is halted"


def _put_off(conn: Connection, message: Row, until: datetime, reason: str) -> Outcome:
    """Wait for the provider: what answers a customer keeps its place, a proactive message holds up nobody."""
    if message.purpose != "proactive":
        return Snooze(until, reason)
    outbox.look_later(conn, message.id, until)
    return Done()


def _refused(ctx: JobContext, intent: Intent, refused: Refused, tries: int) -> Outcome:
    """Known unsent: the message is ready again and waits for its next try."""
    until = clock.now() + (refused.after or SHORT)
    then = partial(_record_refused, intent=intent, refused=refused, until=until)
    if intent.purpose == "proactive":
        return _refused_apart(ctx, intent, refused, tries)
    if refused.counts:
        return Retry(refused.reason, after=refused.after, then=then)
    return Snooze(until, refused.reason, then=then)


def _refused_apart(ctx: JobContext, intent: Intent, refused: Refused, tries: int) -> Outcome:
    """The same for a proactive message: it gives up its place, and its tries are counted from job to job."""
    used = tries + refused.counts
    wait = refused.after or (backoff(used, RANDOM, timedelta(seconds=ctx.base.backoff_seconds)) if refused.counts else SHORT)
    until = clock.now() + wait
    record: Callable[[Connection], object] = partial(_record_refused, intent=intent, refused=refused, until=until)
    if used > ctx.job.max_retries:
        return Fail(refused.reason, then=record)

    def put_off(conn: Connection) -> None:
        record(conn)
        outbox.look_later(conn, intent.message_id, until, tries=used)

    return Done(then=put_off)


def _record_refused(conn: Connection, intent: Intent, refused: Refused, until: datetime) -> None:
    """Ready again; where the limit is the account's, everything it concerns waits with it."""
    messages.back_to_ready(conn, intent.message_id, refused.reason[:200], refused.code)
    point("record.refused")
    if refused.scope != "message":
        accounts.rest(conn, intent.account.id, until, proactive=refused.scope == "proactive")
        accounts.note_error(conn, intent.account.id, f"{refused.code}: {refused.reason}")


def _rejected(intent: Intent, rejected: Rejected) -> Outcome:
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
    reason = rejected.reason[:200]
    messages.failed(conn, message_id, rejected.code, reason)
    point("record.rejected")
    refusals.rejected(conn, message_id, rejected.code, reason)
