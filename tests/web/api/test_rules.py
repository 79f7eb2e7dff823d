"""Rules and their log by JSON, in today's shape and the older one."""

from typing import Any

import pytest

from leadkeeper.access.roles import Role
from leadkeeper.rules import book
from tests.web.api.conftest import Business
from tests.web.conftest import Desk

RULES = "/api/admin/automation/rules"
RULE: dict[str, Any] = {
    "key": "spring_offer",
    "name": "Spring offer",
    "trigger": {"kind": "followup.due"},
    "when": {"all": [{"fact": "lead.stage", "notIn": ["lost"]}]},
    "do": [{"action": "send_text", "text": {"en": "Hello {name}"}}],
}


async def test_the_list_is_a_bare_array_the_newest_first(open_desk: Desk) -> None:
    await open_desk.caller(Role.ADMIN).post(RULES, json=RULE)

    listed = (await open_desk.caller(Role.VIEWER).get(RULES)).json()

    assert isinstance(listed, list)
    assert (listed[0]["key"], listed[0]["isActive"], listed[0]["enabled"]) == ("spring_offer", True, True)
    assert [rule["id"] for rule in listed] == sorted((rule["id"] for rule in listed), reverse=True)
    assert all(rule["inWords"] and rule["conditions"] == rule["when"] and rule["actions"] == rule["do"] for rule in listed)


async def test_a_rule_as_it_is_told_can_be_sent_back(open_desk: Desk) -> None:
    admin = open_desk.caller(Role.ADMIN)
    told = (await admin.post(RULES, json=RULE)).json()

    same = (await admin.patch(f"{RULES}/{told['id']}", json=told)).json()
    renamed = (await admin.patch(f"{RULES}/{told['id']}", json=told | {"name": "Summer offer"})).json()

    assert (same["version"], renamed["version"], renamed["name"]) == (1, 2, "Summer offer")
    assert len(open_desk.db.read_now(book.versions, told["id"])) == 2


@pytest.mark.parametrize(
    "older",
    [
        {"name": "Renew", "type": "expiry_reminder", "channel": "whatsapp", "daysBeforeExpiry": 30},
        {"name": "Follow up", "type": "followup_due", "channel": "whatsapp", "followupAfterDays": 2},
    ],
)
async def test_the_older_shape_becomes_a_rule_of_today(open_desk: Desk, older: dict[str, Any]) -> None:
    told = (await open_desk.caller(Role.ADMIN).post(RULES, json=older | {"isActive": False})).json()

    assert (told["name"], told["isActive"]) == (older["name"], False)
    assert told["trigger"]["kind"] in ("date.approaching", "followup.due")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": "Renew", "type": "expiry_reminder", "channel": "whatsapp"}, "daysBeforeExpiry"),
        ({"name": "Follow up", "type": "followup_due"}, "followupAfterDays"),
        ({"name": "x", "type": "dance"}, "type"),
        (RULE | {"do": [{"action": "dance"}]}, "do[0].action"),
        (RULE | {"when": {"all": [{"fact": "weather", "is": "rain"}]}}, "when.all[0].fact"),
        (RULE | {"colour": "red"}, "colour"),
        (RULE | {"isActive": "yes"}, "isActive"),
        (RULE | {"conditions": {"all": []}}, "conditions"),
    ],
)
async def test_an_invalid_rule_is_refused_with_the_field_named(open_desk: Desk, given: dict[str, Any], field: str) -> None:
    before = open_desk.db.read_now(book.rows)

    answer = await open_desk.caller(Role.ADMIN).post(RULES, json=given)

    assert answer.status_code == 400
    assert field in answer.json()["fields"]
    assert open_desk.db.read_now(book.rows) == before


async def test_a_rule_is_switched_toggled_and_deleted(open_desk: Desk) -> None:
    admin = open_desk.caller(Role.ADMIN)
    rule_id = (await admin.post(RULES, json=RULE)).json()["id"]

    off = (await admin.patch(f"{RULES}/{rule_id}", json={"isActive": False})).json()
    on = (await admin.post(f"{RULES}/{rule_id}/toggle")).json()
    gone = (await admin.delete(f"{RULES}/{rule_id}")).json()
    missing = [
        await admin.patch(f"{RULES}/{rule_id}", json={"isActive": True}),
        await admin.post(f"{RULES}/{rule_id}/toggle"),
        await admin.delete(f"{RULES}/{rule_id}"),
    ]

    assert (off["isActive"], on["isActive"], gone["success"]) == (False, True, True)
    assert {(answer.status_code, answer.json()["error"]) for answer in missing} == {(404, "Rule not found")}


async def test_the_other_known_path_wraps_the_same_rules(open_desk: Desk) -> None:
    admin = open_desk.caller(Role.ADMIN)
    known = {name: value for name, value in RULE.items() if name not in ("key", "when", "do")}

    made = (await admin.post("/api/automation/rules", json=known | {"conditions": RULE["when"], "actions": RULE["do"]})).json()
    listed = (await admin.get("/api/automation/rules")).json()

    assert made["ok"] is listed["ok"] is True
    assert made["rule"]["key"].startswith("spring_offer_")
    assert made["rule"] == listed["rules"][0]


async def test_seeding_adds_what_is_missing_and_nothing_twice(open_desk: Desk) -> None:
    admin = open_desk.caller(Role.ADMIN)
    for rule in (await admin.get(RULES)).json():
        await admin.delete(f"{RULES}/{rule['id']}")

    seeded = [(await admin.post(f"/api/admin/automation/{path}")).json()["created"] for path in ("seed", "seed-inbound")]
    again = [(await admin.post(f"/api/admin/automation/{path}")).json()["created"] for path in ("seed", "seed-inbound")]

    assert all(count > 0 for count in seeded)
    assert sum(seeded) == len(book.first_set())
    assert again == [0, 0]


async def test_only_who_automates_writes_rules(open_desk: Desk) -> None:
    answers = [await open_desk.caller(role).post(RULES, json=RULE) for role in (None, Role.VIEWER, Role.AGENT)]

    assert [answer.status_code for answer in answers] == [401, 403, 403]


async def test_the_run_log_says_what_rules_did_and_can_be_filtered(business: Business) -> None:
    await business.place.says("971500000001", "I want to talk to a human")
    await business.place.idle()
    caller = business.caller(Role.VIEWER)

    log = (await caller.get("/api/admin/automation/run-logs", params={"limit": 5})).json()
    fired = (await caller.get("/api/automation/logs", params={"status": "SUCCESS"})).json()
    none = (await caller.get("/api/automation/logs", params={"leadId": 4711})).json()
    wrong = await caller.get("/api/automation/logs", params={"status": "great"})

    assert isinstance(log, list)
    assert {"id", "ruleKey", "ruleName", "leadId", "status", "reason", "message", "createdAt"} <= set(log[0])
    assert "hand_over_human" in {entry["rule"]["key"] for entry in fired["logs"]}
    assert {entry["status"] for entry in fired["logs"]} == {"fired"}
    assert fired["logs"][0]["lead"]["contact"] == {"fullName": "Sara"}
    assert none == {"ok": True, "logs": [], "next": None}
    assert wrong.status_code == 400
