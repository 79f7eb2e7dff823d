"""The worker and its jobs by JSON."""

import asyncio
from typing import Any

from sqlalchemy import update

from leadkeeper.access.roles import Role
from leadkeeper.crm import contacts
from leadkeeper.queue import control, stats
from leadkeeper.simulator.behaviour import Step
from leadkeeper.store.schema import jobs, messages
from tests.web.api.conftest import SARA, Business, new_lead
from tests.web.conftest import Desk

ASKED = "What are your opening hours?"
WORKER = "/api/admin/automation/worker"
KNOWN = {"ok", "pending", "processing", "completed", "failed", "isRunning"}


async def test_the_statistics_have_the_known_keys_at_top_level_and_are_the_rows(quiet: Business) -> None:
    for _ in range(3):
        await quiet.caller(Role.ADMIN).post("/api/admin/automation/test-job", json={})

    told = (await quiet.caller(Role.VIEWER).get(WORKER)).json()

    rows = await quiet.place.db.read(stats.counts)
    assert set(told) >= KNOWN | {"scheduled", "oldestPendingSeconds", "workers", "wait", "run"}
    assert (told["ok"], told["isRunning"], told["workers"]) == (True, False, [])
    assert (told["pending"], told["processing"], told["completed"], told["failed"]) == (
        rows.pending,
        rows.processing,
        rows.completed,
        rows.failed,
    )
    assert told["pending"] >= 3
    assert told["oldestPendingSeconds"] >= 0


async def test_running_means_a_fresh_heartbeat_and_a_wish_for_it(business: Business) -> None:
    admin = business.caller(Role.ADMIN)

    assert (await admin.get(WORKER)).json()["isRunning"] is True

    stopped = (await admin.post(WORKER, json={"action": "stop"})).json()
    again = (await admin.post(WORKER, json={"action": "stop"})).json()
    assert stopped == again == {"ok": True, "message": "Worker stopped", "running": False}
    assert (await admin.get(WORKER)).json()["isRunning"] is False

    started = (await admin.post(WORKER)).json()
    assert started == {"ok": True, "message": "Worker started", "running": True}
    assert await business.place.db.read(control.desired) == "running"


async def test_an_unknown_action_is_refused_and_changes_nothing(open_desk: Desk) -> None:
    answer = await open_desk.caller(Role.ADMIN).post(WORKER, json={"action": "dance"})

    assert answer.status_code == 400
    assert answer.json()["ok"] is False
    assert "action" in answer.json()["fields"]
    assert open_desk.db.read_now(control.desired) == "running"


async def test_only_who_runs_the_machine_may_start_it(open_desk: Desk) -> None:
    answers = [await open_desk.caller(role).post(WORKER, json={}) for role in (None, Role.VIEWER, Role.AGENT, Role.ADMIN)]

    assert [answer.status_code for answer in answers] == [401, 403, 403, 200]


async def test_a_test_job_goes_the_whole_way_and_its_story_can_be_read(business: Business) -> None:
    lead_id = new_lead(business.place.db)
    admin = business.caller(Role.ADMIN)

    made = (await admin.post("/api/admin/automation/test-job", json={"leadId": lead_id, "message": ASKED})).json()
    await business.place.idle()
    told = (await admin.get(f"/api/admin/automation/jobs/{made['jobId']}")).json()

    assert (made["ok"], told["job"]["status"]) == (True, "completed")
    chain = told["chain"]
    assert [each["body"] for each in chain["inbound"]] == [ASKED]
    assert [each["outcome"] for each in chain["decisions"]] == ["answered"]
    assert "Monday to Friday" in chain["outbound"][0]["body"]
    assert chain["outbound"][0]["state"] == "accepted"
    assert chain["drafts"][0]["passages"][0]["title"] == "Questions"
    assert all(each["verdict"] == "fired" and each["trace"] for each in chain["ruleRuns"])


async def test_a_test_job_for_a_lead_that_is_not_there_fails_at_once_with_its_reason(business: Business) -> None:
    admin = business.caller(Role.ADMIN)

    made = (await admin.post("/api/admin/automation/test-job", json={"leadId": 999999})).json()
    await business.place.idle()
    job = (await admin.get(f"/api/admin/automation/jobs/{made['jobId']}")).json()["job"]

    assert job["status"] == "failed"
    assert "999999" in job["error"]
    assert job["errors"][-1]["kind"] == "fail"


async def test_an_unknown_type_fails_its_job_and_the_worker_goes_on(business: Business) -> None:
    admin = business.caller(Role.ADMIN)

    unknown = (await admin.post("/api/admin/automation/test-job", json={"type": "make_coffee"})).json()
    good = (await admin.post("/api/admin/automation/test-job", json={"leadId": new_lead(business.place.db)})).json()
    await business.place.idle()

    async def status(job_id: int) -> str:
        return str((await admin.get(f"/api/admin/automation/jobs/{job_id}")).json()["job"]["status"])

    assert (await status(unknown["jobId"]), await status(good["jobId"])) == ("failed", "completed")


async def test_a_test_job_takes_a_priority_within_its_bounds(open_desk: Desk) -> None:
    admin = open_desk.caller(Role.ADMIN)

    made = (await admin.post("/api/admin/automation/test-job", json={"priority": 3})).json()
    refused = await admin.post("/api/admin/automation/test-job", json={"priority": 101})

    assert (await admin.get(f"/api/admin/automation/jobs/{made['jobId']}")).json()["job"]["priority"] == 3
    assert (refused.status_code, set(refused.json()["fields"])) == (400, {"priority"})


async def test_the_list_is_filtered_and_paged_without_gaps(open_desk: Desk) -> None:
    admin = open_desk.caller(Role.ADMIN)
    lead_id = new_lead(open_desk.db)
    ids = [(await admin.post("/api/admin/automation/test-job", json={"leadId": lead_id})).json()["jobId"] for _ in range(7)]
    await admin.post("/api/admin/automation/test-job", json={"type": "purge"})

    seen: list[int] = []
    after: Any = None
    while True:
        query = {"type": "inbound_message", "lead": lead_id, "status": "pending", "limit": 3} | ({"next": after} if after else {})
        page = (await admin.get("/api/admin/automation/jobs", params=query)).json()
        seen += [job["id"] for job in page["jobs"]]
        after = page["next"]
        if after is None:
            break

    assert seen == sorted(ids, reverse=True)
    assert page["jobs"][0]["createdAt"].endswith("Z")
    none = (await admin.get("/api/admin/automation/jobs", params={"since": "2999-01-01T00:00:00Z"})).json()
    assert none == {"ok": True, "jobs": [], "next": None}


async def test_a_pending_job_is_cancelled_and_one_that_has_ended_is_not(open_desk: Desk) -> None:
    admin = open_desk.caller(Role.ADMIN)
    made = (await admin.post("/api/admin/automation/test-job", json={})).json()
    path = f"/api/admin/automation/jobs/{made['jobId']}"

    first = await admin.post(f"{path}/cancel")
    second = await admin.post(f"{path}/cancel")

    assert (first.json()["result"], first.json()["job"]["status"]) == ("cancelled", "cancelled")
    assert (second.status_code, second.json()["code"]) == (409, "conflict")
    assert (await admin.post("/api/admin/automation/jobs/987654/cancel")).status_code == 404


async def test_a_failed_job_is_queued_again_once(business: Business) -> None:
    admin = business.caller(Role.ADMIN)
    made = (await admin.post("/api/admin/automation/test-job", json={"leadId": 999999})).json()
    await business.place.idle()
    await admin.post(WORKER, json={"action": "stop"})

    first = await admin.post(f"/api/admin/automation/jobs/{made['jobId']}/retry")
    second = await admin.post(f"/api/admin/automation/jobs/{made['jobId']}/retry")

    assert first.status_code == 200
    assert first.json()["job"]["status"] in ("pending", "processing", "failed")
    assert second.status_code in (200, 409)


async def refused_send(business: Business, *steps: Step) -> dict[str, Any]:
    """The `send` job of an answer the provider has handled with these steps."""
    business.place.provider.script(SARA, list(steps))
    await business.place.says(SARA, "What are your opening hours?")
    await business.place.idle()
    found = (await business.caller(Role.VIEWER).get("/api/admin/automation/jobs", params={"type": "send"})).json()["jobs"]
    job: dict[str, Any] = found[-1]
    return job


async def test_retrying_a_refused_send_makes_its_message_ready_and_sends_it(business: Business) -> None:
    job = await refused_send(business, Step("error", times=1, status=400, code=131026))
    assert job["status"] == "failed"
    message_id = job["data"]["messageId"]

    answer = await business.caller(Role.ADMIN).post(f"/api/admin/automation/jobs/{job['id']}/retry")
    await business.place.idle()

    assert answer.status_code == 200
    message = (await business.caller(Role.VIEWER).get(f"/api/messages/{message_id}")).json()["message"]
    assert message["state"] in ("accepted", "sent", "delivered", "read")
    assert message["attempt"] == 2


async def test_a_send_in_doubt_is_not_retried_but_settled(business: Business) -> None:
    job = await refused_send(business, Step("error", times=1, status=400, code=131026))
    message_id = job["data"]["messageId"]
    await business.place.db.write(
        lambda conn: conn.execute(update(messages).where(messages.c.id == message_id).values(state="unknown"))
    )

    answer = await business.caller(Role.ADMIN).post(f"/api/admin/automation/jobs/{job['id']}/retry")

    assert answer.status_code == 409
    told = answer.json()
    assert (told["ok"], told["code"], told["settle"]) == (False, "in_doubt", f"/api/messages/{message_id}/settle")
    rows = await business.place.rows(jobs.select().where(jobs.c.id == job["id"]))
    assert rows[0].status == "failed"
    settled = await business.caller(Role.AGENT).post(told["settle"], json={"how": "arrived"})
    assert settled.json()["message"]["state"] == "accepted"
    again = await business.caller(Role.AGENT).post(told["settle"], json={"how": "resend"})
    assert again.status_code == 409


async def test_a_refused_message_is_tried_again_from_its_own_address(business: Business) -> None:
    job = await refused_send(business, Step("error", times=1, status=400, code=131026))
    message_id = job["data"]["messageId"]
    agent = business.caller(Role.AGENT)

    first = await agent.post(f"/api/messages/{message_id}/retry")
    await business.place.idle()
    again = await agent.post(f"/api/messages/{message_id}/retry")

    assert (first.json()["message"]["state"], first.json()["message"]["purpose"]) == ("ready", "person")
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    for _ in range(200):  # the provider's statuses come on their own time
        story = (await agent.get(f"/api/messages/{message_id}")).json()
        if story["chain"]["receipts"]:
            break
        await asyncio.sleep(0.05)
    assert [receipt["status"] for receipt in story["chain"]["receipts"]][:1] == ["sent"]


async def test_a_send_that_names_no_message_is_not_retried(business: Business) -> None:
    admin = business.caller(Role.ADMIN)
    made = [
        (await admin.post("/api/admin/automation/test-job", json={"type": "send", "data": data})).json()["jobId"]
        for data in ({"messageId": "one"}, {"messageId": 987654})
    ]
    await business.place.idle()

    answers = [await admin.post(f"/api/admin/automation/jobs/{job_id}/retry") for job_id in made]

    assert [answer.status_code for answer in answers] == [409, 404]


async def test_the_message_of_somebody_who_asked_for_silence_is_not_tried_again(business: Business) -> None:
    job = await refused_send(business, Step("error", times=1, status=400, code=131026))
    contact_id = (await business.thread())["conversation"]["contactId"]
    await business.place.db.write(contacts.opt_out, contact_id, "word")

    answer = await business.caller(Role.ADMIN).post(f"/api/admin/automation/jobs/{job['id']}/retry")

    assert (answer.status_code, "no more messages" in answer.json()["error"]) == (409, True)
