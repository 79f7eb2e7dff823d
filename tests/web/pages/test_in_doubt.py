"""Sends in doubt: what is known stands there, a person settles each and may take it back while nothing has come of it."""

import re
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select, update

from leadkeeper import clock
from leadkeeper.access.roles import Role
from leadkeeper.crm import accounts, composing, doubts, outbox, receipts, tasks
from leadkeeper.crm import messages as book
from leadkeeper.crm.receipts import Receipt
from leadkeeper.jobs import delivery, record
from leadkeeper.store.schema import conversations, decisions, jobs
from leadkeeper.web.pages import in_doubt
from tests.web.api.conftest import new_thread
from tests.web.conftest import Desk
from tests.web.pages.conftest import said, words
from tests.web.talks import Talk

PAGE = "/admin/automation/in-doubt"
API = "/api/messages"


def doubt(desk: Desk, text: str = "We open at nine.", *, asked: bool = True, reason: str = "ReadTimeout") -> int:
    """An answer whose call ended without a clear word; `asked`: ten minutes ago, so a person is asked."""
    conversation, _ = new_thread(desk.db)
    return desk.db.write_now(_doubt, conversation, text, asked, reason)


def _doubt(conn: Connection, conversation: int, text: str, asked: bool, reason: str) -> int:
    draft = composing.Draft(conversation, "ai", "reply", text, f"reply:{conversation}:{text}")
    message = outbox.write(conn, draft)
    assert message is not None
    (job,) = conn.execute(select(jobs.c.id).where(jobs.c.type == "send").order_by(jobs.c.id.desc()).limit(1)).scalars()
    book.begin_attempts(conn, [(message, job)])
    conn.execute(update(jobs).where(jobs.c.id == job).values(status="completed", head=False, completed_at=clock.now()))
    record.record_unknown(conn, message, reason)
    if asked:
        book.needs_human(conn, message)
        delivery.ask_person(conn, message)
    return message


def state_of(desk: Desk, message: int) -> Any:
    return desk.db.read_now(book.get, message)


async def test_what_is_known_of_each_send_stands_there(open_desk: Desk) -> None:
    first, second = (
        doubt(open_desk),
        doubt(open_desk, "The price is 4,200.", asked=False, reason="the worker died while sending it"),
    )
    open_desk.db.write_now(
        lambda conn: receipts.keep(
            conn,
            [Receipt(accounts.ensure(conn, "test", "test", "Test account"), "x1", "failed", f"{first}.1", error="no route")],
        )
    )

    page = words(await open_desk.caller(Role.VIEWER).get(PAGE))

    assert "All 2 A person is asked 1 The provider may still say 1" in page
    assert page.index("We open at nine.") < page.index("The price is 4,200.")
    for known in ("Lina", "+971500000077", "ReadTimeout", f"token {first}.1", "no route", "has said nothing"):
        assert known in page, known
    assert "the worker died while sending it" in page
    assert re.search(r"Looked at next in (9|10) min", page)
    assert "It arrived" not in page
    narrowed = words(await open_desk.caller(Role.VIEWER).get(PAGE, params={"state": "unknown"}))
    assert ("The price is 4,200." in narrowed, "We open at nine." in narrowed) == (True, False)
    assert second > first


async def test_it_arrived_is_said_and_taken_back(open_desk: Desk) -> None:
    message = doubt(open_desk)
    agent = open_desk.caller(Role.AGENT)

    settled = await said(
        agent, await agent.post(f"/admin/automation/messages/{message}/settle", data={"how": "arrived", "back": PAGE})
    )
    open_before = open_desk.db.read_now(tasks.count_open)
    back = await said(agent, await agent.post(f"/admin/automation/messages/{message}/unsettle", data={"back": PAGE}))

    assert "Nothing is in doubt" in settled
    assert "It arrived by Agent" in settled
    assert "Take back" in settled
    assert "Taken back" in back
    assert "ReadTimeout" in back
    assert (open_before, open_desk.db.read_now(tasks.count_open)) == (0, 1)
    row = state_of(open_desk, message)
    assert (row.state, row.reason) == ("needs_human", "ReadTimeout")


def _asked(conn: Connection) -> tuple[int, int]:
    """(conversation, its answer in doubt) of somebody who asked half an hour ago."""
    talk = Talk(conn, "Daniel", "+971503334455")
    talk.hears("When do you open?", 30, "answered", "documents")
    answer = talk.says("We open at 9:00.", 29, "needs_human")
    conn.execute(update(decisions).values(answer_id=answer))
    return talk.id, answer


async def test_who_waited_for_the_answer_waits_again_when_its_arrival_is_taken_back(open_desk: Desk) -> None:
    conversation, message = open_desk.db.write_now(_asked)
    waits = select(conversations.c.unanswered_since).where(conversations.c.id == conversation)
    agent = open_desk.caller(Role.AGENT)

    await agent.post(f"{API}/{message}/settle", json={"how": "arrived"})
    arrived = open_desk.db.read_now(lambda conn: conn.execute(waits).scalar_one())
    await agent.post(f"{API}/{message}/unsettle")

    since = open_desk.db.read_now(lambda conn: conn.execute(waits).scalar_one())
    assert (arrived, round((clock.now() - since) / timedelta(minutes=1))) == (None, 30)


async def test_a_resend_is_taken_back_until_it_leaves(open_desk: Desk) -> None:
    message = doubt(open_desk)
    agent = open_desk.caller(Role.AGENT)

    assert (await agent.post(f"{API}/{message}/settle", json={"how": "resend"})).json()["message"]["state"] == "ready"
    undone = await agent.post(f"{API}/{message}/unsettle")
    await agent.post(f"{API}/{message}/settle", json={"how": "resend"})
    (job,) = open_desk.db.read_now(
        lambda conn: list(
            conn.execute(
                select(jobs.c.id).where(jobs.c.head, jobs.c.type == "send", jobs.c.key.is_not(None), jobs.c.status == "pending")
            ).scalars()
        )
    )
    open_desk.db.write_now(book.begin_attempts, [(message, job)])
    late = await agent.post(f"{API}/{message}/unsettle")

    assert undone.json()["message"]["state"] == "needs_human"
    assert (late.status_code, state_of(open_desk, message).state) == (409, "sending")
    assert "cannot be taken back: the provider has it" in words(await agent.get(PAGE))


async def test_what_the_provider_has_confirmed_cannot_be_taken_back(open_desk: Desk) -> None:
    message = doubt(open_desk)
    agent = open_desk.caller(Role.AGENT)
    await agent.post(f"{API}/{message}/settle", json={"how": "arrived"})
    account = state_of(open_desk, message).account_id
    open_desk.db.write_now(
        lambda conn: (
            receipts.keep(conn, [Receipt(account, "x9", "delivered", f"{message}.1")]),
            record.settle(conn, [message]),
        )
    )

    late = await agent.post(f"{API}/{message}/unsettle")

    assert (late.status_code, late.json()["code"]) == (409, "conflict")
    assert state_of(open_desk, message).state == "delivered"
    assert "something has come of it" in words(await agent.get(PAGE))


async def test_nobody_settles_what_is_not_in_doubt_and_only_agents_do(open_desk: Desk) -> None:
    message = doubt(open_desk)
    agent, viewer = open_desk.caller(Role.AGENT), open_desk.caller(Role.VIEWER)

    assert (await agent.post(f"{API}/{message}/unsettle")).status_code == 409
    assert (await viewer.post(f"{API}/{message}/unsettle")).status_code == 403
    assert (await viewer.post(f"/admin/automation/messages/{message}/unsettle")).status_code == 403
    assert (await agent.post(f"{API}/999/unsettle")).status_code == 404


async def test_the_list_is_paged_and_told_by_json(open_desk: Desk) -> None:
    ids = [doubt(open_desk, f"Message {number}", asked=number % 2 == 0) for number in range(5)]
    viewer = open_desk.caller(Role.VIEWER)

    first = (await viewer.get(f"{API}/in-doubt", params={"limit": 3})).json()
    second = (await viewer.get(f"{API}/in-doubt", params={"limit": 3, "next": first["next"]})).json()
    asked = (await viewer.get(f"{API}/in-doubt", params={"state": "needs_human"})).json()

    assert [each["id"] for each in first["messages"] + second["messages"]] == ids
    assert (second["next"], first["counts"]) == (None, {"unknown": 2, "needsHuman": 3})
    assert [each["id"] for each in asked["messages"]] == ids[::2]
    one = first["messages"][1]
    assert (one["state"], one["reason"], one["attempt"], one["token"]) == ("unknown", "ReadTimeout", 1, f"{ids[1]}.1")
    assert datetime.fromisoformat(one["nextLookAt"]) > clock.now() + timedelta(minutes=9)


async def test_a_long_list_goes_on_on_the_next_page(open_desk: Desk) -> None:
    for number in range(in_doubt.PER_PAGE + 1):
        doubt(open_desk, f"Message {number:02d}.")
    viewer = open_desk.caller(Role.VIEWER)

    first = await viewer.get(PAGE)
    after = open_desk.db.read_now(doubts.page, None, 0, in_doubt.PER_PAGE)[1]
    second = words(await viewer.get(PAGE, params={"from": str(after)}))

    assert f"?from={after}" in first.text
    assert ("Message 00." in second, f"Message {in_doubt.PER_PAGE}." in second, "First page" in second) == (False, True, True)


async def test_it_is_told_where_people_look(open_desk: Desk) -> None:
    viewer = open_desk.caller(Role.VIEWER)
    empty = [words(await viewer.get(path)) for path in (PAGE, "/admin/automation", "/inbox?view=needs_human")]
    doubt(open_desk)
    open_desk.app.state.site.snapshot = None

    automation, inbox = [await viewer.get(path) for path in ("/admin/automation", "/inbox?view=needs_human")]

    assert "Nothing is in doubt" in empty[0]
    assert all("may not have arrived" not in page for page in empty)
    assert "Sends in doubt 1" in words(automation)
    assert "1 message may not have arrived, and the provider does not say." in words(automation)
    assert "1 message may not have arrived. Settle them" in words(inbox)
