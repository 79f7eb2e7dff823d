"""Run Now and the cron paths: asked for at once, done by a job, told from rows."""

import pytest

from leadkeeper import clock
from leadkeeper.access.roles import Role
from leadkeeper.rules import book, run_book
from leadkeeper.rules.run_book import Count
from leadkeeper.store import settings_rows
from leadkeeper.store.schema import jobs, runs
from tests.web.api.conftest import SARA, Business, new_lead
from tests.web.conftest import Desk

RUN = "/api/autopilot/run"


async def test_run_now_answers_at_once_with_a_queued_run_and_its_job(open_desk: Desk) -> None:
    answer = await open_desk.caller(Role.ADMIN).post(RUN, json={})

    told = answer.json()
    assert answer.status_code == 202
    assert (told["ok"], told["status"], told["processing"], told["dryRun"]) == (True, "queued", True, False)
    assert told["timestamp"]
    assert told["message"]
    (job,) = open_desk.db.read_now(lambda conn: conn.execute(jobs.select().where(jobs.c.type == "run_rules")).fetchall())
    assert job.data == {"runId": told["runId"]}
    run = (await open_desk.caller(Role.VIEWER).get(f"/api/autopilot/runs/{told['runId']}")).json()
    assert (run["status"], run["processing"], run["jobId"], run["userName"]) == ("queued", True, job.id, "Admin")
    assert run["totals"] == {"rules": 0, "candidates": 0, "sent": 0, "skipped": 0, "failed": 0}


async def test_a_run_tells_each_rules_counts_and_a_dry_run_its_exact_texts(open_desk: Desk) -> None:
    db, lead_id = open_desk.db, new_lead(open_desk.db)
    run_id = (await open_desk.caller(Role.ADMIN).post(RUN, json={"dryRun": True})).json()["runId"]
    rule = db.read_now(book.listed)[-1]

    db.write_now(run_book.begin, run_id)
    count = Count(candidates=5, sent=2, skipped={"window": 1, "quiet_hours": 1}, failed=1)
    db.write_now(run_book.count, run_id, rule.id, count)
    would = {"lead_id": lead_id, "conversation_id": None, "verdict": "would_send", "reason": None, "text": "Hello Omar"}
    db.write_now(lambda conn: run_book.would(conn, run_id, rule.id, **would))
    under_way = (await open_desk.caller(Role.VIEWER).get(f"/api/autopilot/runs/{run_id}")).json()
    db.write_now(run_book.end, run_id)
    done = (await open_desk.caller(Role.VIEWER).get(f"/api/autopilot/runs/{run_id}")).json()

    assert (under_way["status"], under_way["processing"]) == ("running", True)
    assert (done["status"], done["processing"], done["dryRun"]) == ("completed", False, True)
    assert done["totals"] == {"rules": 1, "candidates": 5, "sent": 2, "skipped": 2, "failed": 1}
    assert (done["rules"][0]["key"], done["rules"][0]["skipped"]) == (rule.key, {"window": 1, "quiet_hours": 1})
    assert [(item["leadId"], item["contactName"], item["text"]) for item in done["items"]] == [
        (lead_id, "Omar Haddad", "Hello Omar")
    ]


async def test_a_dry_run_names_who_would_get_what_and_the_real_one_then_sends_it(business: Business) -> None:
    await business.place.says(SARA, "What are your opening hours?")
    await business.place.idle()
    lead_id = (await business.thread())["lead"]["id"]
    agent, admin = business.caller(Role.AGENT), business.caller(Role.ADMIN)
    await agent.patch(f"/api/leads/{lead_id}", json={"nextFollowUpAt": clock.iso(clock.now())})
    await business.place.db.write(settings_rows.save, "quiet_hours", None)

    dry = (await admin.post(RUN, json={"dryRun": True})).json()["runId"]
    await business.place.idle()
    listed = (await admin.get(f"/api/autopilot/runs/{dry}")).json()
    before = len(await business.place.sent())
    real = (await admin.post(RUN, json={})).json()["runId"]
    await business.place.idle()
    done = (await admin.get(f"/api/autopilot/runs/{real}")).json()

    (item,) = [item for item in listed["items"] if item["verdict"] == "would_send"]
    assert (item["leadId"], listed["totals"]["sent"], before) == (lead_id, 1, 1)
    assert (done["status"], done["totals"]["sent"], done["totals"]["failed"]) == ("completed", 1, 0)
    assert (await business.place.sent())[1:] == [item["text"]]


async def test_a_run_of_one_lead_names_it_and_needs_it(open_desk: Desk) -> None:
    lead_id = new_lead(open_desk.db)
    admin = open_desk.caller(Role.ADMIN)

    told = (await admin.post(f"/api/leads/{lead_id}/automation/run")).json()
    missing = await admin.post("/api/leads/999999/automation/run")

    assert told["leadId"] == lead_id
    assert (await admin.get(f"/api/autopilot/runs/{told['runId']}")).json()["leadId"] == lead_id
    assert missing.status_code == 404


async def test_the_list_of_runs_and_the_texts_of_a_dry_run_page_by_next(open_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_book, "MOST_ITEMS", 2)
    db, admin = open_desk.db, open_desk.caller(Role.ADMIN)
    ids = [(await admin.post(RUN, json={"dryRun": True})).json()["runId"] for _ in range(3)]
    rule, lead_id = db.read_now(book.listed)[-1], new_lead(db)
    would = {"lead_id": lead_id, "conversation_id": None, "verdict": "would_send", "reason": None}
    for number in range(3):
        db.write_now(lambda conn, text=f"Hello {number}": run_book.would(conn, ids[0], rule.id, **would, text=text))

    first = (await admin.get("/api/autopilot/runs", params={"limit": 2})).json()
    second = (await admin.get("/api/autopilot/runs", params={"limit": 2, "next": first["next"]})).json()
    texts = (await admin.get(f"/api/autopilot/runs/{ids[0]}")).json()
    more = (await admin.get(f"/api/autopilot/runs/{ids[0]}", params={"next": texts["next"]})).json()

    assert [[run["id"] for run in page["runs"]] for page in (first, second)] == [[ids[2], ids[1]], [ids[0]]]
    assert second["next"] is None
    assert [[item["text"] for item in page["items"]] for page in (texts, more)] == [["Hello 0", "Hello 1"], ["Hello 2"]]
    assert more["next"] is None


@pytest.mark.parametrize("path", ["/api/automation/run-daily", "/api/cron/run", "/api/autopilot/run", "/api/automation/run-now"])
async def test_the_known_draft_mode_sends_nothing(open_desk: Desk, path: str) -> None:
    admin = open_desk.caller(Role.ADMIN)

    draft = await admin.post(path, headers={"x-autopilot-mode": "draft"})
    send = await admin.post(path, headers={"x-autopilot-mode": "SEND"})
    other = await admin.post(path, headers={"x-autopilot-mode": "dratf"})

    assert (draft.json()["dryRun"], draft.json()["mode"]) == (True, "draft")
    assert (send.json()["dryRun"], send.json()["mode"]) == (False, "send")
    assert (other.status_code, other.json()["fields"]) == (400, {"x-autopilot-mode": "draft or send"})
    rows = open_desk.db.read_now(lambda conn: conn.execute(runs.select().order_by(runs.c.id)).fetchall())
    assert [row.dry_run for row in rows] == [True, False]


async def test_a_run_that_is_not_there_is_not_found(open_desk: Desk) -> None:
    assert (await open_desk.caller(Role.VIEWER).get("/api/autopilot/runs/4711")).status_code == 404


CRON = ["/api/cron/run", "/api/cron/process-jobs", "/api/automation/run-daily"]


@pytest.mark.parametrize("path", CRON)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_cron_paths_take_both_methods_with_the_secret_in_either_header(open_desk: Desk, path: str, method: str) -> None:
    statuses = [
        (await open_desk.caller(None, **headers).request(method, path)).status_code
        for headers in ({"x-cron-secret": "cron secret"}, {"authorization": "Bearer cron secret"})
    ]

    assert set(statuses) <= {200, 202}


@pytest.mark.parametrize("path", CRON)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_cron_paths_are_closed_without_the_secret_and_when_none_is_set(
    desk: Desk, open_desk: Desk, path: str, method: str
) -> None:
    unset = await desk.caller(None, **{"x-cron-secret": ""}).request(method, path)
    guessed = await desk.caller(None, authorization="Bearer ").request(method, path)
    wrong = await open_desk.caller(None, **{"x-cron-secret": "cron"}).request(method, path)

    assert {answer.status_code for answer in (unset, guessed, wrong)} == {403}


async def test_a_cron_call_asks_for_a_run_and_an_unknown_schedule_for_nothing(open_desk: Desk) -> None:
    program = open_desk.caller(None, **{"x-cron-secret": "cron secret"})

    hourly = await program.get("/api/cron/run", params={"schedule": "hourly"})
    weekly = await program.get("/api/cron/run", params={"schedule": "weekly"})

    assert (hourly.status_code, weekly.status_code) == (202, 400)
    rows = open_desk.db.read_now(lambda conn: conn.execute(runs.select()).fetchall())
    assert [(row.kind, row.id) for row in rows] == [("cron", hourly.json()["runId"])]


async def test_a_link_clicked_by_somebody_logged_in_runs_nothing(open_desk: Desk) -> None:
    admin = open_desk.caller(Role.ADMIN)

    refused = [await admin.get(path) for path in ("/api/cron/run", "/api/cron/process-jobs")]
    preview = (await admin.get("/api/automation/run-daily")).json()

    assert {answer.status_code for answer in refused} == {403}
    assert (preview["leadsExpiringMatched"], preview["leadsNeedingFollowUp"]) == (0, 0)
    assert open_desk.db.read_now(lambda conn: conn.execute(runs.select()).fetchall()) == []


async def test_process_jobs_says_whether_anybody_works(open_desk: Desk) -> None:
    told = (await open_desk.caller(None, **{"x-cron-secret": "cron secret"}).post("/api/cron/process-jobs")).json()

    assert (told["ok"], told["isRunning"]) == (True, False)
    assert "not running" in told["message"]
    assert {"pending", "processing", "completed", "failed"} <= set(told["stats"])
