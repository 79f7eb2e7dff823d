"""The live stream: signals reach every tab, nothing is lost over a reconnect, streams end."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Connection

from leadkeeper import clock
from leadkeeper.errors import TooMany
from leadkeeper.store.database import Database
from leadkeeper.store.signals import signal
from leadkeeper.web import live as live_module
from leadkeeper.web.live import STREAMS_PER_USER, Live, Stream


async def yes() -> bool:
    return True


async def no() -> bool:
    return False


def touch(conn: Connection, *topics: str) -> None:
    signal(conn, *topics)


class Tab:
    """Reads a stream event by event."""

    def __init__(self, live: Live, stream: Stream) -> None:
        self._events: AsyncIterator[str] = live.events(stream, yes)

    async def next(self) -> tuple[str, str, object]:
        """(name, id, data) of the next event."""
        text = await asyncio.wait_for(anext(self._events), 30)
        lines = dict(line.split(": ", 1) for line in text.strip().splitlines())
        return lines["event"], lines.get("id", ""), json.loads(lines["data"])


@pytest.fixture
async def live(db: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Live]:
    monkeypatch.setattr(live_module, "TICK_SECONDS", 0.05)
    streams = Live(db)
    yield streams
    streams.close()
    await asyncio.sleep(0.01)


async def test_a_commit_is_told_to_every_open_tab(db: Database, live: Live) -> None:
    live.start(lambda conn: {})
    tabs = [Tab(live, live.open(user, None)) for user in (1, 2)]
    assert [(await tab.next())[0] for tab in tabs] == ["hello", "hello"]

    await db.write(touch, "jobs", "inbox")

    assert [(await tab.next())[::2] for tab in tabs] == [("signal", ["inbox", "jobs"])] * 2


async def test_a_tab_that_comes_back_hears_what_it_missed(db: Database, live: Live) -> None:
    live.start(lambda conn: {})
    first = Tab(live, live.open(1, None))
    await first.next()
    await db.write(touch, "jobs")
    _, seen, _ = await first.next()
    await db.write(touch, "conversation:12", "inbox")
    await first.next()

    back = Tab(live, live.open(1, seen))
    await back.next()

    assert (await back.next())[::2] == ("signal", ["conversation:12", "inbox"])


@pytest.mark.parametrize("last_id", ["", "nonsense", "other-3", "{boot}-999"])
async def test_what_cannot_be_replayed_is_a_resync(live: Live, last_id: str) -> None:
    live.start(lambda conn: {})

    tab = Tab(live, live.open(1, last_id.format(boot=live._boot)))
    await tab.next()

    assert (await tab.next())[0] == "resync"


async def test_too_long_away_is_a_resync(db: Database, live: Live) -> None:
    live.start(lambda conn: {})
    for _ in range(live_module.KEPT + 2):
        live._spread(frozenset({"jobs"}))

    back = Tab(live, live.open(1, f"{live._boot}-1"))
    await back.next()

    assert (await back.next())[0] == "resync"


async def test_figures_are_read_once_for_all_tabs_and_only_while_somebody_listens(live: Live) -> None:
    reads: list[int] = []

    def figures(conn: Connection) -> dict[str, int]:
        reads.append(1)
        return {"pending": 12}

    live.start(figures)
    await asyncio.sleep(0.2)
    assert reads == []
    began = clock.monotonic()

    tabs = [Tab(live, live.open(1, None)) for _ in range(5)]
    for tab in tabs:
        await tab.next()
    told = [(await tab.next())[::2] for tab in tabs]

    assert told == [("figures", {"pending": 12})] * 5
    assert len(reads) <= 2 + (clock.monotonic() - began) / live_module.TICK_SECONDS


async def test_numbers_that_moved_without_a_signal_of_ours_mean_everything_may_have_changed(live: Live) -> None:
    numbers = iter(range(1, 1000))
    live.start(lambda conn: {"pending": next(numbers)})
    tab = Tab(live, live.open(1, None))
    await tab.next()

    names = [(await tab.next())[::2] for _ in range(4)]

    assert ("signal", ["*"]) in names


async def test_streams_end_when_the_server_does(live: Live) -> None:
    live.start(lambda conn: {})
    stream = live.open(1, None)
    reading = asyncio.create_task(_drain(live, stream))
    await asyncio.sleep(0.05)

    live.close()
    await asyncio.wait_for(reading, 30)

    assert len(live) == 0


async def test_a_stream_ends_with_its_session(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "BEAT_SECONDS", 0.05)
    live.start(lambda conn: {})
    stream = live.open(1, None)

    events = [event async for event in live.events(stream, no)]

    assert len(events) == 1
    assert len(live) == 0


async def test_one_user_cannot_open_endless_streams(live: Live) -> None:
    for _ in range(STREAMS_PER_USER):
        live.open(1, None)

    with pytest.raises(TooMany):
        live.open(1, None)
    live.open(2, None)


async def _drain(live: Live, stream: Stream) -> None:
    async for _ in live.events(stream, yes):
        pass
