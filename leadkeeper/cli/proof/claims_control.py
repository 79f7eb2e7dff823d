"""Claims 1 to 4: who may come in, the worker's switch, Run Now, and what is stored."""

from datetime import timedelta
from functools import partial

from leadkeeper import clock
from leadkeeper.channels.whatsapp.webhook import HEADER
from leadkeeper.cli.proof import rows
from leadkeeper.cli.proof.claim import Claim, at_most
from leadkeeper.cli.proof.ledger import span
from leadkeeper.cli.proof.stage import EMAIL, Stage

LEAD = "971550000001"
WORKER = "/api/admin/automation/worker"
TEST_JOB = "/api/admin/automation/test-job"
PRIORITIES = (50, 10, 90, 0, 20, 80, 10, 0)


def authentication(stage: Stage, claim: Claim) -> None:
    """Nobody without a login, a forged or an ended session; no webhook without its signature."""
    claim.check("an API call without a login", 401, stage.http.get(WORKER).status_code)
    page = stage.http.get("/admin/automation", follow_redirects=False)
    claim.check("a page without a login leads to it", "/login", page.headers.get("location", "").partition("?")[0])
    wrong = stage.http.post("/api/auth/login", json={"email": EMAIL, "password": "not the password"})
    unknown = stage.http.post("/api/auth/login", json={"email": "nobody@prove.example", "password": "not the password"})
    claim.check("a wrong password", 401, wrong.status_code)
    claim.check("an unknown user gets the same answer", wrong.json(), unknown.json())
    claim.check("the owner logs in", 200, stage.log_in())
    claim.check("and is who they are", EMAIL, stage.api("GET", "/api/auth/me")["user"]["email"], "users, sessions")
    (cookie,) = stage.http.cookies.jar
    stage.leave()
    old = stage.http.get(WORKER, headers={"cookie": f"{cookie.name}={cookie.value}"})
    claim.check("a session that was ended opens nothing", 401, old.status_code, "sessions.revoked_at")
    forged = stage.http.get(WORKER, headers={"cookie": f"{cookie.name}={'x' * len(cookie.value or '')}"})
    claim.check("nor does an invented one", 401, forged.status_code)
    for text, headers in (("unsigned", {}), ("wrongly signed", {HEADER: "sha256=" + "0" * 64})):
        answer = stage.http.post("/api/webhooks/whatsapp", content=b"{}", headers={"content-type": "application/json", **headers})
        claim.check(f"a webhook that is {text}", 403, answer.status_code)
    claim.check("events stored by all that", 0, stage.rows(rows.events), "inbound_events")


def worker_switch(stage: Stage, claim: Claim) -> None:
    """Start and stop act within a second, are harmless twice, and the status is the heartbeat's."""
    stage.log_in()
    claim.check("running at first start", True, stage.api("GET", WORKER)["isRunning"], "workers, settings")
    name, _ = stage.rows(rows.worker)
    began = clock.monotonic()
    said = [stage.api("POST", WORKER, json={"action": "stop"})["running"] for _ in range(2)]
    stage.wait(lambda: stage.rows(rows.worker) == (name, "stopped"), 10, "the worker to stop")
    claim.check("stop, twice", [False, False], said)
    claim.check("seconds until the worker itself had stopped", at_most(1.0), round(clock.monotonic() - began, 2), "workers.state")
    claim.check("and then the status says so", False, stage.api("GET", WORKER)["isRunning"], f"workers {name}")
    job_id = stage.api("POST", TEST_JOB, json={"type": "purge", "data": {}})["jobId"]
    clock.sleep_until_tick(1.2)
    claim.check("a job waits while stopped", "pending", stage.rows(partial(rows.job, job_id=job_id)).status, f"job {job_id}")
    pressed = clock.now()
    said = [stage.api("POST", WORKER, json={"action": "start"})["running"] for _ in range(2)]
    stage.wait(lambda: stage.rows(partial(rows.job, job_id=job_id)).status == "completed", 10, "the job to run")
    claim.check("start, twice", [True, True], said)
    waited = (stage.rows(partial(rows.job, job_id=job_id)).started_at - pressed).total_seconds()
    claim.check("seconds until the waiting job had begun", at_most(1.0), round(waited, 2), f"job {job_id}: started_at")
    claim.check("by the same worker, beating", (name, "running"), stage.rows(rows.worker), "workers.beat_at")
    claim.check("and the status says so", True, stage.api("GET", WORKER)["isRunning"])


def run_now(stage: Stage, claim: Claim) -> None:
    """Run Now answers at once, executes the active rules in the background and leaves rows."""
    stage.says(LEAD, "What are your opening hours?")
    stage.wait(lambda: stage.rows(partial(rows.answered, prefix=LEAD)) == 1, 30, "the first answer")
    stage.wait(lambda: stage.rows(rows.unfinished) == 0, 10, "its jobs")
    lead_id = stage.rows(partial(rows.lead_of, sender=LEAD))
    due = (clock.now() - timedelta(hours=1)).isoformat()
    stage.api("PATCH", f"/api/leads/{lead_id}", json={"nextFollowUpAt": due})
    newest, calls = stage.rows(rows.newest_job), len(stage.heard())
    before = len(stage.rows(partial(rows.outbound_to, prefix=LEAD)))
    began = clock.monotonic()
    answer = stage.http.post("/api/autopilot/run", json={})
    took = (clock.monotonic() - began) * 1000
    body = answer.json()
    claim.check("it answers that it is queued", (202, "queued", True), (answer.status_code, body["status"], body["processing"]))
    claim.check("milliseconds until the answer", at_most(1000), round(took, 1))
    path = f"/api/autopilot/runs/{body['runId']}"
    stage.wait(lambda: stage.api("GET", path)["status"] in ("completed", "failed"), 20, "the run")
    stage.wait(lambda: stage.rows(rows.unfinished) == 0, 20, "what the run enqueued")
    done = stage.api("GET", path)
    claim.check("it completed", "completed", done["status"], f"rule_runs of run {body['runId']}")
    claim.check("every active scheduled rule was evaluated", stage.rows(rows.scheduled_rules), done["totals"]["rules"], "rules")
    for type_name in ("run_rules", "send"):
        made = stage.rows(partial(rows.jobs_since, job_id=newest, type_name=type_name))
        claim.check(f"jobs of type {type_name} it created", 1, len(made), f"jobs {span(made)}")
    claim.check("the follow-up that was due was sent", (1, 0), (done["totals"]["sent"], done["totals"]["failed"]))
    after = stage.rows(partial(rows.outbound_to, prefix=LEAD))
    claim.check("as one new outbound message", before + 1, len(after), f"messages {span([row.id for row in after[before:]])}")
    claim.check("and one call of the provider", calls + 1, len(stage.heard()), "the provider's log")


def stored_in_order(stage: Stage, claim: Claim) -> None:
    """Jobs are rows, outlive a kill -9, and start in order of their priority."""
    lead_id = stage.rows(partial(rows.lead_of, sender=LEAD))
    stage.api("POST", WORKER, json={"action": "stop"})
    stage.wait(lambda: stage.rows(rows.worker)[1] == "stopped", 10, "the worker to stop")
    ids = [stage.api("POST", TEST_JOB, json={"leadId": lead_id, "priority": each})["jobId"] for each in PRIORITIES]
    stored = stage.rows(partial(rows.jobs_of, ids=ids))
    told = [(row.status, row.priority) for row in stored]
    claim.check("created jobs are rows", [("pending", each) for each in PRIORITIES], told, f"jobs {span(ids)}")
    stage.kill()
    stage.start(LEADKEEPER_BATCH_SIZE="1", LEADKEEPER_WORKER_SLOTS="1")
    stage.log_in()
    kept = {row.id: tuple(row) for row in stage.rows(partial(rows.jobs_of, ids=ids))}
    other = [row.id for row in stored if kept.get(row.id) != tuple(row)]
    claim.check("rows that are gone or other after kill -9 and restart", [], other, f"jobs {span(ids)}")
    claim.check("the operator's stop has survived too", False, stage.api("GET", WORKER)["isRunning"], "settings")
    stage.api("POST", WORKER, json={"action": "start"})
    stage.wait(lambda: stage.rows(rows.unfinished) == 0, 30, "the jobs to run")
    ran = stage.rows(partial(rows.jobs_of, ids=ids))
    claim.check("each was executed", ["completed"] * len(ids), [row.status for row in ran], "automation_jobs.status")
    wanted = [row.id for row in sorted(ran, key=lambda row: (row.priority, row.run_at, row.id))]
    started = [row.id for row in sorted(ran, key=lambda row: row.started_at)]
    claim.check("started in order of priority (one at a time)", wanted, started, "automation_jobs.started_at")
    claim.check("no two at the same moment", len(ids), len({row.started_at for row in ran}))
    stage.kill()
    stage.start()
    stage.log_in()
