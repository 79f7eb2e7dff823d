"""Everything that must be true immediately before a message is given to its provider, committed with the intent.

Many sends that begin together are looked at together: the same few statements, however many they are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from leadkeeper import clock
from leadkeeper.channels.base import Intent
from leadkeeper.crashpoints import point
from leadkeeper.crm import accounts, buckets, messages, outages, outbox
from leadkeeper.jobs import delivery, limits, refusals
from leadkeeper.jobs.context import JobContext
from leadkeeper.jobs.guarding import guards_of
from leadkeeper.jobs.hand_over import hand_over
from leadkeeper.jobs.record import UNTIL_HUMAN, record_unknown, settle
from leadkeeper.queue.fence import hold
from leadkeeper.queue.outcomes import Cancel, Done, Outcome, Snooze
from leadkeeper.rules.guards import Block
from leadkeeper.store.prepared import Row

CALL_SHARE = 0.55
"""Time-out of one provider call, as a share of the lease: a lease renewed every third always has it left."""
LONGEST_CALL = timedelta(seconds=20)
BEHIND_DOUBT = timedelta(seconds=30)
"""A message waits at most this long for the one before it whose outcome is unknown."""
DAILY, LAST_LOOK = timedelta(days=1), timedelta(days=7)
"""A send in doubt is looked at once a day, for as long as providers repeat their statuses."""


@dataclass(frozen=True, slots=True)
class Begin:
    """A send job at its start. `timer` and `tries` as in `send`."""

    ctx: JobContext
    message_id: int
    timer: bool = False
    tries: int = 0


@dataclass(frozen=True, slots=True)
class _Together:
    """Sends that begin in one transaction: the jobs, their messages, and the accounts by id, each read once."""

    conn: Connection
    wanted: Sequence[Begin]
    messages: Sequence[Row]
    account_of: Callable[[int], accounts.Account]

    def account(self, place: int) -> accounts.Account:
        """The account the message at this place goes through."""
        return self.account_of(self.messages[place].account_id)


def begin(conn: Connection, wanted: Sequence[Begin]) -> list[Intent | Outcome]:
    """The committed intent of each message that goes now, and what becomes of the jobs of the others, in order.

    Conversations are held first, as by everybody who hands one over or takes it: whatever is cancelled
    and reopened here is not missed by a hand-over beside us. Raises ClaimLost when this worker no
    longer owns one of the jobs.
    """
    ids = [each.message_id for each in wanted]
    homes = outbox.conversations_of(conn, ids)
    hold(conn, *(each.ctx.job for each in wanted))
    point("intent.held")
    rows = outbox.to_send(conn, ids)
    together = _Together(conn, wanted, [rows[each] for each in ids], _accounts(conn, wanted[0].ctx))
    ends: dict[int, Intent | Outcome] = {}
    for sieve in (_settled, _guarded, _limited, _rested):
        ends |= sieve(together, [place for place in range(len(ids)) if place not in ends])
    going = [place for place in range(len(ids)) if place not in ends]
    point("intent.guarded")
    tokens = messages.begin_attempts(conn, [(ids[place], wanted[place].ctx.job.id) for place in going])
    for place in going:
        message = together.messages[place]
        ends[place] = _intent(wanted[place], message, homes[message.id].address, together.account(place), tokens[message.id])
    return [ends[place] for place in range(len(ids))]


def _settled(together: _Together, going: Sequence[int]) -> dict[int, Outcome]:
    """Those with nothing to send."""
    ends = ((place, _at_once(together.wanted[place], together.messages[place])) for place in going)
    return {place: end for place, end in ends if end is not None}


def _guarded(together: _Together, going: Sequence[int]) -> dict[int, Outcome]:
    """Those a guard stops, or whose account or conversation lets nothing go now."""
    conn, ctx = together.conn, together.wanted[0].ctx
    blocks = guards_of(conn, ctx, [together.messages[place] for place in going], clock.now())
    ends: dict[int, Outcome] = {}
    for place, block in zip(going, blocks, strict=True):
        end = _must_wait(conn, together.wanted[place].ctx, together.messages[place], together.account(place), block)
        if end is not None:
            ends[place] = end
    return ends


def _limited(together: _Together, going: Sequence[int]) -> dict[int, Outcome]:
    """Those for whom the provider's limits have no token: they are given their turn."""
    asks = [limits.ask(together.messages[place], together.account(place)) for place in going]
    turns = buckets.take(together.conn, asks)
    waiting = {place: turn for place, turn in zip(going, turns, strict=True) if turn is not None}
    outbox.give_turns(together.conn, [(together.messages[place].id, turn) for place, turn in waiting.items()])
    return {
        place: _put_off(together.conn, together.messages[place], turn, "the provider takes no more at once")
        for place, turn in waiting.items()
    }


def _rested(together: _Together, going: Sequence[int]) -> dict[int, Outcome]:
    """Those that wait for the trial of an account whose provider did not answer: one of them goes."""
    trying: dict[int, list[int]] = {}
    for place in going:
        account = together.account(place)
        if account.circuit is not None and account.circuit.is_open:
            trying.setdefault(account.id, []).append(place)
    ends: dict[int, Outcome] = {}
    for account_id, places in sorted(trying.items()):
        waits = outages.let_one_go(together.conn, account_id, [together.messages[place].id for place in places])
        for place in places:
            until = waits.get(together.messages[place].id)
            if until is not None:
                ends[place] = _rest(together.account(place), until)
    return ends


def _rest(account: accounts.Account, until: datetime) -> Snooze:
    """Its provider does not answer. What is ahead of others in its conversation stays so: they wait for the same."""
    return Snooze(
        until,
        f"the provider of {account.name} does not answer",
        then=partial(outages.put_back, account_id=account.id, until=until),
    )


def _at_once(wanted: Begin, message: Row) -> Outcome | None:
    """What becomes of a job whose message is not waiting to be sent, or that is only a timer."""
    if message.state == "sending":
        return _found_sending(wanted.ctx, message)
    if message.state in messages.IN_DOUBT:
        return _look_at_doubt(message) if wanted.timer else Done()  # its timer looks
    if message.state != "ready":
        return Cancel(f"the message is {message.state}")
    if wanted.timer:
        return Done(then=partial(outbox.queue_send, message_id=message.id, tries=wanted.tries))
    return None


def _accounts(conn: Connection, ctx: JobContext) -> Callable[[int], accounts.Account]:
    """Accounts by id, each read once."""
    read: dict[int, accounts.Account] = {}

    def account_of(account_id: int) -> accounts.Account:
        if account_id not in read:
            read[account_id] = accounts.load(conn, ctx.box, account_id)
        return read[account_id]

    return account_of


def _intent(wanted: Begin, message: Row, address: str, account: accounts.Account, token: str) -> Intent:
    return Intent(
        message_id=message.id,
        token=token,
        account=account,
        address=address,
        kind=message.kind,
        purpose=message.purpose,
        text=message.body,
        template=message.template if message.kind == "template" else None,
        media=message.media,
        reply_to=message.reply_to,
        timeout=min(LONGEST_CALL, timedelta(seconds=wanted.ctx.base.lease_seconds * CALL_SHARE)),
    )


def _found_sending(ctx: JobContext, message: Row) -> Outcome:
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
    settle(conn, [message_id])
    messages.needs_human(conn, message_id)
    message = messages.get(conn, message_id)
    if message.state != "needs_human":
        return
    now = clock.now()
    delivery.ask_person(conn, message_id, (now - message.state_at).days)
    if now - message.state_at < LAST_LOOK:
        outbox.look_later(conn, message_id, now + DAILY)


def _must_wait(conn: Connection, ctx: JobContext, message: Row, account: accounts.Account, block: Block | None) -> Outcome | None:
    """Why the message does not go now: stale, guarded, behind one in doubt, or its account is halted."""
    if block is not None:
        return _blocked(conn, ctx, message, block)
    if account.state == "off":
        return _blocked(conn, ctx, message, Block("account_off", "hand_over"))
    if account.state == "halted":
        return Snooze(clock.FAR, account_halted(account))
    rests = account.rests_until(proactive=message.purpose == "proactive")
    if rests is not None and rests > clock.now():
        return _put_off(conn, message, rests, "the provider asked for a pause")
    until = account.circuit.rests_until(clock.now()) if account.circuit is not None else None
    if until is not None:
        return _rest(account, until)
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
