"""Probes: alive without a database, ready only when messages can be stored and worked on."""

import asyncio
import shutil
import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text, update

from leadkeeper import clock
from leadkeeper.queue import control
from leadkeeper.queue.control import WorkerRow
from leadkeeper.store import room
from leadkeeper.store.engine import READERS
from leadkeeper.store.schema import settings
from leadkeeper.web import health
from tests.web.conftest import Desk


def beats(desk: Desk) -> None:
    """A worker's heartbeat of this moment."""
    now = clock.now()
    desk.db.write_now(control.beat, WorkerRow("w-1", "here", 1, "0", "running", 0, 0, now, now))


async def test_alive_is_said_also_when_the_database_is_gone(desk: Desk) -> None:
    desk.db.write_now(lambda conn: conn.execute(text("drop table workers")))

    answer = await desk.caller().get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"ok": True, "product": "leadkeeper"})
    assert answer.headers["cache-control"] == "no-store"


async def test_alive_is_said_at_once_while_every_reader_waits_for_the_database(desk: Desk) -> None:
    over = threading.Event()
    stuck = [asyncio.create_task(desk.db.read(lambda conn: over.wait(120))) for _ in range(READERS)]
    await asyncio.sleep(0.1)
    began = clock.monotonic()

    answers = [await desk.caller().get("/healthz") for _ in range(3)]

    waited = clock.monotonic() - began
    over.set()
    await asyncio.gather(*stuck)
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert waited < 60


async def test_ready_means_every_check_holds(desk: Desk) -> None:
    beats(desk)

    answer = await desk.caller().get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {
        "ok": True,
        "checks": {"databaseWrite": "ok", "schema": "ok", "disk": "ok", "worker": "ok"},
        "failing": [],
    }


async def test_without_a_fresh_heartbeat_it_is_not_ready(desk: Desk) -> None:
    answer = await desk.caller().get("/readyz")

    assert (answer.status_code, answer.json()["ok"], answer.json()["failing"]) == (503, False, ["worker"])


def other_schema(desk: Desk) -> None:
    desk.db.write_now(lambda conn: conn.execute(text("update alembic_version set version_num = 'future'")))


def no_writing(desk: Desk) -> None:
    desk.db.write_now(lambda conn: conn.execute(text("alter table settings rename to settings_elsewhere")))


@pytest.mark.parametrize(("breaks", "name"), [(other_schema, "schema"), (no_writing, "databaseWrite")])
async def test_the_check_that_fails_is_named(desk: Desk, breaks: Callable[[Desk], None], name: str) -> None:
    beats(desk)
    await desk.app.state.site.settings()
    breaks(desk)

    answer = await desk.caller().get("/readyz")

    assert answer.status_code == 503
    assert name in answer.json()["failing"]


async def test_a_full_disk_is_no_place_to_take_messages(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    beats(desk)
    full = shutil._ntuple_diskusage(10**9, 10**9, room.RESERVE_BYTES - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: full)

    answer = await desk.caller().get("/readyz")

    assert (answer.status_code, answer.json()["failing"]) == (503, ["disk"])


async def test_a_crowd_of_probes_asks_the_database_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    beats(desk)
    looks: list[Any] = []
    look = health._look

    async def counted(site: Any) -> health.Readiness:
        looks.append(site)
        return await look(site)

    monkeypatch.setattr(health, "_look", counted)
    caller = desk.caller()

    answers = await asyncio.gather(*(caller.get("/readyz") for _ in range(30)))

    assert {answer.status_code for answer in answers} == {200}
    assert len(looks) == 1


@pytest.mark.parametrize(
    ("problem", "seconds", "fresh"), [(None, 0.9, True), (None, 1.1, False), ("no", 0.1, True), ("no", 0.3, False)]
)
def test_what_is_missing_is_looked_for_again_sooner(
    problem: str | None, seconds: float, fresh: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = health.Readiness({"worker": problem}, at=100.0)

    monkeypatch.setattr(clock, "monotonic", lambda: 100.0 + seconds)

    assert found.is_fresh is fresh


async def test_the_probe_of_writing_disturbs_nobody(desk: Desk) -> None:
    heard: list[frozenset[str]] = []
    beats(desk)
    desk.db.listen(heard.append)

    await desk.caller().get("/readyz")

    assert heard == []
    assert desk.db.write_now(lambda conn: conn.execute(update(settings).values(updated_by=None)).rowcount) == 1
