"""The door providers knock at: what is signed is stored before the 200, what is not leaves no trace, and an outage says so."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import Connection, exc, func, select

from leadkeeper.channels.whatsapp.webhook import sign
from leadkeeper.crm import accounts
from leadkeeper.simulator import payloads
from leadkeeper.simulator.state import SimAccount
from leadkeeper.store.database import Database
from leadkeeper.store.schema import inbound_events, jobs, receipts, webhook_deliveries
from leadkeeper.web import webhooks
from tests.web.conftest import Desk

PATH = "/api/webhooks/whatsapp"
SECRET = "the secret of both numbers"
FIRST, SECOND, OTHER = (
    SimAccount(number, token="t", app_secret=secret, target="")
    for number, secret in (("1001", SECRET), ("1002", SECRET), ("2001", "another secret"))
)
SARA = "971500000001"


@pytest.fixture
async def door(db: Database, tmp_path: Path) -> AsyncIterator[Desk]:
    """Two numbers of one secret, and one of another."""
    made = Desk(db, tmp_path / "desk")
    for each in (FIRST, SECOND, OTHER):
        account_id = db.write_now(accounts.ensure, "whatsapp", each.phone_number_id, each.phone_number_id)
        db.write_now(accounts.save_credentials, made.app.state.site.box, account_id, {"app_secret": each.app_secret})
    yield made
    await made.close()


async def post(door: Desk, body: bytes, secret: str = SECRET, **headers: str) -> httpx2.Response:
    signed = {"content-type": "application/json", "x-hub-signature-256": sign(secret.encode(), body)}
    return await door.caller(**{**signed, **headers}).post(PATH, content=body)


def says(account: SimAccount, wamid: str, text: str = "Hello") -> dict[str, Any]:
    return payloads.messages_value(account, [payloads.message(wamid, SARA, payloads.text(text))], {SARA: "Sara"})


async def count(door: Desk, table: Any, *where: Any) -> int:
    return await door.db.read(lambda conn: int(conn.execute(select(func.count()).select_from(table).where(*where)).scalar_one()))


@pytest.mark.parametrize("signature", ["", "sha256=", "sha256=0", "sha256=" + "0" * 64, "sha1=" + "0" * 40, "é"])
async def test_a_wrong_missing_or_short_signature_is_403_and_nothing_is_stored(door: Desk, signature: str) -> None:
    body = payloads.encode(payloads.envelope(FIRST, says(FIRST, "wamid.1")))
    headers = [(b"x-hub-signature-256", signature.encode("latin-1"))] if signature else []

    answer = await door.caller().post(PATH, content=body, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (403, "bad_signature")
    assert await count(door, webhook_deliveries) == 0


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe", b"[]", b"1", b'"x"', b"null", b"1" * 5000, b"[" * 100_000, b'{"object": "page"}', b'{"a": NaN}',
     b'{"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "new_thing", "value": {"x": "\\u0000"}}]}]}'],
)  # fmt: skip
async def test_what_is_signed_and_not_understood_is_stored_as_it_is_and_answered_200(door: Desk, body: bytes) -> None:
    answer = await post(door, body)

    assert answer.status_code == 200
    (row,) = await door.db.read(lambda conn: conn.execute(select(webhook_deliveries)).fetchall())
    assert (row.body, row.note is not None) == (body, True)


async def test_the_same_delivery_at_once_many_times_is_one_event_and_one_job(door: Desk) -> None:
    body = payloads.encode(payloads.envelope(FIRST, says(FIRST, "wamid.1")))

    answers = await asyncio.gather(*(post(door, body) for _ in range(10)))
    answers += [await post(door, body) for _ in range(20)]

    assert {answer.status_code for answer in answers} == {200}
    assert await count(door, inbound_events) == 1
    assert await count(door, jobs, jobs.c.type == "inbound_message") == 1
    assert await count(door, webhook_deliveries) == 30


async def test_two_entries_of_two_messages_are_four_events(door: Desk) -> None:
    values = [
        payloads.messages_value(FIRST, [payloads.message(f"w.{entry}.{n}", SARA, payloads.text("Hi")) for n in range(2)], {})
        for entry in range(2)
    ]

    await post(door, payloads.encode(payloads.envelope(FIRST, *values)))

    assert await count(door, inbound_events) == 4


async def test_events_go_to_the_number_they_name_and_strangers_are_kept_and_shown(door: Desk) -> None:
    stranger = SimAccount("9999", token="t", app_secret=SECRET, target="")
    values = [says(FIRST, "w.1"), says(SECOND, "w.2"), says(stranger, "w.3"), says(OTHER, "w.4")]

    await post(door, payloads.encode(payloads.envelope(FIRST, *values)))

    query = select(inbound_events.c.external_id).order_by(inbound_events.c.external_id)
    assert (await door.db.read(lambda conn: conn.execute(query).scalars().all())) == ["w.1", "w.2"]
    (row,) = await door.db.read(lambda conn: conn.execute(select(webhook_deliveries)).fetchall())
    assert row.unrouted == "2001, 9999"  # 2001 is ours, but its secret did not sign this


async def test_what_is_said_of_the_whole_business_account_concerns_each_of_its_numbers(door: Desk) -> None:
    notice = {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}}

    await post(door, payloads.encode(payloads.envelope(FIRST, notice, field="account_update")))

    assert await count(door, inbound_events, inbound_events.c.kind == "notice") == 2
    (row,) = await door.db.read(lambda conn: conn.execute(select(webhook_deliveries)).fetchall())
    assert row.unrouted is None


async def test_statuses_of_a_number_whose_secret_did_not_sign_are_not_believed(door: Desk) -> None:
    ours = payloads.status("wamid.mine", "sent", SARA, None)
    forged = payloads.status("wamid.theirs", "failed", SARA, "1.1", 131026)
    values = [payloads.statuses_value(OTHER, [ours]), payloads.statuses_value(FIRST, [forged])]

    await post(door, payloads.encode(payloads.envelope(OTHER, *values)), secret=OTHER.app_secret)
    await run_statuses(door)

    kept = await door.db.read(lambda conn: conn.execute(select(receipts.c.external_id)).scalars().all())
    assert kept == ["wamid.mine"]


async def run_statuses(door: Desk) -> None:
    from leadkeeper.jobs.statuses import statuses

    def work(conn: Connection) -> None:
        for job in conn.execute(select(jobs).where(jobs.c.type == "statuses")).fetchall():
            statuses(conn, None, delivery_id=job.data["deliveryId"], accounts=job.data["accounts"])  # type: ignore[arg-type]

    await door.db.write(work)


async def test_a_body_over_the_limit_is_413(door: Desk) -> None:
    answer = await post(door, b"x" * 4_000_001)

    assert answer.status_code == 413
    assert await count(door, webhook_deliveries) == 0


@pytest.mark.parametrize("channel", ["whatsapp", "webchat"])
async def test_a_database_that_cannot_be_written_is_503_so_that_it_is_delivered_again(
    door: Desk, monkeypatch: pytest.MonkeyPatch, channel: str
) -> None:
    def full(conn: Connection, deliveries: Sequence[Any]) -> list[list[int]]:
        raise exc.OperationalError("insert", {}, sqlite3.OperationalError("database or disk is full"))

    monkeypatch.setattr(webhooks, "accept", full)
    if channel == "whatsapp":
        answer = await post(door, payloads.encode(payloads.envelope(FIRST, says(FIRST, "wamid.1"))))
    else:
        answer = await door.caller().post("/api/webhooks/webchat", json={"sessionId": "v-503", "message": "Hello"})

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


async def test_the_verification_answers_the_challenge_as_plain_text(door: Desk) -> None:
    box = door.app.state.site.box
    account_id = door.db.read_now(accounts.find, "whatsapp", "1002") or 0
    door.db.write_now(accounts.save_credentials, box, account_id, {"verify_token": "open sesame"})
    asked = {"hub.mode": "subscribe", "hub.verify_token": "open sesame", "hub.challenge": "1158201444"}

    right = await door.caller().get(PATH, params=asked)
    wrong = await door.caller().get(PATH, params={**asked, "hub.verify_token": "open"})

    assert (right.status_code, right.text, right.headers["content-type"].split(";")[0]) == (200, "1158201444", "text/plain")
    assert wrong.status_code == 403


async def test_messages_of_the_chat_are_told_apart_by_any_id_of_the_browsers(door: Desk) -> None:
    ids: list[object] = [1, 2, 2, "  ", "  ", "x" * 150 + "1", "x" * 150 + "2", True, True]

    for client_id in ids:
        body = {"sessionId": "v-ids", "message": "yes", "clientMessageId": client_id}
        answer = await door.caller().post("/api/webhooks/webchat", json=body)
        assert answer.status_code == 200

    assert await count(door, inbound_events) == len(ids) - 1


async def test_a_chat_message_without_an_id_is_known_by_visitor_text_and_time(door: Desk) -> None:
    said = [("v-a", "yes", 1), ("v-a", "yes", 1), ("v-a", "yes", 2), ("v-b", "yes", 1), ("v-a", "no", 1)]

    for visitor, text, timestamp in said:
        body = {"sessionId": visitor, "message": text, "timestamp": timestamp}
        await door.caller().post("/api/webhooks/webchat", json=body)

    assert await count(door, inbound_events) == 4
