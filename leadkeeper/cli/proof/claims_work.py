"""Claims 5 and 6: work with nobody connected, and a kill -9 in the middle of a burst."""

from collections import Counter
from functools import partial

from leadkeeper import clock
from leadkeeper.cli.proof import rows
from leadkeeper.cli.proof.claim import Claim, at_most
from leadkeeper.cli.proof.stage import Stage

SENDERS = 200
BURST = 150
PREFIX = "97155100"
BURST_PREFIX = "97155200"
QUESTIONS = ("What are your opening hours?", "Where is your office?")
ENDED = ("accepted", "sent", "delivered", "read")


def background(stage: Stage, claim: Claim) -> float:
    """200 people write and nobody looks: each gets one stored answer and one provider call. Returns messages a second."""
    before = stage.calls()["tokens"]
    people = [{"from": f"{PREFIX}{number:04}", "text": QUESTIONS[number % 2]} for number in range(SENDERS)]
    began = clock.monotonic()
    for start in range(0, SENDERS, 20):
        stage.provider.post("/sim/inbound", json={"messages": people[start : start + 20], "wait": False}).raise_for_status()
    read = partial(rows.of_senders, prefix=PREFIX)
    stage.wait(lambda: sum(row.state in ENDED for row in stage.rows(read)) == SENDERS, 60, "200 answers")
    took = clock.monotonic() - began
    found = stage.rows(read)
    outbound = stage.rows(partial(rows.outbound_to, prefix=PREFIX))
    calls = stage.calls()
    claim.check(
        "messages received and stored", SENDERS, len(found), f"inbound_events {found[0].event_id} to {found[-1].event_id}"
    )
    claim.check("each decided", {"answered": SENDERS}, dict(Counter(row.outcome for row in found)), "decisions")
    claim.check("one stored outbound each", SENDERS, len(outbound), f"messages {outbound[0].id} to {outbound[-1].id}")
    claim.check("one provider call each", SENDERS, calls["tokens"] - before, "the provider's log, by token")
    claim.check("no token called twice", {}, calls["calledTwice"], "the provider's log")
    return SENDERS / took


def killed_in_the_middle(stage: Stage, claim: Claim) -> None:
    """A burst, all clients gone, everything killed with -9, restarted: nothing lost, nothing sent twice."""
    stage.provider.post(
        "/sim/behaviour", json={"statuses": ["sent", "delivered"], "retryMs": 200, "retries": 60}
    ).raise_for_status()
    people = [{"from": f"{BURST_PREFIX}{number:04}", "text": QUESTIONS[number % 2]} for number in range(BURST)]
    for start in range(0, BURST, 10):
        stage.provider.post("/sim/inbound", json={"messages": people[start : start + 10], "wait": False}).raise_for_status()
    read = partial(rows.of_senders, prefix=BURST_PREFIX)
    stage.wait(lambda: sum(row.state in ENDED for row in stage.rows(read)) >= BURST // 5, 20, "a part of the burst")
    stage.kill()
    middle = stage.rows(read)
    answered = sum(row.state in ENDED for row in middle)
    up = stage.start()
    stage.log_in()
    stage.wait(lambda: len(stage.rows(read)) == BURST, 30, "every message of the burst")
    stage.wait(lambda: stage.rows(rows.open_decisions) == 0 and stage.rows(rows.unfinished) == 0, 40, "every decision")
    began = clock.monotonic()
    outbound = partial(rows.outbound_to, prefix=BURST_PREFIX)
    while any(row.state == "unknown" for row in stage.rows(outbound)) and clock.monotonic() - began < 10:
        clock.sleep_until_tick(0.1)
    found, sent, calls = stage.rows(read), stage.rows(outbound), stage.calls()
    in_doubt = [row.id for row in sent if row.state in ("unknown", "needs_human")]

    def in_the_middle(count: int) -> bool:
        """more than 0 and fewer than all"""
        return 0 < count < BURST

    claim.check("answers out when everything was killed", in_the_middle, answered, "messages.state before the restart")
    claim.check("seconds until ready again", at_most(10, " s"), round(up, 2))
    claim.check("messages lost", 0, BURST - len(found), "inbound_events")
    claim.check("messages undecided", 0, sum(row.outcome is None for row in found), "decisions")
    claim.check("answers sent twice", {}, calls["takenTwice"], "the provider's log, by token")
    per_person = Counter(row.conversation_id for row in sent if row.purpose == "reply" and row.state != "cancelled")
    claim.check("people with more than one answer", 0, sum(count > 1 for count in per_person.values()), "messages")
    claim.check("sends in doubt after the provider's statuses (10 s)", 0, len(in_doubt), f"messages {in_doubt or 'none'}")
