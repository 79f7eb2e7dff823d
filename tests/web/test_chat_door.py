"""What strangers post to the web chat's door: whatever it holds, it is taken or clearly refused."""

import json
from itertools import count
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from leadkeeper.store.schema import inbound_events, webhook_deliveries
from tests.web.conftest import Desk
from tests.web.test_chat import CHAT, caller

_sessions = count(1)


def session() -> str:
    """A session of this test alone: limits are counted in this process."""
    return f"door-{next(_sessions)}"


async def post(desk: Desk, body: str) -> httpx2.Response:
    return await caller(desk).post(CHAT, content=body.encode(), headers={"content-type": "application/json"})


@pytest.mark.parametrize(
    "given",
    [
        r'{"sessionId": "%s\ud800", "message": "hello"}',
        r'{"sessionId": "%s\u0000x", "message": "he\u0000llo \ud83d", "name": "\ud800", "email": "\u0000"}',
        r'{"sessionId": "%s", "message": "hello", "visitorToken": "\ud800"}',
        r'{"sessionId": "%s", "message": "hello", "visitorToken": ["\ud800"], "clientMessageId": "\ud800"}',
        r'{"sessionId": "%s", "message": "hello", "\ud800": {"\u0000": "\ud800"}, "timestamp": "\ud800"}',
    ],
)
async def test_nul_and_lone_surrogates_are_taken_and_read_again(desk: Desk, given: str) -> None:
    answer = await post(desk, given % session())

    assert answer.status_code == 200, answer.text
    (event,) = await desk.db.read(lambda conn: conn.execute(select(inbound_events)).fetchall())
    headers = {"x-visitor-token": answer.json()["visitorToken"]}
    read = await caller(desk).get(f"{CHAT}/messages", params={"sessionId": event.sender}, headers=headers)
    assert read.status_code == 200


async def test_the_delivery_is_kept_byte_for_byte(desk: Desk) -> None:
    raw = r'{ "message": "he\u0000llo \ud83d",  "sessionId":"' + session() + '" }'

    await post(desk, raw)

    assert await desk.db.read(lambda conn: conn.execute(select(webhook_deliveries.c.body)).scalars().all()) == [raw.encode()]


@pytest.mark.parametrize(
    "timestamp",
    ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "0001-01-01", -62135596800, 253402300799, 1e18, 0, {"a": 1}],
)
async def test_a_time_that_cannot_be_is_no_time(desk: Desk, timestamp: Any) -> None:
    answer = await post(desk, json.dumps({"sessionId": session(), "message": "hello", "timestamp": timestamp}))

    assert answer.status_code == 200
    (event,) = await desk.db.read(lambda conn: conn.execute(select(inbound_events)).fetchall())
    assert event.occurred_at == event.received_at


async def test_the_longest_session_id_reads_what_it_wrote_and_a_longer_one_is_refused(desk: Desk) -> None:
    longest = session().ljust(180, "x")

    taken = [
        await post(desk, json.dumps({"sessionId": longest, "message": "hello", "clientMessageId": "c".ljust(99, "c") + last}))
        for last in "12"
    ]
    refused = await post(desk, json.dumps({"sessionId": longest + "x", "message": "hello"}))

    assert [answer.status_code for answer in taken] == [200, 200]
    events = await desk.db.read(lambda conn: conn.execute(select(inbound_events)).fetchall())
    assert [event.sender for event in events] == [longest, longest]
    assert (refused.status_code, refused.json()["fields"]) == (400, {"sessionId": "is longer than 180 characters"})
