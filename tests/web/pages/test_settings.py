"""/settings: every field checked on save, the environment respected, secrets shown once or never, people by the owner."""

import json
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest

from leadkeeper.access import audit, sessions, users
from leadkeeper.access.roles import Role
from leadkeeper.store import settings_rows
from leadkeeper.store.database import Database
from tests.web.conftest import PASSWORD, Desk

BUSINESS = {"business_name": "Palm Typing", "timezone": "Asia/Dubai", "open_mon": "1", "from_mon": "08:30", "to_mon": "17:00"}
WAITING = {"quiet_seconds": "4", "quiet_max_seconds": "20", "answer_score": "0.4", "answer_margin": "0.2"}
KEY = "sk-key-of-ours"
MODEL = {"ai_url": "https://models.example/v1", "ai_model": "small", "ai_key": KEY}


def rows(desk: Desk) -> dict[str, Any]:
    return desk.db.read_now(settings_rows.load)


async def test_business_zone_hours_and_quiet_hours_are_saved_and_recorded(desk: Desk) -> None:
    quiet = {"quiet": "1", "quiet_from": "22:00", "quiet_to": "06:30"}

    answer = await desk.caller(Role.ADMIN).post("/settings", data={**BUSINESS, **quiet})

    saved = rows(desk)
    assert answer.status_code == 303
    assert (saved["business_name"], saved["timezone"]) == ("Palm Typing", "Asia/Dubai")
    assert (saved["business_hours"], saved["quiet_hours"]) == ({"mon": ["08:30", "17:00"]}, ["22:00", "06:30"])
    assert "timezone" in desk.db.read_now(audit.recent)[0].data["names"]


@pytest.mark.parametrize(
    ("path", "form", "words"),
    [
        ("/settings", {**BUSINESS, "business_name": ""}, "Enter the name customers know."),
        ("/settings", {**BUSINESS, "timezone": "Dubai"}, "This is no time zone."),
        ("/settings", {**BUSINESS, "to_mon": "07:00"}, "Each open day needs two times"),
        ("/settings", {**BUSINESS, "quiet": "1", "quiet_from": "22:00", "quiet_to": "22:00"}, "Enter two different times."),
        ("/settings/answers", {**WAITING, "quiet_seconds": "soon"}, "Enter a number."),
        ("/settings/answers", {**WAITING, "answer_score": "1.5"}, "This number is out of range."),
        ("/settings/answers", {**WAITING, "answer_margin": "nan"}, "This number is out of range."),
        ("/settings/answers", {**WAITING, "quiet_max_seconds": "2"}, "must not be shorter"),
        ("/settings/answers/model", {**MODEL, "ai_url": "models"}, "Enter a web address"),
        ("/settings/answers/model", {**MODEL, "ai_url": "http://models.example"}, "Use https"),
        ("/settings/answers/model", {**MODEL, "ai_model": ""}, "Enter the name of the model."),
        ("/settings/access", {"public_url": "desk.example.com"}, "Enter an address without a path"),
        ("/settings/access", {"chat_origins": "https://a.example/path"}, "Enter addresses without a path"),
    ],
)
async def test_a_bad_value_is_refused_beside_its_field_and_nothing_is_kept(
    desk: Desk, path: str, form: dict[str, str], words: str
) -> None:
    answer = await desk.caller(Role.ADMIN).post(path, data=form)

    assert answer.status_code == 400
    assert words in answer.text
    assert KEY not in answer.text
    assert rows(desk) == {}


async def test_waiting_and_thresholds_are_in_force_on_the_next_page(desk: Desk) -> None:
    admin = desk.caller(Role.ADMIN)

    await admin.post("/settings/answers", data=WAITING)
    shown = await admin.get("/settings/answers")

    assert rows(desk)["answer_score"] == 0.4
    assert re.search(r'name="quiet_seconds"[^>]*value="4"', shown.text)


async def test_the_stop_switch_stops_and_every_page_says_so(desk: Desk) -> None:
    admin = desk.caller(Role.ADMIN)

    await admin.post("/settings/automatic")
    shown = await admin.get("/knowledge")
    stopped = rows(desk)["automatic_messages"]
    await admin.post("/settings/automatic", data={"on": "1"})

    assert stopped is False
    assert "Automatic messages are stopped" in shown.text
    assert rows(desk)["automatic_messages"] is True


async def test_what_the_environment_gives_is_shown_and_not_changed(db: Database, tmp_path: Path) -> None:
    desk = Desk(db, tmp_path / "desk", timezone="Asia/Riyadh", ingest_key="from-outside", automatic_messages=True)
    owner = desk.caller(Role.OWNER)

    shown = await owner.get("/settings")
    await owner.post("/settings", data={**BUSINESS, "timezone": "Asia/Dubai"})
    key = await owner.post("/settings/access/keys/ingest_key")
    stop = await owner.post("/settings/automatic")
    access = await owner.get("/settings/access")

    assert "set by environment" in shown.text
    assert "timezone" not in rows(desk)
    assert [key.status_code, stop.status_code] == [403, 403]
    assert "from-outside" not in access.text
    await desk.close()


async def test_a_key_is_shown_once_and_opens_its_door(desk: Desk) -> None:
    admin = desk.caller(Role.ADMIN)

    made = await admin.post("/settings/access/keys/cron_secret")
    key = rows(desk)["cron_secret"]
    later = await admin.get("/settings/access")
    log = await admin.get("/settings/changes")
    await admin.post("/settings/access/keys/cron_secret/remove")

    assert key in made.text
    assert key not in later.text + log.text
    assert "cron_secret" in log.text
    assert "cron_secret" not in rows(desk)


async def test_the_model_is_tried_without_being_saved_and_its_key_is_never_shown(desk: Desk) -> None:
    asked: list[httpx2.Request] = []

    def model(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        told = {"model": "small-1", "choices": [{"message": {"content": json.dumps({"ok": True})}}]}
        return httpx2.Response(200, json=told)

    desk.app.state.site.client = lambda: httpx2.AsyncClient(transport=httpx2.MockTransport(model))
    admin = desk.caller(Role.ADMIN)

    tried = await admin.post("/settings/answers/model", data={**MODEL, "try": "1"})
    untouched = rows(desk)
    sealed = re.search(r'name="sealed" value="([^"]+)"', tried.text)
    assert sealed
    await admin.post("/settings/answers/model", data={**MODEL, "ai_key": "", "sealed": sealed[1]})
    shown = await admin.get("/settings/answers")

    assert "It answers: small-1" in tried.text
    assert asked[0].headers["authorization"] == f"Bearer {KEY}"
    assert (untouched, rows(desk)["ai_key"]) == ({}, KEY)
    assert KEY not in tried.text + shown.text


async def test_a_stored_key_is_never_sent_to_another_address(desk: Desk) -> None:
    admin = desk.caller(Role.ADMIN)
    await admin.post("/settings/answers/model", data=MODEL)

    answer = await admin.post(
        "/settings/answers/model", data={"ai_url": "https://elsewhere.example/v1", "ai_model": "x", "try": "1"}
    )

    assert (answer.status_code, "Enter the key again" in answer.text) == (400, True)
    assert rows(desk)["ai_url"] == MODEL["ai_url"]


async def test_the_owner_lets_somebody_in_and_changes_what_they_may_do(desk: Desk) -> None:
    owner = desk.caller(Role.OWNER)
    form = {"name": "Amina", "email": "Amina@Example.com", "role": "agent", "password": PASSWORD}

    added = await owner.post("/settings/team", data=form)
    amina = desk.db.read_now(users.by_email, "amina@example.com")
    token = desk.db.write_now(sessions.begin, amina.id, None, None)
    await owner.post(f"/settings/team/{amina.id}/role", data={"role": "viewer"})
    twice = await owner.post("/settings/team", data=form)

    assert added.status_code == 303
    assert desk.db.read_now(users.get, amina.id).role is Role.VIEWER
    assert desk.db.read_now(sessions.find, token) is None
    assert (twice.status_code, "There is a person with this address already." in twice.text) == (400, True)
    assert PASSWORD not in twice.text


async def test_somebody_is_locked_out_and_given_a_new_password(desk: Desk) -> None:
    owner = desk.caller(Role.OWNER)
    desk.caller(Role.AGENT)
    agent = desk.db.read_now(users.by_email, "agent@example.com")

    short = await owner.post(f"/settings/team/{agent.id}/password", data={"new_password": "short"})
    before = desk.db.read_now(users.stored_password, agent.email)
    await owner.post(f"/settings/team/{agent.id}/password", data={"new_password": "seven blue doors"})
    after = desk.db.read_now(users.stored_password, agent.email)
    await owner.post(f"/settings/team/{agent.id}/disable")

    assert (short.status_code, "Use at least 12 characters." in short.text) == (400, True)
    assert before != after
    assert desk.db.read_now(users.get, agent.id).disabled_at is not None


async def test_the_last_owner_cannot_be_lost(desk: Desk) -> None:
    owner = desk.caller(Role.OWNER)
    me = desk.db.read_now(users.by_email, "owner@example.com")

    await owner.post(f"/settings/team/{me.id}/role", data={"role": "viewer"})
    await owner.post(f"/settings/team/{me.id}/disable")

    assert desk.db.read_now(users.get, me.id).role is Role.OWNER
    assert desk.db.read_now(users.get, me.id).disabled_at is None


async def test_admins_see_the_team_and_cannot_change_it(desk: Desk) -> None:
    admin = desk.caller(Role.ADMIN)

    shown = await admin.get("/settings/team")
    refused = await admin.post("/settings/team", data={"name": "x"})

    assert "admin@example.com" in shown.text
    assert 'action="/settings/team' not in shown.text
    assert refused.status_code == 403


async def test_who_only_reads_sees_settings_without_buttons_or_keys(desk: Desk) -> None:
    viewer = desk.caller(Role.VIEWER)

    shown = await viewer.get("/settings")
    answers = [await viewer.get(f"/settings/{path}") for path in ("access", "team", "changes")]
    changed = await viewer.post("/settings", data=BUSINESS)

    assert 'fieldset class="grid two" disabled' in shown.text
    assert {answer.status_code for answer in [*answers, changed]} == {403}
