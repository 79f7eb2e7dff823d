"""The inbox by JSON: what was said and why, and what a person does."""

from datetime import timedelta
from typing import Any

from sqlalchemy import update

from leadkeeper import clock
from leadkeeper.access.roles import Role
from leadkeeper.crm import contacts
from leadkeeper.store.schema import conversations, messages
from tests.web.api.conftest import SARA, Business, new_thread
from tests.web.conftest import Desk

LIST = "/api/inbox/conversations"


async def asked(business: Business, text: str = "What are your opening hours?") -> str:
    """Sara writes and everything is done; returns the path of her conversation."""
    await business.place.says(SARA, text)
    await business.place.idle()
    return f"{LIST}/{(await business.thread())['conversation']['id']}"


async def test_a_thread_tells_each_message_with_its_decision_or_its_source(business: Business) -> None:
    path = await asked(business)

    told = (await business.caller(Role.VIEWER).get(path)).json()

    question, answer = told["messages"]
    assert (question["direction"], question["type"], question["decision"]["outcome"]) == ("in", "text", "answered")
    assert question["decision"]["answerId"] == answer["id"]
    assert answer["direction"] == "out"
    assert answer["state"] in ("accepted", "sent", "delivered", "read")
    assert answer["source"][0]["title"] == "Questions"
    assert (told["conversation"]["owner"], told["conversation"]["window"]["open"]) == ("ai", True)
    assert (told["lead"]["name"], told["lead"]["stage"], told["lead"]["phone"]) == ("Sara", "new", f"+{SARA}")
    assert told["next"] is None


async def test_what_needs_a_person_stands_in_its_view_with_the_reason(business: Business) -> None:
    await asked(business, "I want to talk to a human")

    told = (await business.caller(Role.VIEWER).get(LIST, params={"view": "needs_human"})).json()

    (card,) = told["conversations"]
    assert (card["owner"], card["needsHumanReason"], card["contactName"]) == ("nobody", "human", "Sara")
    assert card["preview"] == "I want to talk to a human"
    assert (told["counts"]["needsHuman"], told["counts"]["ai"], told["counts"]["all"]) == (1, 0, 1)
    assert (await business.caller(Role.VIEWER).get(LIST, params={"channel": "webchat"})).json()["conversations"] == []
    assert (
        len(
            (await business.caller(Role.VIEWER).get(LIST, params={"channel": "whatsapp", "search": "SAR"})).json()[
                "conversations"
            ]
        )
        == 1
    )


async def test_an_unknown_view_or_place_is_refused(open_desk: Desk) -> None:
    caller = open_desk.caller(Role.VIEWER)

    view = await caller.get(LIST, params={"view": "everything"})
    place = await caller.get(LIST, params={"next": "12"})

    assert (view.status_code, set(view.json()["fields"])) == (400, {"view"})
    assert (place.status_code, set(place.json()["fields"])) == (400, {"next"})


async def test_pages_follow_each_other_without_gaps_or_repeats(business: Business) -> None:
    for number in range(5):
        await business.place.says(f"97150000010{number}", "What are your opening hours?")
    await business.place.idle()
    caller = business.caller(Role.VIEWER)

    seen: list[int] = []
    after: str | None = None
    while True:
        page = (await caller.get(LIST, params={"limit": 2} | ({"next": after} if after else {}))).json()
        seen += [card["id"] for card in page["conversations"]]
        after = page["next"]
        if after is None:
            break

    assert len(seen) == len(set(seen)) == 5


async def test_a_thread_pages_back_to_its_first_message(business: Business) -> None:
    path = await asked(business)
    await asked(business, "Where is your office?")
    caller = business.caller(Role.VIEWER)

    newest = (await caller.get(path, params={"limit": 3})).json()
    older = (await caller.get(path, params={"limit": 3, "next": newest["next"]})).json()

    ids = [message["id"] for message in [*older["messages"], *newest["messages"]]]
    assert (len(older["messages"]), len(newest["messages"]), older["next"]) == (1, 3, None)
    assert ids == sorted(ids)


async def test_what_a_person_writes_is_sent_once_and_makes_them_the_owner(business: Business) -> None:
    path = await asked(business, "I want to talk to a human")
    agent = business.caller(Role.AGENT)

    first = (await agent.post(f"{path}/messages", json={"text": "I am here.", "clientMessageId": "tab-1"})).json()
    again = (await agent.post(f"{path}/messages", json={"text": "I am here.", "clientMessageId": "tab-1"})).json()
    await business.place.idle()

    assert first["ok"] is True
    assert first["message"]["id"] == again["message"]["id"]
    assert (first["message"]["author"], first["message"]["userName"]) == ("person", "Agent")
    assert [text for text in await business.place.sent() if text == "I am here."] == ["I am here."]
    told = (await agent.get(path)).json()["conversation"]
    assert (told["owner"], told["ownerName"], told["unread"], told["needsHumanSince"]) == ("user", "Agent", 0, None)


async def test_the_older_name_of_sending_works_too(business: Business) -> None:
    path = await asked(business)

    answer = await business.caller().post(f"{path}/reply", json={"message": "Good morning."})

    assert (answer.status_code, answer.json()["message"]["body"]) == (200, "Good morning.")


async def test_outside_the_window_a_template_is_asked_for_and_taken(business: Business) -> None:
    path = await asked(business)
    late = clock.now() - timedelta(hours=30)
    await business.place.db.write(lambda conn: conn.execute(update(conversations).values(last_inbound_at=late)))

    refused = await business.caller().post(f"{path}/messages", json={"text": "Hello again"})
    taken = await business.caller().post(
        f"{path}/messages", json={"templateName": "hello_again", "templateParams": ["Sara"], "templateLanguage": "en"}
    )

    told = refused.json()
    assert refused.status_code == 400
    assert (told["ok"], told["code"], told["requiresTemplate"]) == (False, "window_closed", True)
    assert told["hint"]
    assert 29 < told["hoursSinceLastInbound"] < 31
    assert (taken.status_code, taken.json()["message"]["type"]) == (200, "template")
    assert taken.json()["message"]["template"]["parameters"] == ["Sara"]


async def test_a_medium_goes_by_its_address_with_its_kind(business: Business) -> None:
    path = await asked(business)
    medium = {
        "mediaUrl": "https://example.com/a.pdf",
        "mediaType": "document",
        "mediaCaption": "Prices",
        "mediaFilename": "p.pdf",
    }

    sent = await business.caller().post(f"{path}/messages", json=medium)
    bare = await business.caller().post(f"{path}/messages", json={"mediaUrl": "https://example.com/a.pdf"})
    await business.place.idle()

    message = sent.json()["message"]
    assert (message["type"], message["body"], message["media"]["filename"]) == ("document", "Prices", "p.pdf")
    assert (bare.status_code, set(bare.json()["fields"])) == (400, {"mediaType"})
    rows = await business.place.rows(messages.select().where(messages.c.id == message["id"]))
    assert rows[0].state in ("accepted", "sent", "delivered", "read")


async def test_nothing_to_send_and_nobody_to_send_to_are_told_apart(business: Business) -> None:
    path = await asked(business)

    empty = await business.caller().post(f"{path}/messages", json={"text": "  "})
    nobody = await business.caller().post(f"{LIST}/987654/messages", json={"text": "Hello"})

    assert (empty.status_code, nobody.status_code) == (400, 404)


async def test_who_asked_for_silence_is_written_to_only_with_a_reason(business: Business) -> None:
    path = await asked(business)
    contact_id = (await business.thread())["conversation"]["contactId"]
    await business.place.db.write(contacts.opt_out, contact_id, "word")

    refused = await business.caller().post(f"{path}/messages", json={"text": "Hello"})
    taken = await business.caller().post(f"{path}/messages", json={"text": "Hello", "override": "They called and asked."})

    assert (refused.status_code, set(refused.json()["fields"])) == (400, {"override"})
    assert taken.status_code == 200


async def test_a_user_takes_a_conversation_and_gives_it_back_to_the_ai(open_desk: Desk) -> None:
    conversation_id, _ = new_thread(open_desk.db)
    path = f"{LIST}/{conversation_id}/assign"
    agent = open_desk.caller(Role.AGENT)
    me = (await agent.get("/api/auth/me")).json()["user"]["id"]

    taken = (await agent.post(path, json={"userId": me})).json()["conversation"]
    back = (await agent.post(path, json={"userId": None})).json()["conversation"]

    assert (taken["owner"], taken["ownerId"]) == ("user", me)
    assert (back["owner"], back["ownerId"]) == ("ai", None)
    assert back["revision"] > taken["revision"]


async def test_only_agents_can_be_given_a_conversation(open_desk: Desk) -> None:
    conversation_id, _ = new_thread(open_desk.db)
    viewer = (await open_desk.caller(Role.VIEWER).get("/api/auth/me")).json()["user"]["id"]
    agent = open_desk.caller(Role.AGENT)

    answers = [
        await agent.post(f"{LIST}/{conversation_id}/assign", json=body) for body in ({"userId": viewer}, {"userId": 999}, {})
    ]

    assert [(answer.status_code, set(answer.json()["fields"])) for answer in answers] == [(400, {"userId"})] * 3


async def test_notes_reading_closing_and_opening_are_kept_in_the_thread(open_desk: Desk) -> None:
    conversation_id, _ = new_thread(open_desk.db)
    path = f"{LIST}/{conversation_id}"
    agent = open_desk.caller(Role.AGENT)

    note = await agent.post(f"{path}/internal-note", json={"text": "Prefers mornings"})
    read = await agent.post(f"{path}/read")
    closed = await agent.post(f"{path}/state", json={"status": "closed"})
    in_closed = (await agent.get(LIST, params={"view": "closed"})).json()["conversations"]
    opened = await agent.post(f"{path}/state", json={"state": "open"})

    assert [answer.status_code for answer in (note, read, closed, opened)] == [200] * 4
    assert read.json()["conversation"]["unread"] == 0
    assert [card["id"] for card in in_closed] == [conversation_id]
    lines = (await agent.get(path)).json()["timeline"]
    assert [line["kind"] for line in lines] == ["ingested", "note", "closed", "reopened"]
    assert lines[1]["data"]["text"] == "Prefers mornings"


async def test_a_closed_conversation_stays_closed_beside_a_newer_open_one(open_desk: Desk) -> None:
    first, _ = new_thread(open_desk.db)
    agent = open_desk.caller(Role.AGENT)
    await agent.post(f"{LIST}/{first}/state", json={"status": "closed"})
    second, _ = new_thread(open_desk.db, "Me again")

    answer = await agent.post(f"{LIST}/{first}/state", json={"status": "open"})

    assert second != first
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


async def test_who_only_looks_changes_nothing(open_desk: Desk) -> None:
    conversation_id, message_id = new_thread(open_desk.db)
    viewer = open_desk.caller(Role.VIEWER)
    acts: dict[str, Any] = {"messages": {"text": "x"}, "reply": {"text": "x"}, "read": {}, "assign": {"userId": None}}

    answers = [await viewer.post(f"{LIST}/{conversation_id}/{act}", json=body) for act, body in acts.items()]
    answers.append(await viewer.post(f"/api/messages/{message_id}/settle", json={"how": "arrived"}))

    assert {answer.status_code for answer in answers} == {403}
