"""Set-up in steps, the example in one click, and the phone that writes to the real pipeline."""

import pytest
from sqlalchemy import Connection

from leadkeeper.access.roles import Role
from leadkeeper.crm import accounts, contacts, conversations, leads, simulated
from leadkeeper.example import business
from leadkeeper.example.clear import present
from leadkeeper.knowledge import documents
from leadkeeper.store import schema as tables
from leadkeeper.store import settings_rows
from leadkeeper.web import checklist, phone_view
from tests.web.conftest import Desk

HOURS = {f"{part}_{day}": value for day in ("mon", "tue") for part, value in (("open", "1"), ("from", "08:30"), ("to", "17:00"))}
PRIYA = business.people()[0].wa_id


def priya_waits_for_a_person(conn: Connection) -> None:
    (account_id,) = simulated.ids(conn)
    contact_id = contacts.resolve(conn, account_id, [(PRIYA, "wa_id")])
    lead_id = leads.for_contact(conn, contact_id, "whatsapp")
    conversation_id, _ = conversations.open_one(
        conn, contact_id=contact_id, account_id=account_id, lead_id=lead_id, address=PRIYA, language="en"
    )
    conn.execute(tables.conversations.update().where(tables.conversations.c.id == conversation_id).values(owner="nobody"))


def real_number(conn: Connection) -> None:
    accounts.ensure(conn, "whatsapp", "100200", "Main number", base_url="https://graph.facebook.com")


async def test_business_step_keeps_name_zone_and_hours_and_goes_on(desk: Desk) -> None:
    form = {"name": "Palm Typing", "timezone": "Asia/Dubai", **HOURS}

    answer = await desk.caller(Role.OWNER).post("/setup/business", data=form)

    rows = desk.db.read_now(settings_rows.load)
    assert (answer.status_code, answer.headers["location"]) == (303, "/setup/document")
    assert (rows["business_name"], rows["timezone"]) == ("Palm Typing", "Asia/Dubai")
    assert rows["business_hours"] == {"mon": ["08:30", "17:00"], "tue": ["08:30", "17:00"]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": ""}, "Enter the name customers know."),
        ({"timezone": "Dubai"}, "This is no time zone."),
        ({"to_mon": "07:00"}, "Each open day needs two times"),
        ({"from_mon": "soon"}, "Each open day needs two times"),
    ],
)
async def test_business_step_names_the_bad_field_and_keeps_nothing(desk: Desk, change: dict[str, str], words: str) -> None:
    form = {"name": "Palm Typing", "timezone": "Asia/Dubai", **HOURS, **change}

    answer = await desk.caller(Role.OWNER).post("/setup/business", data=form)

    assert answer.status_code == 400
    assert words in answer.text
    assert desk.db.read_now(settings_rows.get, "business_name") is None


async def test_document_step_takes_a_text_or_a_file_and_refuses_neither(desk: Desk) -> None:
    owner = desk.caller(Role.OWNER)

    pasted = await owner.post("/setup/document", data={"content": "When are you open?\nEvery day."})
    uploaded = await owner.post("/setup/document", files={"file": ("faq.csv", b"question,answer\nWhen?,Now.\n", "text/csv")})
    neither = await owner.post("/setup/document", data={"content": " "})

    assert [pasted.status_code, uploaded.status_code, neither.status_code] == [303, 303, 400]
    assert [document.title for document in desk.db.read_now(documents.list_all)] == ["faq", "When are you open?"]


async def test_steps_after_the_first_account_are_for_admins(desk: Desk) -> None:
    agent = desk.caller(Role.AGENT)

    answers = [await agent.get(path) for path in ("/setup/business", "/setup/document", "/setup/try", "/simulate")]

    assert {answer.status_code for answer in answers} == {403}


async def test_checklist_says_what_the_rows_say(desk: Desk) -> None:
    def done() -> dict[str, bool]:
        return {item.name: item.done for item in desk.db.read_now(checklist.read)}

    before = done()
    desk.db.write_now(settings_rows.save, "business_name", "Palm Typing")

    assert before["business"] is False
    assert done()["business"] is True


async def test_example_comes_with_one_click_and_goes_with_one(desk: Desk) -> None:
    owner = desk.caller(Role.OWNER)

    came = await owner.post("/setup/example", data={})
    banner = (await owner.get("/simulate")).text
    there = desk.db.read_now(present)
    went = await owner.post("/setup/demo/clear", data={})

    assert (came.headers["location"], there) == ("/simulate", True)
    assert "Clear demo data" in banner
    assert went.status_code == 303
    assert not desk.db.read_now(present)
    assert "Clear demo data" not in (await owner.get("/simulate")).text


async def test_invented_documents_are_not_loaded_where_real_customers_write(desk: Desk) -> None:
    owner = desk.caller(Role.OWNER)
    desk.db.write_now(real_number)

    answer = await owner.post("/setup/example", data={})
    page = (await owner.get(answer.headers["location"])).text

    assert answer.headers["location"] == "/setup/business"
    assert "Main number is connected: its customers would be answered from invented documents." in page
    assert not desk.db.read_now(present)


async def test_a_real_number_beside_the_example_is_warned_of_on_every_page(desk: Desk) -> None:
    owner = desk.caller(Role.OWNER)
    await owner.post("/setup/example", data={})
    desk.db.write_now(real_number)
    desk.app.state.site.reread()

    page = (await owner.get("/profile")).text

    assert "Example documents are in use, and the customers of Main number are answered from them." in page
    assert "nothing is sent to anyone" not in page


async def test_a_viewer_sees_that_data_is_invented_but_cannot_clear_it(desk: Desk) -> None:
    await desk.caller(Role.OWNER).post("/setup/example", data={})
    viewer = desk.caller(Role.VIEWER)

    page = (await viewer.get("/profile")).text
    refused = await viewer.post("/setup/demo/clear", data={})

    assert "Example data is in the inbox" in page
    assert "Clear demo data" not in page
    assert refused.status_code == 403


async def test_provider_is_mounted_only_while_there_is_a_simulated_account(desk: Desk) -> None:
    owner, stranger = desk.caller(Role.OWNER), desk.caller()
    before = await stranger.get("/simulated/v26.0/123")
    await owner.post("/setup/example", data={})

    during = await stranger.get("/simulated/v26.0/123")
    control = await stranger.get("/simulated/sim/log")
    await owner.post("/setup/demo/clear", data={})

    assert (before.status_code, during.status_code) == (404, 401)
    assert control.status_code == 404
    assert (await stranger.get("/simulated/v26.0/123")).status_code == 404


async def test_an_empty_message_is_told_and_changes_nothing(desk: Desk) -> None:
    answer = await desk.caller(Role.OWNER).post("/simulate/say", data={"as": PRIYA, "text": "  "})

    assert answer.status_code == 400
    assert desk.db.read_now(simulated.ids) == []


async def test_phone_says_why_nothing_happens_while_the_worker_is_stopped(desk: Desk) -> None:
    owner = desk.caller(Role.OWNER)
    await owner.post("/admin/automation/worker", data={"action": "stop"})

    page = (await owner.get("/simulate")).text

    assert "nothing is answered until it is started" in page


async def test_phone_shows_nobody_typing_while_the_worker_is_stopped(desk: Desk) -> None:
    owner = desk.caller(Role.OWNER)
    await owner.post("/setup/example", data={})
    await owner.post("/simulate/say", data={"as": PRIYA, "text": "hello"})
    desk.app.state.site.reread()

    page = (await owner.get(f"/simulate?as={PRIYA}")).text

    assert "hello" in page
    assert "An answer is being written" not in page


async def test_a_newcomer_plays_somebody_of_their_language_whom_the_ai_answers(desk: Desk) -> None:
    owner = desk.caller(Role.OWNER)
    await owner.post("/setup/example", data={})
    english = [one for one in phone_view.people() if one.language == "en"]
    at_first = await owner.get("/simulate")
    desk.db.write_now(priya_waits_for_a_person)

    later = await owner.get("/simulate")
    part = await owner.get("/simulate", headers={"x-swap": "phone"})

    assert at_first.status_code == part.status_code == 200
    assert later.headers["location"] == f"/simulate?as={next(one.wa_id for one in english if one.wa_id != PRIYA)}"
    assert (await owner.get(f"/simulate?as={PRIYA}")).status_code == 200
