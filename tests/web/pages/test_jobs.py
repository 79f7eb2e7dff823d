"""The list of jobs and the page of one: filters in the address, paging, retry, cancel, settling a send in doubt."""

import re
from typing import Any

import pytest
from sqlalchemy import update

from leadkeeper import clock
from leadkeeper.access.roles import Role
from leadkeeper.queue.listing import STATUSES
from leadkeeper.simulator.behaviour import Step
from leadkeeper.store.schema import jobs, messages
from leadkeeper.web import job_filter
from tests.web.api.conftest import SARA, Business, new_lead
from tests.web.conftest import Desk
from tests.web.pages.conftest import said, words

PAGE = "/admin/automation/jobs"


def listed(text: str) -> list[int]:
    return [int(number) for number in re.findall(r'<tr data-row id="job-(\d+)"', text)]


async def test_an_empty_list_says_how_it_fills(open_desk: Desk) -> None:
    admin = open_desk.caller(Role.ADMIN)

    assert "No jobs yet" in words(await admin.get(PAGE))
    assert "Simulate a customer" in words(await admin.get(PAGE))
    assert "No job is like this" in words(await admin.get(f"{PAGE}?status=failed"))


async def test_the_address_holds_every_filter_and_pages_without_gaps(open_desk: Desk) -> None:
    admin, lead = open_desk.caller(Role.ADMIN), new_lead(open_desk.db)
    made = [(await admin.post("/api/admin/automation/test-job", json={"leadId": lead})).json()["jobId"] for _ in range(120)]
    await admin.post("/api/admin/automation/test-job", json={"type": "purge"})

    seen: list[int] = []
    path: str | None = f"{PAGE}?status=pending&type=inbound_message&lead={lead}&since=1h"
    while path:
        page = await admin.get(path)
        seen += listed(page.text)
        following = re.search(r'href="([^"]+)" rel="next"', page.text)
        path = following[1].replace("&amp;", "&") if following else None

    assert seen == sorted(made, reverse=True)
    first = words(await admin.get(f"{PAGE}?lead={lead}"))
    assert "Lead: Omar Haddad" in first
    assert "Pending 120" in first
    assert "Pending 121" in words(await admin.get(PAGE))


async def test_a_searched_name_leads_to_the_one_lead_or_asks_which(open_desk: Desk) -> None:
    viewer = open_desk.caller(Role.VIEWER)
    omar = new_lead(open_desk.db)
    sara, sally = (new_lead(open_desk.db, f"+9715000000{n}", name) for n, name in ((31, "Sara Ncube"), (32, "Sally Ncube")))

    one = await viewer.get(f"{PAGE}?q=omar&status=failed")
    many = await viewer.get(f"{PAGE}?q=ncube")

    assert one.headers["location"] == f"{PAGE}?status=failed&lead={omar}"
    assert {f"lead={sara}", f"lead={sally}"} <= set(re.findall(r"lead=\d+", many.text))
    assert "Which lead?" in words(many)
    assert "No lead has “nobody at all”" in words(await viewer.get(f"{PAGE}?q=nobody+at+all"))
    by_number = await viewer.get(f"{PAGE}?q={sally}")
    assert f"lead={sally}" in by_number.headers.get("location", "") + by_number.text


@pytest.mark.parametrize(
    "query", ["status=x&type=%00&lead=0&since=3y&next=-1", "lead=99999999999999999999", "next=1e5&q=%25%25", "lead=²"]
)
async def test_an_address_that_means_nothing_still_opens(open_desk: Desk, query: str) -> None:
    page = await open_desk.caller(Role.VIEWER).get(f"{PAGE}?{query}")

    assert page.status_code in (200, 303)


def test_a_filter_keeps_its_parts_in_its_address() -> None:
    asked = job_filter.of({"status": "failed", "type": "send", "lead": "5", "since": "24h", "error": "a & b", "next": "9"})

    assert asked.query() == "?status=failed&type=send&lead=5&since=24h&error=a+%26+b"
    assert asked.query(status="", error="", next=4) == "?type=send&lead=5&since=24h&next=4"
    assert job_filter.of({}).query() == "?"
    assert {job_filter.of({"status": each}).status for each in STATUSES} == set(STATUSES)


async def test_rows_are_acted_on_where_they_stand(open_desk: Desk) -> None:
    admin = open_desk.caller(Role.ADMIN)
    job_id = (await admin.post("/api/admin/automation/test-job", json={})).json()["jobId"]
    assert "<form" not in re.findall(r"<tbody>.*</tbody>", (await open_desk.caller(Role.AGENT).get(PAGE)).text, re.S)[0]

    back = f"{PAGE}?status=pending"
    told = await said(admin, await admin.post(f"{PAGE}/{job_id}/cancel", data={"back": back}))
    again = await admin.post(f"{PAGE}/{job_id}/cancel", data={"back": back})
    ended = await said(admin, again)
    retried = await said(admin, await admin.post(f"{PAGE}/{job_id}/retry"))

    assert f"Job {job_id} is cancelled." in told
    assert again.headers["location"] == back
    assert "This job has ended" in ended
    assert "Only a failed job can be tried again" in retried
    assert (await open_desk.caller(Role.AGENT).post(f"{PAGE}/{job_id}/retry")).status_code == 403


async def test_a_refusal_is_told_in_arabic_too(open_desk: Desk) -> None:
    admin = open_desk.caller(Role.ADMIN)
    job_id = (await admin.post("/api/admin/automation/test-job", json={})).json()["jobId"]
    await admin.post("/look", data={"language": "ar"})

    told = await said(admin, await admin.post(f"{PAGE}/{job_id}/retry"))

    assert "لم يعد هذا ممكنًا" in told


async def test_the_page_of_a_job_tells_its_whole_story(business: Business) -> None:
    await business.place.says(SARA, "What are your opening hours?")
    await business.place.idle()
    viewer = business.caller(Role.VIEWER)
    reply = (await viewer.get("/api/admin/automation/jobs", params={"type": "reply"})).json()["jobs"][0]["id"]

    page = await viewer.get(f"{PAGE}/{reply}")

    told = words(page)[words(page).index("The whole story") :]
    parts = ["Came in", "What are your opening hours?", "Decided", "Answered", "Rules", "Answer from the training documents",
             "answer asked for", "Looked up", "Questions", "used", "We are open Monday to Friday"]  # fmt: skip
    places = [told.find(part) for part in parts]
    assert -1 not in places
    assert places == sorted(places)
    assert "conversationId" in told
    assert "<form" not in page.text.split("<main", 1)[1].split("</main>", 1)[0]


async def test_a_reply_that_handed_over_shows_what_was_asked(business: Business) -> None:
    await business.place.says(SARA, "Do you repair bicycles on the moon?")
    await business.place.idle()
    viewer = business.caller(Role.VIEWER)
    reply = (await viewer.get("/api/admin/automation/jobs", params={"type": "reply"})).json()["jobs"][0]["id"]

    told = words(await viewer.get(f"{PAGE}/{reply}"))

    assert "Do you repair bicycles on the moon?" in told
    assert "Handed over" in told
    assert "Told the customer" in told


@pytest.mark.parametrize("asked", ["Do you repair bicycles on the moon?", "I want to talk to a person"])
async def test_the_send_of_a_hand_over_notice_tells_why_it_was_written(business: Business, asked: str) -> None:
    await business.place.says(SARA, asked)
    await business.place.idle()
    viewer = business.caller(Role.VIEWER)
    send = (await viewer.get("/api/admin/automation/jobs", params={"type": "send"})).json()["jobs"][0]["id"]

    page = words(await viewer.get(f"{PAGE}/{send}"))

    told = page[page.index("The whole story") :]
    parts = ["Came in", asked, "Decided", "Handed over", "Rules", "Told the customer"]
    places = [told.find(part) for part in parts]
    assert -1 not in places
    assert places == sorted(places)


async def test_the_send_of_an_answer_that_was_refused_still_tells_whom_it_answered(business: Business) -> None:
    business.place.provider.script(SARA, [Step("error", times=1, status=400, code=131026)])
    await business.place.says(SARA, "What are your opening hours?")
    await business.place.idle()
    viewer = business.caller(Role.VIEWER)
    sends = (await viewer.get("/api/admin/automation/jobs", params={"type": "send", "status": "failed"})).json()["jobs"]

    page = words(await viewer.get(f"{PAGE}/{sends[0]['id']}"))

    told = page[page.index("The whole story") :]
    parts = ["Came in", "What are your opening hours?", "Decided", "Handed over", "Rules", "Looked up", "Failed"]
    places = [told.find(part) for part in parts]
    assert -1 not in places
    assert places == sorted(places)


async def test_a_failed_job_shows_why_each_try_did_not_work_out(business: Business) -> None:
    admin = business.caller(Role.ADMIN)
    job_id = (await admin.post("/api/admin/automation/test-job", json={"leadId": 999999})).json()["jobId"]
    await business.place.idle()

    told = words(await admin.get(f"{PAGE}/{job_id}"))

    assert "Tries that did not work out" in told
    assert "there is no lead 999999" in told
    assert "for good" in told


async def test_a_job_that_is_not_there_is_a_404_page(open_desk: Desk) -> None:
    assert (await open_desk.caller(Role.VIEWER).get(f"{PAGE}/987654")).status_code == 404


async def doubtful_send(business: Business) -> dict[str, Any]:
    """The `send` job of an answer nobody knows the fate of."""
    business.place.provider.script(SARA, [Step("error", times=1, status=400, code=131026)])
    await business.place.says(SARA, "What are your opening hours?")
    await business.place.idle()
    job: dict[str, Any] = (await business.caller(Role.VIEWER).get("/api/admin/automation/jobs", params={"type": "send"})).json()[
        "jobs"
    ][-1]
    doubt = update(messages).where(messages.c.id == job["data"]["messageId"]).values(state="needs_human")
    await business.place.db.write(lambda conn: conn.execute(doubt))
    return job


async def test_a_send_in_doubt_is_settled_here_and_never_retried(business: Business) -> None:
    job = await doubtful_send(business)
    agent, admin = business.caller(Role.AGENT), business.caller(Role.ADMIN)
    path, message = f"{PAGE}/{job['id']}", job["data"]["messageId"]

    page = await agent.get(path)
    assert "Nobody knows whether this message arrived." in words(page)
    assert f"{message}/settle" in page.text
    assert f"{message}/settle" not in (await business.caller(Role.VIEWER).get(path)).text
    refused = await said(admin, await admin.post(f"{path}/retry"))
    assert "Settle that first" in refused
    settle = f"/admin/automation/messages/{message}/settle"
    assert (await business.caller(Role.VIEWER).post(settle, data={"how": "arrived"})).status_code == 403

    told = await said(agent, await agent.post(settle, data={"how": "arrived", "back": path}))
    twice = await said(agent, await agent.post(settle, data={"how": "resend", "back": path}))

    assert "Noted: it arrived." in told
    assert "Accepted" in told
    assert "not in doubt" in twice


async def test_a_send_that_did_not_arrive_is_sent_once_more(business: Business) -> None:
    job = await doubtful_send(business)
    agent = business.caller(Role.AGENT)
    message, calls = job["data"]["messageId"], business.place.calls()

    await agent.post(f"/admin/automation/messages/{message}/settle", data={"how": "resend"})
    await business.place.idle()

    assert business.place.calls() == calls + 1


async def test_a_held_back_job_says_so(open_desk: Desk) -> None:
    admin = open_desk.caller(Role.ADMIN)
    job_id = (await admin.post("/api/admin/automation/test-job", json={})).json()["jobId"]

    open_desk.db.write_now(lambda conn: conn.execute(update(jobs).where(jobs.c.id == job_id).values(run_at=clock.FAR)))

    assert "held back" in words(await admin.get(PAGE))
    assert "held back until its account is resumed" in words(await admin.get(f"{PAGE}/{job_id}"))
