"""What a person does in a conversation: each act is a plain form that leads back to where it stood."""

import re
from collections.abc import Mapping

from sqlalchemy import select

from leadkeeper.access.roles import Role
from leadkeeper.store.schema import audit_log, jobs
from tests.web import talks
from tests.web.conftest import Desk
from tests.web.inbox.conftest import card, form_of, kinds, outbound

ACTS = ("say", "note", "template", "take", "assign", "give-back", "read", "close", "reopen", "lead", "expiry", "consent")


async def test_who_only_looks_is_offered_nothing_and_refused_everything(desk: Desk, shown: Mapping[str, int]) -> None:
    viewer, path = desk.caller(Role.VIEWER), f"/inbox/{shown['rich']}"

    page = (await viewer.get(path)).text
    answers = [await viewer.post(f"{path}/{act}", data={"text": "x"}) for act in ACTS]

    assert {answer.status_code for answer in answers} == {403}
    assert "You may read here." in page
    assert not re.search(r'<form method="post" action="/inbox', page)
    assert "Priya" in page


async def test_a_reply_is_sent_once_makes_it_mine_and_comes_back_to_the_same_list(desk: Desk, shown: Mapping[str, int]) -> None:
    agent, path = desk.caller(Role.AGENT), f"/inbox/{shown['rich']}"
    page = (await agent.get(f"{path}?view=needs_human")).text
    form = form_of(page, f"{path}/say") | {"text": "Hello, this is Omar."}
    before = len(outbound(desk, shown["rich"]))

    first = await agent.post(f"{path}/say", data=form)
    again = await agent.post(f"{path}/say", data=form)

    assert (first.status_code, again.status_code) == (303, 303)
    assert first.headers["location"] == f"{path}?view=needs_human"
    sent = outbound(desk, shown["rich"])[before:]
    assert [(row.body, row.state, row.author) for row in sent] == [("Hello, this is Omar.", "ready", "person")]
    assert (card(desk, shown["rich"]).owner, card(desk, shown["rich"]).needs_human_since) == ("user", None)
    assert desk.db.read_now(lambda conn: conn.execute(select(jobs.c.type).where(jobs.c.type == "send")).scalars().all()) == [
        "send"
    ]
    assert "Your message is on its way." in (await agent.get(path)).text


async def test_an_empty_reply_and_a_too_long_one_are_refused_beside_the_field(desk: Desk, shown: Mapping[str, int]) -> None:
    agent, path = desk.caller(Role.AGENT), f"/inbox/{shown['rich']}"

    empty = await agent.post(f"{path}/say", data={"text": "  ", "back": f"{path}?view=mine"})
    long = await agent.post(f"{path}/say", data={"text": "x" * 5000})

    assert (empty.status_code, "Write something first." in empty.text) == (400, True)
    assert 'href="/inbox?view=mine" aria-current="page"' in empty.text
    assert (long.status_code, "This is too long." in long.text) == (400, True)
    assert "x" * 5000 in long.text


async def test_a_note_is_kept_and_can_never_be_sent(desk: Desk, shown: Mapping[str, int]) -> None:
    agent, path = desk.caller(Role.AGENT), f"/inbox/{shown['rich']}"
    before = len(outbound(desk, shown["rich"]))

    kept = await agent.post(f"{path}/note", data={"note": "Prefers mornings"})
    empty = await agent.post(f"{path}/note", data={"note": " "})

    assert (kept.status_code, empty.status_code) == (303, 400)
    assert kinds(desk, shown["rich"])[-1] == "note"
    assert len(outbound(desk, shown["rich"])) == before
    assert "Prefers mornings" in (await agent.get(path)).text


async def test_after_the_window_only_a_template_with_every_place_filled_goes(desk: Desk, shown: Mapping[str, int]) -> None:
    agent, path = desk.caller(Role.AGENT), f"/inbox/{shown['closed_window']}"
    page = (await agent.get(path)).text
    chosen = re.search(r'name="template" value="(\d+)">\s*<p dir="auto" class="template-text">Hello', page)
    assert chosen is not None
    template = {"template": chosen.group(1), "client_id": "one"}

    refused = await agent.post(f"{path}/say", data={"text": "Hello again"})
    unfilled = await agent.post(f"{path}/template", data={**template, "place_name": "Lucia"})
    sent = await agent.post(f"{path}/template", data={**template, "place_name": "Lucia", "place_service": "a golden visa"})

    assert "Closed: templates only" in page
    assert (refused.status_code, "only an approved template may be sent now" in refused.text) == (400, True)
    assert "Hello again" in refused.text
    assert (unfilled.status_code, sent.status_code) == (400, 303)
    row = outbound(desk, shown["closed_window"])[-1]
    assert row.body == "Hello Lucia, your offer for a golden visa is ready. Shall we go through it together?"
    assert row.template == {"name": "visa_offer", "language": "en", "parameters": ["Lucia", "a golden visa"]}


async def test_a_template_that_is_not_approved_is_refused(desk: Desk, shown: Mapping[str, int]) -> None:
    paused = desk.db.write_now(talks.template, "old", "Hello", "en", "paused")
    path = f"/inbox/{shown['closed_window']}/template"

    answers = [await desk.caller(Role.AGENT).post(path, data={"template": each}) for each in (str(paused), "999", "x", "")]

    assert [answer.status_code for answer in answers] == [400] * 4
    assert "This template may not be sent now." in answers[0].text


async def test_who_wants_no_messages_is_written_to_only_with_a_reason_that_is_kept(desk: Desk, shown: Mapping[str, int]) -> None:
    agent, path = desk.caller(Role.AGENT), f"/inbox/{shown['opted_out']}"

    page = (await agent.get(path)).text
    refused = await agent.post(f"{path}/say", data={"text": "Hello"})
    sent = await agent.post(f"{path}/say", data={"text": "Hello", "override": "They called us."})

    assert ("Asked for no more messages" in page, "Why you write all the same" in page) == (True, True)
    assert (refused.status_code, "a reason is needed" in refused.text) == (400, True)
    assert sent.status_code == 303
    assert "They called us." in (await agent.get(path)).text


async def test_taking_over_giving_back_and_assigning_are_one_click_each(desk: Desk, shown: Mapping[str, int]) -> None:
    agent, path = desk.caller(Role.AGENT), f"/inbox/{shown['arabic']}"
    admin = (await desk.caller(Role.ADMIN).get("/api/auth/me")).json()["user"]["id"]

    await agent.post(f"{path}/take")
    taken = card(desk, shown["arabic"])
    page = (await agent.get(path)).text
    await agent.post(f"{path}/assign", data={"user_id": admin})
    assigned = card(desk, shown["arabic"])
    await agent.post(f"{path}/give-back")

    assert (taken.owner, taken.owner_name) == ("user", "Agent")
    assert "You answer" in page
    assert assigned.owner_id == admin
    assert card(desk, shown["arabic"]).owner == "ai"
    assert kinds(desk, shown["arabic"]) == ["assigned", "assigned", "given_back"]
    assert "took over" in (await agent.get(path)).text
    recorded = desk.db.read_now(lambda conn: conn.execute(select(audit_log.c.action)).scalars().all())
    assert recorded.count("conversation_assigned") == 2


async def test_a_conversation_goes_to_agents_only(desk: Desk, shown: Mapping[str, int]) -> None:
    viewer = (await desk.caller(Role.VIEWER).get("/api/auth/me")).json()["user"]["id"]
    agent, path = desk.caller(Role.AGENT), f"/inbox/{shown['arabic']}"

    refused = await agent.post(f"{path}/assign", data={"user_id": viewer})
    told = (await agent.get(path)).text

    assert refused.status_code == 303
    assert "This user cannot look after conversations." in told
    assert card(desk, shown["arabic"]).owner == "ai"


async def test_reading_closing_and_opening_again(desk: Desk, shown: Mapping[str, int]) -> None:
    agent, path = desk.caller(Role.AGENT), f"/inbox/{shown['rich']}"

    await agent.post(f"{path}/read")
    read = card(desk, shown["rich"])
    await agent.post(f"{path}/close")
    closed = (await agent.get(path)).text
    refused = await agent.post(f"{path}/say", data={"text": "Hello"})
    await agent.post(f"{path}/reopen")

    assert (read.unread, read.owner) == (0, "nobody")
    assert "This conversation is closed." in closed
    assert "/say" not in closed
    assert refused.status_code == 400
    assert card(desk, shown["rich"]).status == "open"


async def test_a_failed_message_is_tried_again_and_one_in_doubt_is_settled_first(desk: Desk, shown: Mapping[str, int]) -> None:
    agent = desk.caller(Role.AGENT)
    failed, doubt, _ = outbound(desk, shown["doubt"])
    back = {"back": f"/inbox/{shown['doubt']}"}

    refused = await agent.post(f"/inbox/messages/{doubt.id}/retry", data=back)
    told = (await agent.get(refused.headers["location"])).text
    await agent.post(f"/inbox/messages/{failed.id}/retry", data=back)
    await agent.post(f"/inbox/messages/{doubt.id}/settle", data={**back, "how": "arrived"})

    assert "Settle that first" in told
    assert [row.state for row in outbound(desk, shown["doubt"])[:2]] == ["ready", "accepted"]
    assert {"retried", "settled"} <= set(kinds(desk, shown["doubt"]))


async def test_an_act_never_leads_to_another_site(desk: Desk, shown: Mapping[str, int]) -> None:
    answer = await desk.caller(Role.AGENT).post(f"/inbox/{shown['rich']}/read", data={"back": "//evil.example.com/x"})

    assert answer.headers["location"] == f"/inbox/{shown['rich']}"
