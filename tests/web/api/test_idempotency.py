"""An Idempotency-Key: whoever asks again because they heard no answer sends nothing twice and hears the same."""

import asyncio
import signal
import subprocess
import sys
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, func, select, update

from leadkeeper import clock
from leadkeeper.access import idempotency, users
from leadkeeper.access.roles import Role
from leadkeeper.jobs import person, purge
from leadkeeper.store.schema import conversations, idempotency_keys, jobs, messages
from tests.patience import PATIENCE_SECONDS
from tests.web.api.conftest import SARA, Business, new_thread
from tests.web.api.test_inbox import asked
from tests.web.conftest import Desk

KEY = {"Idempotency-Key": "order-4711"}


def sends(desk: Desk) -> int:
    return desk.db.read_now(
        lambda conn: conn.execute(select(func.count()).select_from(jobs).where(jobs.c.type == "send")).scalar_one()
    )


def address(desk: Desk) -> str:
    return f"/api/inbox/conversations/{new_thread(desk.db)[0]}/messages"


async def test_the_same_request_again_hears_the_same_and_sends_nothing(business: Business) -> None:
    path = f"{await asked(business)}/messages"
    caller = business.caller()

    first = await caller.post(path, json={"text": "Hello from a person"}, headers=KEY)
    await business.place.idle()
    again = await caller.post(path.replace("/messages", "/reply"), json={"message": "Hello from a person"}, headers=KEY)
    await business.place.idle()

    assert first.status_code == 200
    assert (again.status_code, again.text) == (first.status_code, first.text)
    assert ("idempotent-replayed" in first.headers, again.headers["idempotent-replayed"]) == (False, "true")
    assert [text for text in await business.place.sent() if text == "Hello from a person"] == ["Hello from a person"]


async def test_the_key_with_another_request_is_refused(open_desk: Desk) -> None:
    path, other = address(open_desk), address(open_desk)
    caller = open_desk.caller(Role.AGENT)
    await caller.post(path, json={"text": "One"}, headers=KEY)

    refused = [
        await caller.post(path, json={"text": "Two"}, headers=KEY),
        await caller.post(other.replace("/messages", "/reply"), json={"text": "Two"}, headers=KEY),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(409, "idempotency_key_reused")] * 2
    assert sends(open_desk) == 1


async def test_another_users_key_is_another_key(open_desk: Desk) -> None:
    path = address(open_desk)

    answers = [
        await open_desk.caller(role).post(path, json={"text": f"As {role}"}, headers=KEY) for role in (Role.AGENT, Role.ADMIN)
    ]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert sends(open_desk) == 2


async def test_two_at_once_are_one(open_desk: Desk) -> None:
    path = address(open_desk)
    callers = [open_desk.caller(Role.AGENT) for _ in range(8)]

    answers = await asyncio.gather(*(caller.post(path, json={"text": "Only once"}, headers=KEY) for caller in callers))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert sends(open_desk) == 1


async def test_a_refusal_is_an_answer_too(business: Business) -> None:
    path = f"{await asked(business)}/messages"
    caller = business.caller()
    old = clock.now() - timedelta(hours=30)
    await business.place.db.write(lambda conn: conn.execute(update(conversations).values(last_inbound_at=old)))
    first = await caller.post(path, json={"text": "Too late"}, headers=KEY)
    await business.place.says(SARA, "Are you there?")
    await business.place.idle()

    again = await caller.post(path, json={"text": "Too late"}, headers=KEY)

    assert (first.status_code, first.json()["requiresTemplate"]) == (400, True)
    assert (again.status_code, again.text) == (first.status_code, first.text)
    assert "Too late" not in await business.place.sent()


async def test_who_dies_before_the_commit_has_done_nothing_and_the_key_is_free(
    open_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = address(open_desk)
    caller = open_desk.caller(Role.AGENT)
    say = person.say

    def die(*given: Any) -> int:
        say(*given)
        raise RuntimeError("the server dies here")

    with monkeypatch.context() as patched:
        patched.setattr(person, "say", die)
        lost = await caller.post(path, json={"text": "Once"}, headers=KEY)
    left = (lost.status_code, sends(open_desk))
    after = await caller.post(path, json={"text": "Once"}, headers=KEY)

    assert left == (500, 0)
    assert after.status_code == 200
    assert "idempotent-replayed" not in after.headers
    assert sends(open_desk) == 1


KILLED = """
import os, signal, sys
from leadkeeper.access import idempotency
from leadkeeper.config import Settings
from leadkeeper.jobs import person
from leadkeeper.store.database import Database

url, conversation, user, when = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]

def act(conn):
    person.say(conn, Settings(data_dir="."), conversation, user, person.Said("Once"))
    if when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    return idempotency.Answer(200, "first")

Database(url).write_now(idempotency.once, user, "k", "asked", act)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(("when", "sent_again"), [("before", True), ("after", False)])
async def test_killed_around_the_commit_it_is_done_once(open_desk: Desk, database_url: str, when: str, sent_again: bool) -> None:
    conversation, _ = new_thread(open_desk.db)
    open_desk.token(Role.AGENT)
    user = open_desk.db.read_now(users.by_email, f"{Role.AGENT}@example.com").id
    given = [sys.executable, "-c", KILLED, database_url, str(conversation), str(user), when]
    killed = await asyncio.to_thread(subprocess.run, given, check=False, timeout=PATIENCE_SECONDS)

    def act(conn: Connection) -> idempotency.Answer:
        person.say(conn, open_desk.settings, conversation, user, person.Said("Once"))
        return idempotency.Answer(200, "second")

    heard = await open_desk.db.write(idempotency.once, user, "k", "asked", act)

    assert killed.returncode == -signal.SIGKILL
    assert (heard.body, heard.again) == (("second", False) if sent_again else ("first", True))
    assert sends(open_desk) == 1


@pytest.mark.parametrize("key", ["", " ", "two words", "k" * 256])
async def test_a_key_that_is_none_is_told_so(open_desk: Desk, key: str) -> None:
    answer = await open_desk.caller(Role.AGENT).post(address(open_desk), json={"text": "Hi"}, headers={"Idempotency-Key": key})

    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["fields"]
    assert sends(open_desk) == 0


async def test_keys_are_kept_for_eight_days(open_desk: Desk) -> None:
    path = address(open_desk)
    caller = open_desk.caller(Role.AGENT)
    for day, key in ((7, "young"), (9, "old")):
        await caller.post(path, json={"text": key}, headers={"Idempotency-Key": key})
        at = clock.now() - timedelta(days=day)
        change = update(idempotency_keys).where(idempotency_keys.c.key == key).values(created_at=at)
        await open_desk.db.write(lambda conn, change=change: conn.execute(change))

    for table, condition in purge._old(clock.now()):
        await open_desk.db.write(partial(purge._delete_some, table=table, condition=condition))

    left = await open_desk.db.read(lambda conn: conn.execute(select(idempotency_keys.c.key)).scalars().all())
    assert left == ["young"]
    assert sends(open_desk) == 2
    assert await open_desk.db.read(lambda conn: conn.execute(select(func.count()).select_from(messages)).scalar_one()) == 3
