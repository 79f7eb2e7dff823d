"""PostgreSQL's periodic writes: a thread of its own, so that a blocked event loop loses no lease."""

import threading
from collections.abc import Callable

from leadkeeper.store.calls import Call
from leadkeeper.store.periodic import Periodic

LONGEST_WAIT = 1.0


class Ticker:
    """Runs due periodic calls one after the other in its own thread."""

    def __init__(self, run: Callable[[Call], None]) -> None:
        self._run = run
        self._periodic: list[Periodic] = []
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._loop, name="leadkeeper-beats", daemon=True)
        self._thread.start()

    def add(self, periodic: Periodic) -> None:
        """Run `periodic` whenever it is due."""
        with self._changed:
            self._periodic.append(periodic)
            self._changed.notify()

    def remove(self, periodic: Periodic) -> None:
        """Stop running it."""
        with self._changed:
            if periodic in self._periodic:
                self._periodic.remove(periodic)

    def close(self) -> None:
        """End the thread after the call it is running."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _loop(self) -> None:
        while True:
            with self._changed:
                if self._closed:
                    return
                due = [periodic for periodic in self._periodic if periodic.due()]
                if not due:
                    waits = [periodic.seconds_left() for periodic in self._periodic]
                    self._changed.wait(max(0.0, min([*waits, LONGEST_WAIT])))
            for periodic in due:
                self._run(periodic.call())
