"""Leads by JSON: changed by people, taken from forms."""

import asyncio

import pytest

from leadkeeper.access.roles import Role
from leadkeeper.crm import intake, lead_card
from leadkeeper.store.schema import contacts, leads
from tests.web.api.conftest import SARA, Business, new_lead
from tests.web.conftest import Desk

INGEST = "/api/leads/ingest"
FORM = {
    "fullName": "Omar Haddad",
    "phone": "+971 50 111 2233",
    "email": "Omar@Example.com",
    "service": "golden visa",
    "source": "fb",
}


async def test_what_a_person_changes_is_kept_and_shown(open_desk: Desk) -> None:
    lead_id = new_lead(open_desk.db)
    agent = open_desk.caller(Role.AGENT)
    me = (await agent.get("/api/auth/me")).json()["user"]["id"]
    changes = {
        "stage": "QUALIFIED",
        "ownerId": me,
        "nextFollowUpAt": "2026-12-01T09:00:00+04:00",
        "expiries": {"visa": "2027-03-01", "passport": "2030-01-31"},
        "fields": {"visas": 3},
        "nationality": "Jordanian",
    }

    told = (await agent.patch(f"/api/leads/{lead_id}", json=changes)).json()["lead"]

    assert (told["stage"], told["ownerId"], told["nextFollowUpAt"]) == ("qualified", me, "2026-12-01T05:00:00.000Z")
    assert told["expiries"] == {"visa": "2027-03-01", "passport": "2030-01-31"}
    assert (told["fields"], told["nationality"]) == ({"visas": 3}, "Jordanian")
    assert {"nationality", "stage", "visas"} <= set(told["setByPerson"])
    cleared = (await agent.patch(f"/api/leads/{lead_id}", json={"expiries": {"visa": None}, "nextFollowUpAt": None})).json()[
        "lead"
    ]
    assert (cleared["expiries"], cleared["nextFollowUpAt"], cleared["stage"]) == ({"passport": "2030-01-31"}, None, "qualified")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"stage": "sold"}, "stage"),
        ({"ownerId": 4711}, "userId"),
        ({"nextFollowUpAt": "tomorrow"}, "nextFollowUpAt"),
        ({"nextFollowUpAt": "2026-12-01T09:00:00"}, "nextFollowUpAt"),
        ({"expiries": {"yacht": "2027-01-01"}}, "expiries"),
        ({"score": 101}, "score"),
        ({"phone": "none"}, "phone"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_wrong_value_changes_nothing_and_is_named(open_desk: Desk, changes: dict[str, object], field: str) -> None:
    lead_id = new_lead(open_desk.db)
    before = open_desk.db.read_now(lead_card.card, lead_id)

    answer = await open_desk.caller(Role.AGENT).patch(f"/api/leads/{lead_id}", json={"name": "Eve", **changes})

    assert answer.status_code == 400
    assert field in answer.json()["fields"]
    assert open_desk.db.read_now(lead_card.card, lead_id) == before


async def test_a_form_makes_one_contact_and_one_lead_however_often_it_is_sent(open_desk: Desk) -> None:
    program = open_desk.caller(**{"x-ingest-key": "ingest key"})

    first = (await program.post(INGEST, json=FORM)).json()
    again = (await program.post(INGEST, json=FORM | {"phone": "00971501112233", "email": None})).json()

    assert (first["ok"], first["success"], first["created"], again["created"]) == (True, True, True, False)
    assert (first["leadId"], first["contactId"]) == (again["leadId"], again["contactId"])
    told = (await open_desk.caller(Role.VIEWER).get(f"/api/leads/{first['leadId']}")).json()["lead"]
    assert (told["name"], told["phone"], told["email"]) == ("Omar Haddad", "+971501112233", "omar@example.com")
    assert (told["source"], told["service"], told["serviceText"]) == ("facebook_ad", "golden_visa", "golden visa")


async def test_many_forms_at_once_still_make_one_contact_and_one_lead(open_desk: Desk) -> None:
    program = open_desk.caller(**{"x-ingest-key": "ingest key"})

    answers = await asyncio.gather(*(program.post(INGEST, json=FORM) for _ in range(10)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["leadId"] for answer in answers}) == 1
    assert open_desk.db.read_now(lambda conn: len(conn.execute(contacts.select()).fetchall())) == 1
    assert open_desk.db.read_now(lambda conn: len(conn.execute(leads.select()).fetchall())) == 1


async def test_a_form_of_somebody_who_writes_on_whatsapp_is_theirs(business: Business) -> None:
    await business.place.says(SARA, "What are your opening hours?")
    await business.place.idle()
    thread = await business.thread()

    taken = await business.caller(Role.AGENT).post(
        INGEST, json={"fullName": "Sara Khan", "phone": f"+{SARA}", "notes": "Call me"}
    )

    assert taken.json()["contactId"] == thread["conversation"]["contactId"]
    assert taken.json()["leadId"] == thread["lead"]["id"]
    lead = (await business.thread())["lead"]
    assert (lead["name"], lead["notes"]) == ("Sara", "Call me")


async def test_without_key_or_login_nothing_is_taken(open_desk: Desk) -> None:
    open_desk.token(Role.OWNER)

    statuses = [
        (await open_desk.caller(None, **headers).post(INGEST, json=FORM)).status_code
        for headers in ({}, {"x-ingest-key": "wrong"}, {"authorization": "Bearer ingest key"})
    ]

    assert statuses == [401, 401, 200]


@pytest.mark.parametrize(
    ("form", "fields"),
    [
        ({}, {"fullName", "phone"}),
        ({"fullName": "A", "phone": "call me"}, {"phone"}),
        ({"fullName": " ", "phone": "+971501112233"}, {"fullName"}),
    ],
)
async def test_a_form_that_lacks_something_is_refused_by_field(open_desk: Desk, form: dict[str, str], fields: set[str]) -> None:
    answer = await open_desk.caller(Role.AGENT).post(INGEST, json=form)

    assert (answer.status_code, set(answer.json()["fields"])) == (400, fields)


@pytest.mark.parametrize(
    ("given", "number"),
    [("+971 50-111 2233", "+971501112233"), ("00971501112233", "+971501112233"), ("971501112233", "+971501112233"),
     ("050 111 2233", "0501112233"), ("+٩٧١٥٠١١١٢٢٣٣", "+971501112233")],
)  # fmt: skip
def test_a_number_has_one_spelling(given: str, number: str) -> None:
    assert intake.number(given) == number


@pytest.mark.parametrize(
    ("word", "source"),
    [
        (None, "website"),
        ("Facebook", "facebook_ad"),
        ("instagram_ad", "instagram_ad"),
        ("WhatsApp", "whatsapp"),
        ("Expo 2026", "manual"),
    ],
)
def test_sources_are_mapped_to_the_known_ones(word: str | None, source: str) -> None:
    assert intake.source_of(word) == source
