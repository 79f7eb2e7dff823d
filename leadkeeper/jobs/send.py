"""Send one outbound message through its channel, never twice. The only caller of `Channel.send`.

Intent is committed before the socket opens (`intent`); what happened is committed after (`record`). A
message found in `sending` whose own job comes back lost its worker in between: its outcome is unknown,
and nothing here repeats it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from random import Random

from sqlalchemy import Connection

from leadkeeper import clock
from leadkeeper.channels.base import Accepted, Intent, Refused, Rejected, SendResult, Unknown, channels
from leadkeeper.crashpoints import point
from leadkeeper.crm import accounts, messages, outages, outbox
from leadkeeper.jobs import delivery, limits, refusals
from leadkeeper.jobs.context import JobContext
from leadkeeper.jobs.intent import Begin, begin
from leadkeeper.jobs.record import Taken, record_accepted, record_unknown
from leadkeeper.queue.handlers import job
from leadkeeper.queue.outcomes import Done, Fail, Outcome, Retry, Snooze, Together
from leadkeeper.queue.retry import backoff
from leadkeeper.store.calls import Turn

RANDOM = Random()
SHORT = timedelta(seconds=5)
"""The wait after a refusal that names none and uses no try."""


@job("send", retries=3, deadline=timedelta(seconds=60), when_failed=delivery.give_up)
async def send(ctx: JobContext, message_id: int, timer: bool = False, tries: int = 0) -> Outcome:
    """Guards again, intent committed, one call, its end recorded.

    `timer`: no more than a look whether it is due; `tries`: those a proactive message has used in jobs before.
    """
    intent = await ctx.db.write_batch(begin, Begin(ctx, message_id, timer, tries), Turn.REST)
    point("intent.committed")
    if not isinstance(intent, Intent):
        return intent
    channel = channels.get(intent.account.channel)
    result = await channel.send(ctx.http, intent, lambda: ctx.still_ours(intent.timeout.total_seconds()))
    point("call.answered")
    return outcome_of(ctx, intent, result, tries)


def outcome_of(ctx: JobContext, intent: Intent, result: SendResult, tries: int = 0) -> Outcome:
    """What a provider's answer means for the job and for the message."""
    match result:
        case Accepted(provider_id=provider_id):
            return Done(then=Together(record_accepted, Taken(intent.message_id, provider_id)))
        case Unknown(reason=reason):
            return Done(then=partial(_record_doubt, intent=intent, reason=reason))
        case Refused() as refused:
            return _refused(ctx, intent, refused, tries)
        case rejected:
            return _rejected(intent, rejected)


def _refused(ctx: JobContext, intent: Intent, refused: Refused, tries: int) -> Outcome:
    """Known unsent: the message is ready again and waits for its next try."""
    until = clock.now() + (refused.after or SHORT)
    then = partial(_record_refused, intent=intent, refused=refused, until=until)
    if intent.purpose == "proactive":
        return _refused_apart(ctx, intent, refused, tries)
    if _uses_a_try(intent, refused):
        return Retry(refused.reason, after=refused.after, then=then)
    return Snooze(until, refused.reason, then=then)


def _uses_a_try(intent: Intent, refused: Refused) -> bool:
    """A trial that did not even reach its provider says nothing about its message, however long the outage lasts."""
    circuit = intent.account.circuit
    trial = circuit is not None and circuit.is_open
    return refused.counts and not (trial and refused.code is None)


def _refused_apart(ctx: JobContext, intent: Intent, refused: Refused, tries: int) -> Outcome:
    """The same for a proactive message: it gives up its place, and its tries are counted from job to job."""
    counts = _uses_a_try(intent, refused)
    used = tries + counts
    wait = refused.after or (backoff(used, RANDOM, timedelta(seconds=ctx.base.backoff_seconds)) if counts else SHORT)
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
    limits.told(conn, intent, refused.scope, until)
    if refused.scope in ("account", "proactive"):
        accounts.rest(conn, intent.account.id, until, proactive=refused.scope == "proactive")
        accounts.note_error(conn, intent.account.id, f"{refused.code}: {refused.reason}")
    if refused.down:
        outages.failed(conn, intent.account.id, intent.message_id, refused.reason)
    elif refused.code is not None:
        outages.answered(conn, intent.account.id)


def _record_doubt(conn: Connection, intent: Intent, reason: str) -> None:
    record_unknown(conn, intent.message_id, reason)
    outages.failed(conn, intent.account.id, intent.message_id, reason)


def _rejected(intent: Intent, rejected: Rejected) -> Outcome:
    """The provider will never take it: as its action says."""
    if rejected.action == "halt":
        reason = f"{rejected.code}: {rejected.reason}"
        return Snooze(clock.FAR, reason, then=partial(_halt, intent=intent, rejected=rejected, reason=reason))
    return Fail(f"{rejected.code}: {rejected.reason}", then=partial(_record_rejected, intent=intent, rejected=rejected))


def _halt(conn: Connection, intent: Intent, rejected: Rejected, reason: str) -> None:
    messages.back_to_ready(conn, intent.message_id, reason[:200])
    accounts.halt(conn, intent.account.id, reason)
    _note_answer(conn, intent, rejected)


def _record_rejected(conn: Connection, intent: Intent, rejected: Rejected) -> None:
    reason = rejected.reason[:200]
    messages.failed(conn, intent.message_id, rejected.code, reason)
    point("record.rejected")
    refusals.rejected(conn, intent.message_id, rejected.code, reason)
    _note_answer(conn, intent, rejected)


def _note_answer(conn: Connection, intent: Intent, rejected: Rejected) -> None:
    if rejected.asked:
        outages.answered(conn, intent.account.id)
