"""One stream of signals per tab: what may have changed, never the data itself.

Events: `signal` holds a JSON list of topics (`["jobs", "conversation:12"]`), `figures` the frame's numbers when they
changed, `resync` says that signals were missed and everything should be fetched again. Ids are `<boot>-<number>`;
a browser that comes back with `Last-Event-ID` gets what it missed, or `resync`.
"""

import asyncio
import json
import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from leadkeeper.errors import TooMany, Unavailable
from leadkeeper.store.database import Database

BEAT_SECONDS = 15.0
TICK_SECONDS = 1.0
STREAMS_PER_USER = 12
KEPT = 512
"""Signals kept for tabs that come back."""

Take = Callable[[Any], Any]


@dataclass(eq=False)
class Stream:
    """One open tab: what it has not been told yet."""

    user_id: int
    waiting: set[str] = field(default_factory=set)
    figures: bool = True
    resync: bool = False
    wake: asyncio.Event = field(default_factory=asyncio.Event)


class Live:
    """Every open stream of this process."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._boot = secrets.token_hex(4)
        self._number = 0
        self._past: deque[tuple[int, frozenset[str]]] = deque(maxlen=KEPT)
        self._streams: set[Stream] = set()
        self._opened = asyncio.Event()
        self._figures: Mapping[str, Any] = {}
        self._signalled = False
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._unlisten: Callable[[], None] | None = None

    def start(self, read_figures: Callable[[Any], Mapping[str, Any]]) -> None:
        """Begin to hear the database; `read_figures(conn)` runs once a second while somebody listens."""
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self._unlisten = self._db.listen(self._heard)
        self._task = self._loop.create_task(self._tick(read_figures))

    def close(self) -> None:
        """End every stream; to be called when the server begins to shut down, from any thread."""
        self._closed = True
        if self._unlisten is not None:
            self._unlisten()
            self._unlisten = None
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake_all)

    def __len__(self) -> int:
        return len(self._streams)

    def open(self, user_id: int, last_id: str | None) -> Stream:
        """A new stream for a tab that last saw `last_id`. Raises TooMany over the limit of one user."""
        if sum(stream.user_id == user_id for stream in self._streams) >= STREAMS_PER_USER:
            raise TooMany("Too many open tabs.", retry_after=30)
        stream = Stream(user_id)
        if last_id is not None:
            missed = self._missed(last_id)
            stream.resync = missed is None
            stream.waiting |= missed or set()
        self._streams.add(stream)
        self._opened.set()
        return stream

    async def events(self, stream: Stream, still_allowed: Callable[[], Any]) -> AsyncIterator[str]:
        """The text of the stream, until shutdown or until `still_allowed()` (awaited at each beat) says no."""
        try:
            yield "retry: 2000\nevent: hello\ndata: []\n\n"
            while not self._closed:
                for text in self._told(stream):
                    yield text
                try:
                    await asyncio.wait_for(stream.wake.wait(), BEAT_SECONDS)
                except TimeoutError:
                    if not await still_allowed():
                        return
                    yield ": beat\n\n"
                stream.wake.clear()
        finally:
            self._streams.discard(stream)

    async def topics(self, stream: Stream) -> AsyncIterator[frozenset[str]]:
        """What was signalled since the last turn, nothing at each beat, until shutdown: for streams of another kind."""
        try:
            while not self._closed:
                try:
                    await asyncio.wait_for(stream.wake.wait(), BEAT_SECONDS)
                except TimeoutError:
                    yield frozenset()
                    continue
                stream.wake.clear()
                heard = frozenset({"*"}) if stream.resync else frozenset(stream.waiting)
                stream.resync = False
                stream.waiting.clear()
                if heard:
                    yield heard
        finally:
            self._streams.discard(stream)

    def _told(self, stream: Stream) -> list[str]:
        told = []
        if stream.resync:
            told.append(self._event("resync", []))
        elif stream.waiting:
            told.append(self._event("signal", sorted(stream.waiting)))
        if stream.figures and self._figures:
            told.append(self._event("figures", self._figures))
        stream.resync, stream.figures = False, False
        stream.waiting.clear()
        return told

    def _event(self, name: str, data: object) -> str:
        return f"id: {self._boot}-{self._number}\nevent: {name}\ndata: {json.dumps(data)}\n\n"

    def _missed(self, last_id: str) -> set[str] | None:
        """Topics signalled after `last_id`; None when we cannot know them all."""
        boot, _, number = last_id.partition("-")
        if boot != self._boot or not number.isdecimal() or len(number) > 18 or int(number) > self._number:
            return None
        after = int(number)
        if self._past and self._past[0][0] > after + 1:
            return None
        return {topic for at, topics in self._past if at > after for topic in topics}

    def _heard(self, topics: frozenset[str]) -> None:
        """Called in the thread that committed."""
        loop = self._loop
        if loop is not None and not loop.is_closed() and not self._closed:
            loop.call_soon_threadsafe(self._spread, topics)

    def _spread(self, topics: frozenset[str]) -> None:
        self._signalled = True
        self._number += 1
        self._past.append((self._number, topics))
        for stream in self._streams:
            stream.waiting |= topics
            stream.wake.set()

    def _wake_all(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
        for stream in self._streams:
            stream.wake.set()

    async def _tick(self, read_figures: Callable[[Any], Mapping[str, Any]]) -> None:
        """Numbers once a second for all streams.

        Numbers that moved without a signal of ours mean another process works on this database:
        everything may have changed. A state (the worker's) that changed is also a signal of its name.
        """
        while not self._closed:
            await asyncio.sleep(TICK_SECONDS)
            if not self._streams:
                self._opened.clear()
                await self._opened.wait()
                continue
            try:
                figures = await self._db.read(read_figures)
            except Unavailable:
                # The page says so by itself: its own fetches fail. The next tick tries again.
                continue
            if figures == self._figures:
                continue
            self._tell_figures(figures)

    def _tell_figures(self, figures: Mapping[str, Any]) -> None:
        before, self._figures = self._figures, figures
        elsewhere, self._signalled = bool(before) and not self._signalled, False
        for stream in self._streams:
            stream.figures = True
            stream.wake.set()
        states = {name for name, value in figures.items() if isinstance(value, str) and before.get(name, value) != value}
        if elsewhere or states:
            self._spread(frozenset({"*"} if elsewhere else states))
            self._signalled = False
