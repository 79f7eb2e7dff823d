"""The rules' pages: plain words, switches, order, the form, versions, the log with its reasons."""

import json
import re
from typing import Any

import pytest

from leadkeeper.access.roles import Role
from leadkeeper.rules import book
from leadkeeper.web import rule_form
from tests.web.api.conftest import SARA, Business
from tests.web.conftest import Desk
from tests.web.pages.conftest import said, words


def rule_id(desk: Desk, key: str) -> int:
    return next(rule.id for rule in desk.db.read_now(book.listed) if rule.key == key)


def document(desk: Desk, key: str) -> dict[str, Any]:
    return desk.db.read_now(lambda conn: book.document(book.row(conn, rule_id(desk, key))))


async def test_every_rule_stands_in_its_order_and_in_words(open_desk: Desk) -> None:
    viewer = open_desk.caller(Role.VIEWER)

    page = await viewer.get("/rules")

    order = [int(each) for each in re.findall(r'id="rule-(\d+)"', page.text)]
    assert order == [rule.id for rule in open_desk.db.read_now(book.listed)]
    assert "If the message holds a wish for a person and no person looks after the conversation: hand over" in words(page)
    assert "<form" not in page.text.split("<main", 1)[1].split("</main>", 1)[0]
    assert (await open_desk.caller(Role.AGENT).post(f"/rules/{order[0]}/switch", data={"on": "0"})).status_code == 403


async def test_a_rule_is_switched_by_a_form(open_desk: Desk) -> None:
    admin, found = open_desk.caller(Role.ADMIN), rule_id(open_desk, "welcome")

    off = await said(admin, await admin.post(f"/rules/{found}/switch", data={"on": "0", "back": "/rules"}))
    assert open_desk.db.read_now(book.get, found).enabled is False
    on = await said(admin, await admin.post(f"/rules/{found}/switch", data={"on": "1", "back": f"/rules/{found}"}))

    assert "The rule is off." in off
    assert "The rule is on." in on
    assert open_desk.db.read_now(book.get, found).enabled is True


async def test_a_rule_changes_places_with_its_neighbour_and_stops_at_the_ends(open_desk: Desk) -> None:
    admin = open_desk.caller(Role.ADMIN)
    before = [rule.key for rule in open_desk.db.read_now(book.active, "message.received")]
    second = rule_id(open_desk, before[1])

    await admin.post(f"/rules/{second}/move", data={"way": "up"})
    after = [rule.key for rule in open_desk.db.read_now(book.active, "message.received")]
    await admin.post(f"/rules/{second}/move", data={"way": "up"})
    at_the_top = [rule.key for rule in open_desk.db.read_now(book.active, "message.received")]
    await admin.post(f"/rules/{second}/move", data={"way": "down"})

    assert after == [before[1], before[0], *before[2:]] == at_the_top
    assert [rule.key for rule in open_desk.db.read_now(book.active, "message.received")] == before


async def test_the_last_rule_of_messages_does_not_change_places_with_a_scheduled_one(open_desk: Desk) -> None:
    admin = open_desk.caller(Role.ADMIN)
    listed = [rule.key for rule in open_desk.db.read_now(book.listed)]

    await admin.post(f"/rules/{rule_id(open_desk, 'welcome')}/move", data={"way": "down"})
    await admin.post(f"/rules/{rule_id(open_desk, 'followup_due')}/move", data={"way": "up"})

    assert [rule.key for rule in open_desk.db.read_now(book.listed)] == listed


def every_field(desk: Desk, key: str) -> dict[str, str]:
    """The form as it stands."""
    rule = desk.db.read_now(book.get, rule_id(desk, key))
    return {"name": rule.name} | {each.path: each.value for group in rule_form.groups(rule) for each in group.fields}


@pytest.mark.parametrize("key", [each["key"] for each in book.first_set()])
async def test_saving_a_form_unchanged_changes_nothing(open_desk: Desk, key: str) -> None:
    admin, found, before = open_desk.caller(Role.ADMIN), rule_id(open_desk, key), document(open_desk, key)

    answer = await admin.post(f"/rules/{found}", data=every_field(open_desk, key))

    assert answer.status_code == 303
    assert document(open_desk, key)["do"] == before["do"]
    assert document(open_desk, key)["trigger"] == before["trigger"]
    assert document(open_desk, key)["when"] == before["when"]


async def test_texts_and_numbers_are_saved_as_a_new_version_and_brought_back(open_desk: Desk) -> None:
    admin, found = open_desk.caller(Role.ADMIN), rule_id(open_desk, "followup_due")
    fields = every_field(open_desk, "followup_due")
    fields |= {"do[0].text.en": "Hello {name}, still there?", "limits.maxPerHour": "7", "trigger.silentDays": "14"}

    told = await said(admin, await admin.post(f"/rules/{found}", data=fields))

    assert "The rule is saved." in told
    assert "send “Hello {name}, still there?”" in told
    assert "at most 7 an hour" in told
    assert "nothing was said for 14 days" in told
    back = await said(admin, await admin.post(f"/rules/{found}/restore", data={"version": "1"}))
    assert "Version 1 is back" in back
    assert "at most 60 an hour" in back
    assert open_desk.db.read_now(book.get, found).version == 3


async def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_saved(open_desk: Desk) -> None:
    admin, found = open_desk.caller(Role.ADMIN), rule_id(open_desk, "followup_due")
    before = document(open_desk, "followup_due")
    bad = {"do[0].text.en": "Hello {nmae}", "limits.maxPerHour": "many"}

    numbers = await admin.post(f"/rules/{found}", data=every_field(open_desk, "followup_due") | bad)
    texts = await admin.post(f"/rules/{found}", data=every_field(open_desk, "followup_due") | {"do[0].text.en": "Hello {nmae}"})

    assert numbers.status_code == texts.status_code == 400
    assert "Enter a number." in words(numbers)
    assert "unknown placeholder {nmae}" in words(texts)
    assert 'id="do[0].text.en-problem"' in texts.text
    assert "Hello {nmae}" in texts.text
    assert document(open_desk, "followup_due") == before


async def test_a_rule_as_data_is_refused_with_the_place_of_each_mistake(open_desk: Desk) -> None:
    admin, found = open_desk.caller(Role.ADMIN), rule_id(open_desk, "answer")
    good = document(open_desk, "answer")
    wrong = good | {"when": {"fact": "lead.mood", "is": "good"}, "do": []}

    no_json = await admin.post(f"/rules/{found}/definition", data={"definition": "{"})
    refused = await admin.post(f"/rules/{found}/definition", data={"definition": json.dumps(wrong)})
    renamed = await admin.post(f"/rules/{found}/definition", data={"definition": json.dumps(good | {"name": "Answer"})})

    assert no_json.status_code == refused.status_code == 400
    assert "line 1:" in words(no_json)
    assert "when.fact: unknown fact 'lead.mood'" in words(refused)
    assert "do: must be a list" in words(refused)
    assert "Answer" in await said(admin, renamed)
    assert document(open_desk, "answer")["name"] == "Answer"


async def test_a_new_rule_begins_as_a_copy_and_stays_off(open_desk: Desk) -> None:
    admin, source = open_desk.caller(Role.ADMIN), rule_id(open_desk, "expiry_30")
    form = await admin.get(f"/rules/new?from={source}")
    assert "expiry_30_copy" in form.text
    copy = document(open_desk, "expiry_30") | {"key": "expiry_14", "name": "Two weeks before"}

    added = await said(admin, await admin.post("/rules/new", data={"definition": json.dumps(copy)}))
    again = await admin.post("/rules/new", data={"definition": json.dumps(copy)})

    assert "It is off until you switch it on." in added
    assert open_desk.db.read_now(book.get, rule_id(open_desk, "expiry_14")).enabled is False
    assert again.status_code == 400
    assert "There is a rule of this key already." in words(again)


async def test_a_rule_is_deleted_and_the_first_ones_can_be_brought_back(open_desk: Desk) -> None:
    admin = open_desk.caller(Role.ADMIN)

    told = await said(admin, await admin.post(f"/rules/{rule_id(open_desk, 'welcome')}/delete"))
    assert "The rule is deleted." in told
    back = await said(admin, await admin.post("/rules/seed"))

    assert "1 rule was added." in back
    assert rule_id(open_desk, "welcome")


async def test_without_rules_the_page_says_what_that_means(open_desk: Desk) -> None:
    admin = open_desk.caller(Role.ADMIN)
    for rule in open_desk.db.read_now(book.listed):
        open_desk.db.write_now(book.remove, rule.id)

    page = words(await admin.get("/rules"))

    assert "Without rules every message goes to a person." in page
    assert "Add the first rules" in page


async def test_the_log_says_what_was_done_and_what_nearly_was_and_why(business: Business) -> None:
    await business.place.says(SARA, "I want to talk to a human")
    await business.place.idle()
    viewer = business.caller(Role.VIEWER)

    done = words(await viewer.get("/rules/log?verdict=fired"))
    near = words(await viewer.get("/rules/log?verdict=skipped"))
    everything = words(await viewer.get("/rules/log"))

    assert "Hand over when they ask for a person handed over: a wish for a person Sara" in done
    assert "✓ the message holds a wish for a person" in done
    assert "another rule had decided already" in near
    assert "handed over: a wish for a person" not in near
    assert "handed over: a wish for a person" in everything
    empty = words(await viewer.get("/rules/log?verdict=failed&rule=99999&lead=0&next=x"))
    assert "Nothing yet" in empty
    listed = words(await viewer.get("/rules"))
    assert "last done" in listed
    assert "near miss" in listed


async def test_arabic_tells_the_same_in_arabic(business: Business) -> None:
    await business.place.says(SARA, "I want to talk to a human")
    await business.place.idle()
    viewer = business.caller(Role.VIEWER)
    await viewer.post("/look", data={"language": "ar"})

    page = words(await viewer.get("/rules/log"))

    assert "حُوّلت إلى موظف" in page
    assert not re.search(r"handed over|asked for|decided already", page)


async def test_the_log_pages_without_gaps(business: Business) -> None:
    for number in range(50):
        await business.place.says(f"9715000001{number:02}", "What are your opening hours?")
    await business.place.idle(60)
    viewer = business.caller(Role.VIEWER)

    first = await viewer.get("/rules/log?verdict=fired")
    following = re.search(r'href="([^"]+)" rel="next"', first.text)
    assert following is not None
    second = await viewer.get(following[1].replace("&amp;", "&"))

    shown = [len(re.findall(r'<details class="told">', page.text)) for page in (first, second)]
    fired = (await viewer.get("/api/automation/logs", params={"status": "fired", "limit": 200})).json()["logs"]
    assert shown[0] == 40
    assert len(fired) > 50
    assert "First page" in words(second)
