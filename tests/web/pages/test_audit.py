"""The audit as people read it: the sums, what disagrees and where to look; made anew when asked for."""

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, select

from leadkeeper.access.roles import Role
from leadkeeper.crm import audit as books
from leadkeeper.crm.audit import Finding
from leadkeeper.crm.provider_calls import Compared
from leadkeeper.store.database import Database
from leadkeeper.store.schema import audit_log, decisions, jobs, messages
from leadkeeper.web.pages import audit as page_of
from tests.web.api.conftest import SARA, Business
from tests.web.conftest import Desk
from tests.web.pages.conftest import said, words
from tests.web.talks import Talk

PAGE = "/admin/automation/audit"


def kept(conn: Connection, **changes: Any) -> books.Audit:
    """An audit of what is there, kept for the console."""
    found = replace(books.audit(conn), **changes)
    books.keep(conn, found)
    return found


def _disagreeing(conn: Connection) -> None:
    talk = Talk(conn, "Daniel", "+971503334455")
    answer = talk.says("We open at 9:00.", 29, "ready")
    talk.hears("When do you open?", 30, "answered", "documents")
    job = conn.execute(select(jobs.c.id)).scalars().first()
    event = conn.execute(select(decisions.c.event_id)).scalar_one()
    findings = [
        Finding("unsent", "messages", 30, [answer]), Finding("stuck_jobs", "jobs", 1, [job or 0]),
        Finding("undecided", "events", 1, [event]), Finding("lost", "events", 1, [4711]),
        Finding("answered_twice", "messages", 0, []),
    ]  # fmt: skip
    kept(conn, findings=findings, calls=12)


def prepare_for_shots(db: Database) -> None:
    """Something to look at."""
    db.write_now(_disagreeing)


async def test_before_the_first_audit_the_page_says_so_and_offers_one(open_desk: Desk) -> None:
    shown = words(await open_desk.caller(Role.ADMIN).get(PAGE))

    assert "No audit has been made yet" in shown
    assert "Audit now" in shown
    assert "Audit now" not in words(await open_desk.caller(Role.AGENT).get(PAGE))
    assert (await open_desk.caller(Role.AGENT).post(PAGE)).status_code == 403


async def test_asked_for_it_is_made_and_its_sums_are_shown(business: Business) -> None:
    for text in ("What are your opening hours?", "Do you repair bicycles?", "STOP"):
        await business.place.says(SARA, text)
        await business.place.idle()
    admin = business.caller(Role.ADMIN)

    told = await said(admin, await admin.post(PAGE))
    await business.place.idle()
    shown = words(await admin.get(PAGE))

    assert "The audit is asked for." in told
    assert "All rows tell the same story" in shown
    assert "Received 3 Stored 3 Decided 3 Answered 1 Handed over 1 Silent 1 Open 0" in shown
    assert "What disagrees" not in shown
    assert "found rows that disagree" not in shown
    asked = await business.place.rows(select(audit_log).where(audit_log.c.action == "audit_asked"))
    assert len(asked) == 1


async def test_asked_twice_while_the_worker_is_away_it_waits_once(open_desk: Desk) -> None:
    admin = open_desk.caller(Role.ADMIN)

    await admin.post(PAGE)
    told = await said(admin, await admin.post(PAGE))

    waiting = open_desk.db.read_now(lambda conn: conn.execute(select(jobs.c.id).where(jobs.c.type == "audit")).fetchall())
    assert len(waiting) == 1
    assert "It is made as soon as the worker runs." in told


async def test_what_disagrees_is_counted_named_and_linked_and_everybody_is_told(open_desk: Desk) -> None:
    open_desk.db.write_now(_disagreeing)
    open_desk.app.state.site.snapshot = None
    viewer = open_desk.caller(Role.VIEWER)

    answer = await viewer.get(PAGE)
    shown = words(answer)

    conversation, message = open_desk.db.read_now(
        lambda conn: conn.execute(select(messages.c.conversation_id, messages.c.id).where(messages.c.direction == "out")).one()
    )
    assert "Rows disagree" in shown
    assert f"Messages to be sent, and no job that sends them 30 Message #{message} and 29 more" in shown
    assert f'href="/inbox/{conversation}#m{message}"' in answer.text
    assert 'href="/admin/automation/jobs/' in answer.text
    assert "Incoming message #4711" in shown
    assert "Answered twice" not in shown
    assert "Compared with 12 calls" in shown
    assert "The last audit found rows that disagree." in words(await viewer.get("/tasks"))


async def test_the_banner_goes_with_the_next_clean_audit(open_desk: Desk) -> None:
    open_desk.db.write_now(_disagreeing)
    open_desk.db.write_now(lambda conn: kept(conn, findings=[]))
    open_desk.app.state.site.snapshot = None

    assert "found rows that disagree" not in words(await open_desk.caller(Role.VIEWER).get(PAGE))


def test_every_finding_has_words() -> None:
    of_calls = {each.name for each in Compared(0, [], [], {}).findings({})}

    assert set(page_of.FINDINGS) == {*books._CHECKS, "stuck_jobs", *of_calls}
