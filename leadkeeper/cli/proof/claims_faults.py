"""Claim 7: errors end as they should, and the worker lives."""

from dataclasses import dataclass
from functools import partial

from leadkeeper.cli.proof import rows
from leadkeeper.cli.proof.claim import Claim, saying
from leadkeeper.cli.proof.claims_control import TEST_JOB, WORKER
from leadkeeper.cli.proof.ledger import TAKEN
from leadkeeper.cli.proof.stage import Stage

QUESTION = "What are your opening hours?"
NOBODY = 999_999
TRANSIENT = {"status": 503, "code": 131016}
"""Documented as not accepted and worth another try."""
DEFINITE = {"status": 400, "code": 131026}
"""The recipient can never be reached."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one answer: its message and job by our rows, its calls by the provider's log."""

    message_id: int
    state: str
    job_id: int
    job_status: str
    error: str
    calls: int
    taken: int

    @property
    def end(self) -> str:
        """The message's state; every one that says the provider has it as one word."""
        return "taken" if self.state in TAKEN else self.state

    @property
    def evidence(self) -> str:
        """Where to look."""
        return f"message {self.message_id}, job {self.job_id}, the provider's log"


def errors(stage: Stage, claim: Claim) -> None:
    """An invalid lead, a provider that stumbles, one that never recovers, one that says no."""
    before = stage.rows(rows.worker)
    job_id = stage.api("POST", TEST_JOB, json={"leadId": NOBODY})["jobId"]
    stage.wait(lambda: stage.rows(partial(rows.job, job_id=job_id)).status == "failed", 10, "the job to fail")
    bad = stage.rows(partial(rows.job, job_id=job_id))
    claim.check("an invalid lead fails at once", ("failed", 1), (bad.status, bad.attempts), f"job {job_id}")
    claim.check("with its reason", saying(str(NOBODY)), bad.error, f"job {job_id}: error")
    twice = _fate(stage, "971553000001", TRANSIENT, 2)
    claim.check("a transient code twice, then taken: calls, deliveries", (3, 1), (twice.calls, twice.taken), twice.evidence)
    claim.check("ends as job and message", ("completed", "taken"), (twice.job_status, twice.end), f"message {twice.message_id}")
    ever = _fate(stage, "971553000002", TRANSIENT, None)
    claim.check("a transient code for ever: calls, deliveries", (4, 0), (ever.calls, ever.taken), ever.evidence)
    claim.check("ends as job and message", ("failed", "failed"), (ever.job_status, ever.end), ever.error)
    never = _fate(stage, "971553000003", DEFINITE, None)
    claim.check("a definite code: calls, deliveries", (1, 0), (never.calls, never.taken), never.evidence)
    claim.check("ends as job and message", ("failed", "failed"), (never.job_status, never.end), never.error)
    people = stage.rows(partial(rows.people, prefix="97155300000"))
    outcomes = [outcome for sender in sorted(people) for outcome in people[sender].outcomes]
    claim.check("what could not be delivered was handed over", ["answered", "handed_over", "handed_over"], outcomes, "decisions")
    claim.check("the same worker lives throughout", before, stage.rows(rows.worker), "workers.id, workers.beat_at")
    claim.check("and the status says so", True, stage.api("GET", WORKER)["isRunning"])


def _fate(stage: Stage, sender: str, stumble: dict[str, int], times: int | None) -> Fate:
    """What becomes of the answer to a sender at whom the provider stumbles so many times (None: always)."""
    stage.script(sender, mode="error", times=times, **stumble)
    stage.says(sender, QUESTION)
    read = partial(rows.replies_to, sender=sender)
    stage.wait(lambda: any(row.job_status in ("completed", "failed") for row in stage.rows(read)), 30, f"the answer to {sender}")
    stage.wait(lambda: stage.rows(rows.unfinished) == 0, 30, "what follows from it")
    (reply,) = stage.rows(read)
    calls = [call for call in stage.heard() if call.message_id == reply.id]
    taken = sum(call.taken for call in calls)
    return Fate(reply.id, reply.state, reply.send_job_id, reply.job_status, reply.job_error or "", len(calls), taken)
