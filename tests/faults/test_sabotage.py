"""Each story goes right with its safeguard and wrong without it: the safeguard is what holds it, and the story would notice."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, bindparam, func, select, update

from leadkeeper import clock
from leadkeeper.crm import accounts, inbound
from leadkeeper.queue import finish as finishing
from leadkeeper.queue.claim import Wanted, claim
from leadkeeper.queue.enqueue import enqueue
from leadkeeper.queue.finish import Result
from leadkeeper.queue.jobs import Job
from leadkeeper.queue.leases import rescue
from leadkeeper.queue.outcomes import Done
from leadkeeper.queue.rows import HELD
from leadkeeper.secretbox import SecretBox
from leadkeeper.simulator import payloads
from leadkeeper.simulator.state import SimAccount
from leadkeeper.store import settings_rows
from leadkeeper.store.database import Database
from leadkeeper.store.prepared import Prepared
from leadkeeper.store.schema import inbound_events, jobs
from leadkeeper.store.types import Instant
from leadkeeper.web import webhooks
from tests.flows.town import town
from tests.web.conftest import Desk

LEASE = timedelta(seconds=15)
SARA = "971500000001"


def unfenced(dialect: str) -> Any:
    """The statement that completes jobs, without the claim it must be of."""
    held = HELD.table(dialect)
    done = {"status": "completed", "completed_at": bindparam("now", type_=Instant)}
    return update(jobs).where(jobs.c.id == held.c.id, held.c.claim > 0).values(**done).returning(jobs.c.id)


def counted(conn: Connection) -> None:
    settings_rows.save(conn, "effects", settings_rows.get(conn, "effects", 0) + 1)


@pytest.mark.parametrize("safe", [True, False])
def test_a_worker_that_slept_past_its_lease_has_no_effect(db: Database, monkeypatch: pytest.MonkeyPatch, safe: bool) -> None:
    if not safe:
        monkeypatch.setattr(finishing, "_COMPLETE", Prepared(unfenced))
    db.write_now(enqueue, Job("noop", {}))
    [slept] = db.write_now(claim, Wanted("w1", 1, None, LEASE)).jobs
    later = clock.now() + timedelta(hours=1)
    with clock.use(lambda: later):
        db.write_now(rescue, "w2", [])
        [again] = db.write_now(claim, Wanted("w2", 1, None, LEASE)).jobs

    for job in (again, slept):
        db.write_now(finishing.finish, [Result(job, Done(counted))], LEASE)

    assert db.read_now(settings_rows.get, "effects", 0) == (1 if safe else 2)


@pytest.mark.parametrize("safe", [True, False])
async def test_a_message_delivered_twice_is_answered_once(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, safe: bool
) -> None:
    once = inbound.insert_once

    def always_new(conn: Connection, table: Any, rows: Any, *returning: Any) -> Any:
        stamp = conn.execute(select(func.count()).select_from(inbound_events)).scalar_one()
        return once(conn, table, [{**row, "external_id": f"{row['external_id']}.{stamp}"} for row in rows], *returning)

    if not safe:
        monkeypatch.setattr(inbound, "insert_once", always_new)
    async with town(db, tmp_path) as place:
        for _ in range(2):
            await place.says(SARA, "What are your opening hours?", wamid="wamid.same")
            await place.idle()

        assert place.calls() == (1 if safe else 2)


@pytest.mark.parametrize("safe", [True, False])
async def test_a_forged_delivery_is_refused_and_nothing_of_it_stored(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, safe: bool
) -> None:
    if not safe:
        monkeypatch.setattr(webhooks, "verify", lambda *args: None)
    desk = Desk(db, tmp_path / "desk")
    box = SecretBox.open(tmp_path / "desk")
    account_id = db.write_now(accounts.ensure, "whatsapp", "100200300", "Town")
    db.write_now(accounts.save_credentials, box, account_id, {"app_secret": "known to the provider alone"})
    ours = SimAccount("100200300", token="t", app_secret="a guess", target="http://town")
    forged = payloads.messages_value(ours, [payloads.message("wamid.forged", SARA, payloads.text("Hello"))], {})
    headers = {"content-type": "application/json", "x-hub-signature-256": "sha256=" + "0" * 64}

    body = payloads.encode(payloads.envelope(ours, forged))
    answer = await desk.caller(**headers).post("/api/webhooks/whatsapp", content=body)
    await desk.close()

    stored = db.read_now(lambda conn: conn.execute(select(func.count()).select_from(inbound_events)).scalar_one())
    assert (answer.status_code, stored) == ((403, 0) if safe else (200, 1))
