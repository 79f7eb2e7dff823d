"""Claims 5 and 6: work with nobody connected, and a kill -9 in the middle of a burst."""

import asyncio
from collections.abc import Sequence
from functools import partial

from leadkeeper import clock
from leadkeeper.cli.measure.load import until_taken, webhooks
from leadkeeper.cli.measure.staged import account_of
from leadkeeper.cli.proof import rows
from leadkeeper.cli.proof.claim import Claim, at_least, at_most, between
from leadkeeper.cli.proof.ledger import Ledger, span
from leadkeeper.cli.proof.stage import Stage

PREFIX = "97155100"
BURST_PREFIX = "97155200"
QUESTIONS = ("What are your opening hours?", "Where is your office?")
SLOW_MS = 250
"""The provider's answers take this long in claim 6, so that sends are under way when everything is killed."""
SETTLE_SECONDS = 10.0


def background(stage: Stage, claim: Claim, senders: int) -> float:
    """Many people write and nobody looks: each gets one stored answer and one provider call. Returns answers a second."""
    stage.leave()
    claim.check("log-ins still open", 0, stage.rows(rows.open_sessions), "sessions")
    people = _people(PREFIX, senders)
    began = clock.monotonic()
    _ask(stage, people, together=20)
    stage.wait(lambda: stage.rows(partial(rows.answered, prefix=PREFIX)) >= senders, 90, f"{senders} answers")
    took = clock.monotonic() - began
    stage.wait(lambda: stage.rows(rows.unfinished) == 0 and not stage.undelivered(), 30, "the last jobs")
    books = stage.ledger(people, partial(rows.people, prefix=PREFIX))
    ids = span([one.id for one in books.messages])
    claim.check("senders", at_least(senders), len(books.people), "inbound_events.sender")
    claim.check("messages not stored exactly once", [], books.lost, "inbound_events")
    claim.check("how they were decided", {"answered": senders}, books.outcomes, "decisions")
    claim.check("people without exactly one stored outbound", [], books.not_one_message, f"messages {ids}")
    claim.check("people without exactly one provider call", [], books.not_one_call, "the provider's log")
    claim.check("messages the two books tell differently", [], books.contradicted, f"messages {ids}, the provider's log")
    return senders / took


def killed_in_the_middle(stage: Stage, claim: Claim, burst: int) -> float:
    """A burst, all clients gone, everything killed with -9, restarted: nothing lost, nothing sent twice.

    Returns the seconds from the restart to the first webhook accepted.
    """
    stage.behave(statuses=["sent", "delivered"], retryMs=200, retries=60, latencyMs=SLOW_MS)
    people = _people(BURST_PREFIX, burst)
    _ask(stage, people, together=10)
    stage.wait(lambda: stage.rows(partial(rows.answered, prefix=BURST_PREFIX)) >= burst // 5, 30, "a part of the burst")
    stage.kill()
    read = partial(rows.people, prefix=BURST_PREFIX)
    middle = stage.ledger(people, read)
    under_way, answered = middle.in_doubt, stage.rows(partial(rows.answered, prefix=BURST_PREFIX))
    claim.check("answers out when everything was killed", between(0, burst), answered, "messages.state before the restart")
    claim.check("sends under way at that moment", at_least(1), len(under_way), f"messages {span(under_way)}")
    began = clock.monotonic()
    stage.launch()
    first = _first_webhook(stage)
    stage.wait(stage.ready, 60, "the server to be ready")
    up = clock.monotonic() - began
    settled = _until_settled(stage, people, under_way, read)
    stage.wait(lambda: stage.rows(partial(rows.stored, prefix=BURST_PREFIX)) >= burst, 30, "every message of the burst")
    stage.wait(lambda: stage.rows(rows.open_decisions) == 0 and stage.rows(rows.unfinished) == 0, 60, "every decision")
    stage.wait(lambda: not stage.undelivered(), 30, "the provider's statuses")
    claim.check("seconds until ready again", at_most(10), round(up, 2))
    claim.check("seconds until the provider's statuses had settled those", at_most(SETTLE_SECONDS), round(settled, 2), "receipts")
    _nothing_lost_or_doubled(claim, stage.ledger(people, read))
    stage.behave(latencyMs=0)
    stage.log_in()
    return first


def _nothing_lost_or_doubled(claim: Claim, books: Ledger) -> None:
    ids = span([one.id for one in books.messages])
    claim.check("messages not stored exactly once", [], books.lost, "inbound_events")
    claim.check("messages undecided", [], books.undecided, "decisions")
    claim.check("messages or people the provider served twice", [], books.taken_twice, "the provider's log")
    claim.check("people without exactly one stored outbound", [], books.not_one_message, f"messages {ids}")
    claim.check("messages in doubt that the provider has", [], books.unsettled, "messages.state, the provider's log")
    claim.check("people neither served nor listed as in doubt", [], books.forgotten, f"in doubt: {span(books.in_doubt)}")
    claim.check("messages the two books tell differently", [], books.contradicted, f"messages {ids}, the provider's log")


def _until_settled(stage: Stage, people: Sequence[str], under_way: Sequence[int], read: "rows.ReadPeople") -> float:
    """Seconds until no send that was under way is in doubt although the provider has it; waits a little longer than allowed."""
    began = clock.monotonic()
    while set(stage.ledger(people, read).unsettled) & set(under_way) and clock.monotonic() - began < SETTLE_SECONDS + 5:
        clock.sleep_until_tick(0.1)
    return clock.monotonic() - began


def _first_webhook(stage: Stage) -> float:
    """Seconds until a webhook is accepted."""
    began = clock.monotonic()
    (webhook,) = webhooks(account_of(stage), 1)
    asyncio.run(until_taken(stage.address, webhook))
    return clock.monotonic() - began


def _people(prefix: str, number: int) -> list[str]:
    return [f"{prefix}{each:04}" for each in range(number)]


def _ask(stage: Stage, people: Sequence[str], together: int) -> None:
    stage.crowd_says([{"from": sender, "text": QUESTIONS[place % 2]} for place, sender in enumerate(people)], together)
