"""SQLite's one writer: a thread that takes whatever waits and hands it over as one group.

Ingest goes first, then worker steps, then the rest; but a due periodic call (lease renewal)
goes before everything, and no class is passed over for longer than PATIENCE.
"""

import threading
from collections import deque
from collections.abc import Callable
from functools import partial

from leadkeeper import clock
from leadkeeper.store.calls import Call, Turn
from leadkeeper.store.periodic import Periodic

PATIENCE = 0.050
GROUP_SECONDS = 0.025
"""After this long a group takes no more calls and commits."""


class Writer:
    """Runs `run_group(next_call)` in its own thread while calls or periodic work are waiting."""

    def __init__(self, run_group: Callable[[Callable[[], Call | None]], None]) -> None:
        self._run_group = run_group
        self._waiting: dict[Turn, deque[Call]] = {turn: deque() for turn in Turn}
        self._periodic: list[Periodic] = []
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._loop, name="leadkeeper-writer", daemon=True)
        self._thread.start()

    def submit(self, call: Call) -> None:
        """Queue one call; raises RuntimeError after close()."""
        with self._changed:
            if self._closed:
                raise RuntimeError("the database is closed")
            self._waiting[call.turn].append(call)
            self._changed.notify()

    def add(self, periodic: Periodic) -> None:
        """Run `periodic` before everything else, whenever it is due."""
        with self._changed:
            self._periodic.append(periodic)
            self._changed.notify()

    def remove(self, periodic: Periodic) -> None:
        """Stop running it."""
        with self._changed:
            if periodic in self._periodic:
                self._periodic.remove(periodic)

    def close(self) -> None:
        """Finish what waits, then end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _loop(self) -> None:
        while True:
            with self._changed:
                while not self._has_work():
                    if self._closed:
                        return
                    self._changed.wait(self._until_periodic())
            started = clock.monotonic()
            self._run_group(partial(self._next, started))

    def _has_work(self) -> bool:
        return any(self._waiting.values()) or any(p.due() for p in self._periodic)

    def _until_periodic(self) -> float | None:
        waits = [p.seconds_left() for p in self._periodic]
        return max(0.0, min(waits)) if waits else None

    def _next(self, started: float) -> Call | None:
        """The call to run now in the group that began at `started`; None: commit what you have."""
        now = clock.monotonic()
        with self._changed:
            for periodic in self._periodic:
                if periodic.due():
                    return periodic.call()
            if now - started > GROUP_SECONDS:
                return None
            heads = [queue[0] for queue in self._waiting.values() if queue]
            if not heads:
                return None
            overdue = [head for head in heads if now - head.since > PATIENCE]
            chosen = min(overdue, key=lambda head: head.since) if overdue else heads[0]
            return self._waiting[chosen.turn].popleft()
