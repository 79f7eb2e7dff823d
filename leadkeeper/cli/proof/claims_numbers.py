"""Claim 8: every statistic is the rows."""

from typing import Any

from leadkeeper import clock
from leadkeeper.cli.proof import counted, rows
from leadkeeper.cli.proof.claim import Claim, at_least, within
from leadkeeper.cli.proof.claims_control import WORKER
from leadkeeper.cli.proof.stage import Stage

WAITING = 5
ROUNDS = 6
LOOKS = 3
QUESTION = "What are your opening hours?"


def statistics(stage: Stage, claim: Claim, load: int) -> None:
    """Stopped, each number equals the rows; under load it lies between counts read just before and after."""
    stage.api("POST", WORKER, json={"action": "stop"})
    stage.wait(lambda: stage.rows(rows.worker)[1] == "stopped", 30, "the worker to stop")
    stage.crowd_says([{"from": f"97155400000{number}", "text": QUESTION} for number in range(WAITING)])
    stage.wait(lambda: stage.undelivered() == 0, 10, "the deliveries")
    _stopped(stage, claim)
    stage.api("POST", WORKER, json={"action": "start"})
    _under_load(stage, claim, load)
    stage.wait(lambda: stage.rows(rows.unfinished) == 0, 60, "the load to be done")


def _stopped(stage: Stage, claim: Claim) -> None:
    earlier = clock.now()
    told = stage.api("GET", WORKER)
    found, later = stage.rows(counted.of_jobs), clock.now()
    for name in ("pending", "processing", "completed", "failed", "cancelled"):
        claim.check(f"{name}, worker stopped", found.by_status.get(name, 0), told[name], f"automation_jobs of status {name}")
    claim.check("at least the new messages are pending", at_least(WAITING), told["pending"])
    claim.check("scheduled", found.scheduled, told["scheduled"], "pending with a future run_at")
    oldest = [(moment - found.oldest_due).total_seconds() for moment in (earlier, later)] if found.oldest_due else []
    claim.check("seconds the oldest due job waits", within(oldest), told["oldestPendingSeconds"], "automation_jobs.run_at")
    for name, share in (("p50", 0.50), ("p95", 0.95)):
        for what, spans in (("wait", found.waits), ("run", found.runs)):
            claim.check(f"{what} {name} in ms", within(spans.bounds(share)), told[what][name], "the newest 1,000 that ended")
    claim.check("workers", stage.rows(rows.beating), [(one["id"], one["state"]) for one in told["workers"]], "workers.beat_at")
    claim.check("isRunning while stopped", False, told["isRunning"])


def _under_load(stage: Stage, claim: Claim, load: int) -> None:
    outside: list[Any] = []
    seen: list[int] = []
    each = max(1, load // ROUNDS)
    for start in range(0, each * ROUNDS, each):
        stage.crowd_says([{"from": f"9715550{number:05}", "text": QUESTION} for number in range(start, start + each)])
        for _ in range(LOOKS):
            before = stage.rows(rows.by_status)
            told = stage.api("GET", WORKER)
            after = stage.rows(rows.by_status)
            seen.append(told["completed"])
            for name in ("completed", "failed"):
                if not before.get(name, 0) <= told[name] <= after.get(name, 0):
                    outside.append((name, before.get(name, 0), told[name], after.get(name, 0)))
    looked = f"of {2 * len(seen)} looks under load, those outside the counts around them"
    claim.check(looked, [], outside, "automation_jobs.status")
    claim.check("jobs completed meanwhile", at_least(1), seen[-1] - seen[0], "the load was real")
