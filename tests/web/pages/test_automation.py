"""The machine room: what it shows to whom, and every act by a plain form."""

import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from leadkeeper import clock
from leadkeeper.access.roles import Role
from leadkeeper.jobs import restored
from leadkeeper.queue import control
from leadkeeper.queue.control import WorkerRow
from leadkeeper.store.schema import jobs
from leadkeeper.web.cron_words import said as said_cron
from leadkeeper.web.watch import worker_state
from tests.web.api.conftest import Business
from tests.web.conftest import Desk
from tests.web.pages.conftest import said, words

PAGE = "/admin/automation"


async def test_a_viewer_sees_the_machine_and_is_offered_no_act(open_desk: Desk) -> None:
    page = await open_desk.caller(Role.VIEWER).get(PAGE)

    assert page.status_code == 200
    assert "Recurring work" in words(page)
    assert "every 10 minutes" in words(page)
    main = page.text.split("<main", 1)[1].split("</main>", 1)[0]
    assert "<form" not in main
    refused = await open_desk.caller(Role.AGENT).post(f"{PAGE}/worker", data={"action": "stop"})
    assert refused.status_code == 403


async def test_stop_and_start_are_forms_that_say_what_they_did(open_desk: Desk) -> None:
    admin = open_desk.caller(Role.ADMIN)

    stopped = await said(admin, await admin.post(f"{PAGE}/worker", data={"action": "stop"}))
    assert open_desk.db.read_now(control.desired) == "stopped"
    started = await said(admin, await admin.post(f"{PAGE}/worker", data={"action": "start"}))

    assert "Worker is stopped" in stopped
    assert "What it was doing is finished first." in stopped
    assert "Worker is silent" in started
    assert open_desk.db.read_now(control.desired) == "running"


async def test_a_worker_held_by_its_start_is_stopped_not_silent(open_desk: Desk) -> None:
    now = clock.now()
    held = WorkerRow("w1", "host", 1, "0", "stopped", 0, 0, now, now)

    open_desk.db.write_now(control.beat, held)

    assert open_desk.db.read_now(worker_state) == {"worker": "stopped"}


async def test_the_counters_lead_to_the_lists_they_count(quiet: Business) -> None:
    admin = quiet.caller(Role.ADMIN)
    for _ in range(3):
        await admin.post("/api/admin/automation/test-job", json={})

    page = await admin.get(PAGE)

    href, value = re.findall(r'href="([^"]+status=pending)".*?data-stat="pending">([\d,]+)<', page.text, re.S)[0]
    listed = await admin.get(href)
    assert int(value) == 3
    assert len(re.findall(r"<tr data-row", listed.text)) == 3


async def test_run_now_leads_to_its_run_and_a_dry_run_says_that_nothing_is_sent(business: Business) -> None:
    admin = business.caller(Role.ADMIN)

    real = await admin.post(f"{PAGE}/run", data={})
    dry = await admin.post(f"{PAGE}/run", data={"dry": "1"})
    await business.place.idle()

    assert re.fullmatch(r"/admin/automation/runs/\d+", real.headers["location"])
    assert "Completed" in await said(admin, real)
    told = await said(admin, dry)
    assert "nothing was sent" in told
    assert "Run it for real…" in told


async def failed_jobs(business: Business, count: int) -> None:
    for number in range(count):
        await business.caller(Role.ADMIN).post("/api/admin/automation/test-job", json={"leadId": 999990 + number})
    await business.place.idle()


async def test_failures_stand_together_by_error_and_are_retried_together(business: Business) -> None:
    await failed_jobs(business, 3)
    admin = business.caller(Role.ADMIN)
    page = await admin.get(PAGE)
    assert "Retry 3 failed jobs" in words(page)
    error = re.search(r'name="error" value="([^"]+)"', page.text)
    assert error is not None
    await admin.post(f"{PAGE}/worker", data={"action": "stop"})

    told = await said(admin, await admin.post(f"{PAGE}/failures/retry", data={"type": "inbound_message", "error": error[1]}))

    assert "3 jobs are queued again." in told
    again = await business.place.rows(jobs.select().where(jobs.c.type == "inbound_message", jobs.c.status == "failed"))
    assert again == []


async def test_an_error_of_several_lines_is_found_again_however_the_browser_ends_its_lines(business: Business) -> None:
    await failed_jobs(business, 1)
    await business.place.db.write(
        lambda conn: conn.execute(update(jobs).where(jobs.c.status == "failed").values(error="first line\nsecond <line>"))
    )
    admin = business.caller(Role.ADMIN)
    assert "second &lt;line&gt;" in (await admin.get(PAGE)).text

    body = {"type": "inbound_message", "error": "first line\r\nsecond <line>"}
    told = await said(admin, await admin.post(f"{PAGE}/failures/retry", data=body))

    assert "1 job is queued again." in told


async def test_arabic_readers_read_arabic(open_desk: Desk) -> None:
    caller = open_desk.caller(Role.VIEWER)
    await caller.post("/look", data={"language": "ar"})

    page = await caller.get(PAGE)

    assert 'lang="ar" dir="rtl"' in page.text
    assert "الأعمال المتكررة" in page.text
    assert "Recurring work" not in page.text


@pytest.mark.parametrize(
    ("cron", "en"),
    [
        ("*/10 * * * *", "every 10 minutes"),
        ("* * * * *", "every minute"),
        ("5 * * * *", "every hour, 5 minutes past"),
        ("0 */6 * * *", "every 6 hours"),
        ("30 3 * * *", "every day at 03:30"),
        ("0 9 * * 1", "every Monday at 09:00"),
        ("0 9 * * 7", "every Sunday at 09:00"),
        ("0 9 15 * *", "on day 15 of each month at 09:00"),
        ("0 9 1 * 1", "0 9 1 * 1"),
        ("0 9 1-5 * *", "0 9 1-5 * *"),
        ("5 * 1 * *", "5 * 1 * *"),
        ("*/5 9 * * *", "*/5 9 * * *"),
        ("*/5 */2 * * *", "*/5 */2 * * *"),
    ],
)
def test_a_schedule_is_said_in_words_or_as_it_stands(cron: str, en: str) -> None:
    assert said_cron("en", cron) == en


async def test_a_restored_database_says_so_on_every_page_until_start_is_pressed(open_desk: Desk) -> None:
    horizon = datetime(2027, 3, 10, 2, 0, tzinfo=UTC)
    open_desk.db.write_now(restored.follow, "archive", horizon)
    admin = open_desk.caller(Role.ADMIN)

    shown = await admin.get("/knowledge")
    by_json = await admin.get("/api/admin/automation/worker")
    await admin.post("/admin/automation/worker", data={"action": "start"})
    after = await admin.get("/knowledge")

    assert "Restored from the backup of 2027-03-10 02:00 UTC" in shown.text
    assert "look at the inbox, then press Start" in shown.text
    assert by_json.json()["pausedBecause"] == "restored"
    assert "Restored from the backup" not in after.text


async def test_an_old_database_put_back_by_hand_says_so(open_desk: Desk) -> None:
    open_desk.db.write_now(restored.follow, "hand", None)

    shown = await open_desk.caller(Role.VIEWER).get("/knowledge")

    assert "An old database was put back." in shown.text
