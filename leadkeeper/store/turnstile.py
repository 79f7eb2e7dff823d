"""Processes that write one SQLite file take turns.

SQLite's own waiting sleeps up to 100 ms between looks, so a process that is quick to begin its next
transaction keeps all others out: beside a worker with a backlog a webhook waited more than a second.
Here whoever wants to write next takes the place at the gate first, then waits for the turn itself; whoever
has just written finds that place taken. The locks are the kernel's: a process that dies gives them up.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from leadkeeper import clock

LOOK_SECONDS = 0.0005
PATIENCE_SECONDS = 5.0
"""A process that stands still with the turn must not keep the others: after this SQLite's own lock decides."""


class Turnstile:
    """The gate of one database file, for one writing thread. Two files lie beside the database."""

    def __init__(self, database: Path) -> None:
        self._paths = [database.with_name(f"{database.name}-{name}") for name in ("gate", "turn")]
        self._files: list[IO[bytes]] = []

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Write while this is held. An uncontended turn costs a few microseconds."""
        if not self._files:
            self._files = [path.open("ab") for path in self._paths]
        gate, turn = self._files
        until = clock.monotonic() + PATIENCE_SECONDS
        try:
            _take(gate, until)
            _take(turn, until)
            fcntl.flock(gate, fcntl.LOCK_UN)
            yield
        finally:
            for file in self._files:
                fcntl.flock(file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give the files up."""
        for file in self._files:
            file.close()
        self._files = []


def _take(file: IO[bytes], until: float) -> None:
    """Lock the file, or go on without after `until`."""
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if clock.monotonic() > until:
                return
            clock.sleep_until_tick(LOOK_SECONDS)
