"""Claims 7 and 8: errors end as they should with the worker alive, and every statistic is the rows."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from leadkeeper import clock
from leadkeeper.cli.proof import rows
from leadkeeper.cli.proof.claim import Claim
from leadkeeper.cli.proof.claims_control import TEST_JOB, WORKER
from leadkeeper.cli.proof.stage import Stage

COUNTED = ("pending", "processing", "completed", "failed")
QUESTION = "What are your opening hours?"


def errors(stage: Stage, claim: Claim) -> None:
    """An invalid lead, a provider that stumbles, one that never recovers, one that says no."""
    job_id = stage.api("POST", TEST_JOB, json={"leadId": 999_999})["jobId"]
    stage.wait(lambda: stage.rows(partial(rows.jobs_of, ids=[job_id]))[0].status == "failed", 10, "the job to fail")
    (bad,) = stage.rows(partial(rows.jobs_of, ids=[job_id]))
    claim.check(
        "an invalid lead fails at once", ("failed", 1), (bad.status, bad.attempts), f"automation_jobs {job_id}: {bad.error}"
    )
    twice = _after(stage, "971553000001", 503, 131016, 2, "sent")
    claim.check("a transient refusal twice: tries, then taken", (3, True), (twice["attempt"], twice["taken"]), twice["evidence"])
    ever = _after(stage, "971553000002", 503, 131016, None, "failed")
    claim.check("a transient refusal for ever: calls and end", (4, "failed"), (ever["attempt"], ever["state"]), ever["evidence"])
    never = _after(stage, "971553000003", 400, 131026, None, "failed")
    claim.check("a definite refusal: calls and end", (1, "failed"), (never["attempt"], never["state"]), never["evidence"])
    outcomes = [row.outcome for row in stage.rows(partial(rows.of_senders, prefix="97155300000"))]
    claim.check("what could not be delivered was handed over", ["answered", "handed_over", "handed_over"], outcomes, "decisions")
    claim.check("the worker is alive throughout", True, stage.api("GET", WORKER)["isRunning"], "workers.beat_at")


def statistics(stage: Stage, claim: Claim) -> None:
    """Stopped, each number equals the rows; under load it lies between counts read just before and after."""
    stage.api("POST", WORKER, json={"action": "stop"})
    stage.wait(lambda: not stage.api("GET", WORKER)["isRunning"], 5, "the worker to stop")
    for number in range(5):
        stage.says(f"97155400000{number}", QUESTION)
    stage.wait(lambda: stage.calls()["pending"] == 0, 10, "the deliveries")
    told, counted = stage.api("GET", WORKER), stage.rows(rows.by_status)
    for name in COUNTED:
        claim.check(f"{name}, worker stopped", counted.get(name, 0), told[name], f"select count(*) ... status = '{name}'")
    claim.check("isRunning while stopped", False, told["isRunning"])
    stage.api("POST", WORKER, json={"action": "start"})
    outside, looked = 0, 0
    for start in range(0, 60, 10):
        people = [{"from": f"9715550{number:05}", "text": QUESTION} for number in range(start, start + 10)]
        stage.provider.post("/sim/inbound", json={"messages": people, "wait": False}).raise_for_status()
        for _ in range(3):
            before = stage.rows(rows.by_status)
            told = stage.api("GET", WORKER)
            after = stage.rows(rows.by_status)
            outside += sum(not before.get(name, 0) <= told[name] <= after.get(name, 0) for name in ("completed", "failed"))
            looked += 2
    claim.check(f"of {looked} numbers under load outside the counts around them", 0, outside, "automation_jobs.status")
    stage.wait(lambda: stage.rows(rows.unfinished) == 0, 30, "the load to be done")


def _after(stage: Stage, sender: str, status: int, code: int, times: int | None, end: str) -> Mapping[str, Any]:
    """What became of the answer to a sender at whom the provider stumbles."""
    stage.script(sender, mode="error", status=status, code=code, times=times)
    stage.says(sender, QUESTION)
    read = partial(rows.outbound_to, prefix=sender)
    ended = ("failed",) if end == "failed" else ("accepted", "sent", "delivered", "read")

    def done() -> bool:
        replies = [row for row in stage.rows(read) if row.purpose == "reply"]
        return bool(replies) and replies[0].state in ended

    stage.wait(done, 30, f"the answer to {sender}")
    reply = next(row for row in stage.rows(read) if row.purpose == "reply")
    clock.sleep_until_tick(0.1)
    return {
        "attempt": reply.attempt,
        "state": reply.state,
        "taken": reply.state in ended and end == "sent",
        "evidence": f"messages {reply.id} ({reply.token}), job {reply.send_job_id}",
    }
