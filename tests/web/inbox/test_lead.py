"""The lead beside its conversation: what a person enters is theirs, what is wrong is named, what expires is kept."""

from collections.abc import Mapping
from datetime import UTC, date, datetime

from sqlalchemy import Connection

from leadkeeper.access.roles import Role
from leadkeeper.crm import contacts
from tests.web import talks
from tests.web.conftest import Desk
from tests.web.inbox.conftest import card, kinds, lead


def lead_form(desk: Desk, conversation_id: int, **change: str) -> dict[str, str]:
    """The lead's form as the page shows it, with changes."""
    known = lead(desk, conversation_id)
    texts = {
        name: getattr(known, name) or "" for name in ("name", "phone", "email", "nationality", "company", "service", "notes")
    }
    follow = known.next_follow_up_at.strftime("%Y-%m-%dT%H:%M") if known.next_follow_up_at else ""
    more = {"stage": known.stage, "score": str(known.score), "owner_id": str(known.owner_id or ""), "autopilot": "1"}
    facts = {f"fact_{name}": str(value) for name, value in known.fields.items()}
    return {**texts, **more, **facts, "next_follow_up_at": follow, **change}


async def test_a_person_changes_the_lead_and_only_what_changed_is_theirs(desk: Desk, shown: Mapping[str, int]) -> None:
    agent, rich = desk.caller(Role.AGENT), shown["rich"]
    change = {
        "stage": "proposal_sent", "company": "Palm Trading", "next_follow_up_at": "2027-01-05T09:30", "fact_visas": "3",
        "new_fact": "budget", "new_value": "20,000",
    }  # fmt: skip

    saved = await agent.post(f"/inbox/{rich}/lead", data=lead_form(desk, rich, **change))

    known = lead(desk, rich)
    assert saved.status_code == 303
    assert (known.stage, known.company, known.score) == ("proposal_sent", "Palm Trading", 75)
    assert known.next_follow_up_at == datetime(2027, 1, 5, 9, 30, tzinfo=UTC)
    assert known.fields == {"visas": "3", "partners": 1, "budget": "20,000"}
    assert set(known.set_by_person) == {"service", "stage", "email", "company", "visas", "budget"}
    page = (await agent.get(f"/inbox/{rich}")).text
    assert "Agent</bdi> changed" in page
    assert "Palm Trading" in page


async def test_a_form_that_changes_nothing_writes_nothing(desk: Desk, shown: Mapping[str, int]) -> None:
    before = lead(desk, shown["rich"])

    answer = await desk.caller(Role.AGENT).post(f"/inbox/{shown['rich']}/lead", data=lead_form(desk, shown["rich"]))

    assert answer.status_code == 303
    assert lead(desk, shown["rich"]) == before


async def test_bad_fields_of_the_lead_are_named_and_nothing_is_changed(desk: Desk, shown: Mapping[str, int]) -> None:
    agent, rich, before = desk.caller(Role.AGENT), shown["rich"], lead(desk, shown["rich"])
    wrong = {"email": "nobody", "phone": "call me", "score": "101", "stage": "won", "next_follow_up_at": "soon", "company": "P"}

    answer = await agent.post(f"/inbox/{rich}/lead", data=lead_form(desk, rich, **wrong))

    assert answer.status_code == 400
    assert 'class="edit" open' in answer.text
    for words in ("Enter an e-mail address", "digits with the country code", "out of range", "Choose one", "a date and a time"):
        assert words in answer.text
    assert lead(desk, rich) == before


async def test_an_owner_who_may_not_is_refused_beside_the_field(desk: Desk, shown: Mapping[str, int]) -> None:
    viewer = (await desk.caller(Role.VIEWER).get("/api/auth/me")).json()["user"]["id"]
    form = lead_form(desk, shown["rich"], owner_id=str(viewer))

    answer = await desk.caller(Role.AGENT).post(f"/inbox/{shown['rich']}/lead", data=form)

    assert (answer.status_code, "no such agent" in answer.text) == (400, True)


async def test_expiries_are_added_changed_and_removed(desk: Desk, shown: Mapping[str, int]) -> None:
    agent, path = desk.caller(Role.AGENT), f"/inbox/{shown['rich']}/expiry"

    added = await agent.post(path, data={"kind": "medical", "expires_on": "2027-03-01"})
    changed = await agent.post(path, data={"kind": "visa", "expires_on": "2027-04-01"})
    removed = await agent.post(f"{path}/remove", data={"kind": "passport"})
    bad = await agent.post(path, data={"kind": "moon", "expires_on": "1066-10-14"})

    found = {each.kind: (each.expires_on, each.source) for each in lead(desk, shown["rich"]).expiries}
    assert [answer.status_code for answer in (added, changed, removed, bad)] == [303, 303, 303, 400]
    assert found["medical"] == (date(2027, 3, 1), "person")
    assert found["visa"] == (date(2027, 4, 1), "person")
    assert "passport" not in found
    assert ("Choose one of the list." in bad.text, "This date is out of range." in bad.text) == (True, True)


async def test_a_person_notes_that_messages_are_unwanted_and_welcome_again(desk: Desk, shown: Mapping[str, int]) -> None:
    agent, path = desk.caller(Role.AGENT), f"/inbox/{shown['arabic']}"
    contact = card(desk, shown["arabic"]).contact_id

    await agent.post(f"{path}/consent", data={"wanted": "no"})
    out = desk.db.read_now(contacts.get, contact)
    page = (await agent.get(path)).text
    await agent.post(f"{path}/consent", data={"wanted": "yes"})

    assert (out.opted_out_at is not None, out.opted_out_by) == (True, "person")
    assert "A colleague noted: no more messages" in page
    assert desk.db.read_now(contacts.get, contact).opted_out_at is None
    assert kinds(desk, shown["arabic"]) == ["opt_out", "opt_in"]


async def test_other_conversations_of_the_contact_are_one_click_away(desk: Desk, shown: Mapping[str, int]) -> None:
    def second(conn: Connection) -> int:
        talk = talks.Talk(conn, "Priya Nambiar", "+971501234500", "webchat")
        conn.execute(talks.talks.update().where(talks.talks.c.id == talk.id).values(contact_id=known.contact_id))
        talk.hears("Is the office open?", 9)
        return talk.id

    known = card(desk, shown["rich"])
    other = desk.db.write_now(second)

    assert f'href="/inbox/{other}"' in (await desk.caller(Role.VIEWER).get(f"/inbox/{shown['rich']}")).text
