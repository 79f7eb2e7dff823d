"""Claims 1 to 4: who may come in, the worker's switch, Run Now, and what is stored."""

from datetime import timedelta
from functools import partial

from leadkeeper import clock
from leadkeeper.cli.proof import rows
from leadkeeper.cli.proof.claim import Claim, at_most
from leadkeeper.cli.proof.stage import EMAIL, Stage

LEAD = "971550000001"
WORKER = "/api/admin/automation/worker"
TEST_JOB = "/api/admin/automation/test-job"
PRIORITIES = (50, 10, 90, 0, 20, 80, 10, 0)


def authentication(stage: Stage, claim: Claim) -> None:
    """Nobody without a login; one answer for a wrong password and an unknown name."""
    claim.check("an API call without a login", 401, stage.http.get(WORKER).status_code)
    page = stage.http.get("/admin/automation", follow_redirects=False)
    claim.check("a page without a login leads to it", "/login", page.headers.get("location", "").partition("?")[0])
    wrong = stage.http.post("/api/auth/login", json={"email": EMAIL, "password": "not the password"})
    unknown = stage.http.post("/api/auth/login", json={"email": "nobody@prove.example", "password": "not the password"})
    claim.check("a wrong password", 401, wrong.status_code)
    claim.check("an unknown user gets the same answer", wrong.json(), unknown.json())
    claim.check("the owner logs in", 200, stage.log_in())
    claim.check("and is who they are", EMAIL, stage.api("GET", "/api/auth/me")["user"]["email"], "users, sessions")
    unsigned = stage.http.post("/api/webhooks/whatsapp", content=b"{}", headers={"content-type": "application/json"})
    claim.check("an unsigned webhook is refused", 403, unsigned.status_code)


def worker_switch(stage: Stage, claim: Claim) -> None:
    """Start and stop act within a second, are harmless twice, and the status is the heartbeat's."""
    claim.check("running at first start", True, stage.api("GET", WORKER)["isRunning"], "workers, settings")
    for _ in range(2):
        stopped = stage.api("POST", WORKER, json={"action": "stop"})
    took = stage.wait(lambda: not stage.api("GET", WORKER)["isRunning"], 5, "the worker to stop")
    claim.check("stop, twice", False, stopped["running"])
    claim.check("seconds until it had stopped", at_most(1.0, " s"), round(took, 2), "workers.state")
    job_id = stage.api("POST", TEST_JOB, json={"type": "purge", "data": {}})["jobId"]
    clock.sleep_until_tick(1.2)
    held = stage.rows(partial(rows.jobs_of, ids=[job_id]))
    claim.check("a job waits while stopped", ["pending"], [row.status for row in held], f"automation_jobs {job_id}")
    for _ in range(2):
        started = stage.api("POST", WORKER, json={"action": "start"})
    claim.check("start, twice", True, started["running"])
    stage.wait(lambda: stage.rows(partial(rows.jobs_of, ids=[job_id]))[0].status == "completed", 10, "the job to run")
    claim.check("it ran after the start", 1, len(stage.rows(rows.fresh_workers)), f"automation_jobs {job_id}, workers")


def run_now(stage: Stage, claim: Claim) -> None:
    """Run Now answers at once, executes the active rules in the background and leaves rows."""
    stage.says(LEAD, "What are your opening hours?")
    stage.wait(lambda: len(stage.rows(partial(rows.of_senders, prefix=LEAD))) == 1, 10, "the first message")
    stage.wait(lambda: stage.rows(rows.unfinished) == 0, 10, "the first answer")
    lead_id = stage.rows(partial(rows.lead_of, sender=LEAD))
    due = (clock.now() - timedelta(hours=1)).isoformat()
    stage.api("PATCH", f"/api/leads/{lead_id}", json={"nextFollowUpAt": due})
    before = len(stage.rows(partial(rows.outbound_to, prefix=LEAD)))
    began = clock.monotonic()
    answer = stage.http.post("/api/autopilot/run", json={})
    took = (clock.monotonic() - began) * 1000
    body = answer.json()
    claim.check("it answers that it is queued", (202, "queued", True), (answer.status_code, body["status"], body["processing"]))
    claim.check("milliseconds until the answer", at_most(1000, " ms"), round(took, 1))
    path = f"/api/autopilot/runs/{body['runId']}"
    stage.wait(lambda: stage.api("GET", path)["status"] in ("completed", "failed"), 20, "the run")
    done = stage.api("GET", path)
    stage.wait(lambda: stage.rows(rows.unfinished) == 0, 10, "what the run enqueued")
    claim.check("it completed", "completed", done["status"], f"runs {body['runId']}")
    active = stage.rows(rows.scheduled_rules)
    claim.check("every active scheduled rule was evaluated", active, done["totals"]["rules"], "run_rules")
    claim.check("the follow-up that was due was sent", 1, done["totals"]["sent"], "rule_runs, messages")
    after = stage.rows(partial(rows.outbound_to, prefix=LEAD))
    claim.check("as one new outbound message", before + 1, len(after), f"messages {after[-1].id}")


def stored_in_order(stage: Stage, claim: Claim) -> None:
    """Jobs are rows, outlive a kill -9, and start in order of their priority."""
    lead_id = stage.rows(partial(rows.lead_of, sender=LEAD))
    stage.api("POST", WORKER, json={"action": "stop"})
    stage.wait(lambda: not stage.api("GET", WORKER)["isRunning"], 5, "the worker to stop")
    ids = [stage.api("POST", TEST_JOB, json={"leadId": lead_id, "priority": each})["jobId"] for each in PRIORITIES]
    stored = stage.rows(partial(rows.jobs_of, ids=ids))
    claim.check("created jobs are rows", len(ids), len(stored), f"automation_jobs {ids[0]} to {ids[-1]}")
    stage.kill()
    stage.start(LEADKEEPER_BATCH_SIZE="1", LEADKEEPER_WORKER_SLOTS="1")
    stage.log_in()
    kept = stage.rows(partial(rows.jobs_of, ids=ids))
    claim.check("still pending after kill -9 and restart", ["pending"] * len(ids), [row.status for row in kept])
    claim.check("the operator's stop has survived too", False, stage.api("GET", WORKER)["isRunning"], "settings")
    stage.api("POST", WORKER, json={"action": "start"})
    stage.wait(lambda: stage.rows(rows.unfinished) == 0, 20, "the jobs to run")
    ran = stage.rows(partial(rows.jobs_of, ids=ids))
    wanted = [row.id for row in sorted(ran, key=lambda row: (row.priority, row.run_at, row.id))]
    started = [row.id for row in sorted(ran, key=lambda row: (row.started_at, row.id))]
    claim.check("started in order of priority (one at a time)", wanted, started, "automation_jobs.started_at")
    stage.kill()
    stage.start()
    stage.log_in()
