"""The doors know their accounts: our own changes at once, other processes' soon, and one reading serves all who ask."""

import asyncio
import threading
from pathlib import Path

import pytest
from sqlalchemy import Connection, update

from leadkeeper import clock
from leadkeeper.crm import accounts
from leadkeeper.errors import Unavailable
from leadkeeper.secretbox import SecretBox
from leadkeeper.store.database import Database
from leadkeeper.store.schema import channel_accounts
from leadkeeper.web import freshness
from leadkeeper.web.doors import Doors
from tests.patience import PATIENCE_SECONDS

ELSEWHERE = frozenset({"*"})


class Counting(Doors):
    """Doors on a database whose readings are counted."""

    def __init__(self, db: Database, folder: Path) -> None:
        super().__init__(db, SecretBox.open(folder))
        self.readings = 0
        read = db.read

        async def counted(*given: object) -> object:
            self.readings += 1
            return await read(*given)  # type: ignore[arg-type]

        db.read = counted  # type: ignore[method-assign, assignment]

    async def names(self) -> list[str]:
        return [each.name for each in await self.of("whatsapp")]


@pytest.fixture
async def doors(db: Database, tmp_path: Path) -> Counting:
    await _add(db, "1", "Shop")
    return Counting(db, tmp_path)


async def test_one_reading_serves_all_who_ask(doors: Counting) -> None:
    found = await asyncio.gather(*(doors.names() for _ in range(64)))

    assert found == [["Shop"]] * 64
    assert doors.readings == 1


async def test_our_own_change_is_seen_at_once(db: Database, doors: Counting) -> None:
    assert await doors.names() == ["Shop"]

    await _add(db, "2", "Branch")

    assert await doors.names() == ["Shop", "Branch"]


async def test_a_change_while_it_is_read_is_not_overlooked(db: Database, doors: Counting) -> None:
    first = asyncio.create_task(doors.names())
    await asyncio.sleep(0)

    await _add(db, "2", "Branch")
    second = await doors.names()
    await first

    assert second == await doors.names() == ["Shop", "Branch"]


async def test_other_processes_that_write_all_the_time_do_not_have_it_read_all_the_time(db: Database, doors: Counting) -> None:
    now = [100.0]
    with clock.use_monotonic(lambda: now[0]):
        await doors.names()
        await db.write(_rename)

        for _ in range(100):
            db.announce(ELSEWHERE)
            now[0] += freshness.DOUBTED_SECONDS / 200
            assert await doors.names() == ["Shop"]
        now[0] += freshness.DOUBTED_SECONDS
        assert await doors.names() == ["Renamed"]

    assert doors.readings == 2


async def test_without_a_hint_it_is_read_again_after_seconds(db: Database, doors: Counting) -> None:
    now = [100.0]
    with clock.use_monotonic(lambda: now[0]):
        await doors.names()
        await db.write(_rename)

        assert await doors.names() == ["Shop"]
        now[0] += freshness.REREAD_SECONDS + 0.1
        assert await doors.names() == ["Renamed"]


async def test_a_database_that_was_away_is_asked_again(db: Database, doors: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*given: object) -> object:
        raise Unavailable("away")

    with monkeypatch.context() as patch, pytest.raises(Unavailable):
        patch.setattr(db, "read", away)
        await doors.names()

    assert await doors.names() == ["Shop"]


async def _add(db: Database, external_id: str, name: str) -> None:
    """One more account, of which everybody has been told when this returns."""
    told = threading.Event()
    quiet = db.listen(lambda topics: told.set())
    await db.write(lambda conn: accounts.ensure(conn, "whatsapp", external_id, name))
    assert await asyncio.to_thread(told.wait, PATIENCE_SECONDS)
    quiet()


def _rename(conn: Connection) -> None:
    conn.execute(update(channel_accounts).values(name="Renamed"))
