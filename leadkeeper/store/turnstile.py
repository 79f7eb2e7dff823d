"""Processes that write one SQLite file take turns.

SQLite's own waiting sleeps up to 100 ms between looks, so a process that is quick to begin its next
transaction keeps all others out: beside a worker with a backlog a webhook waited more than a second.
Here whoever wants to write next takes the place at the gate first, then waits for the turn itself; whoever
has just written finds that place taken. The locks are the kernel's: a process that dies gives them up.

What providers deliver goes first. Who waits with it holds a third lock; who has just written something else, finds that
lock taken and wants to write again waits first, twice as long as it has written.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from leadkeeper import clock

LOOK_SECONDS = 0.0005
PATIENCE_SECONDS = 5.0
"""A process that stands still with the turn must not keep the others: after this SQLite's own lock decides ..."""
IMPATIENCE_SECONDS = 0.05
"""... and until that process has let go, this is how long it is waited for at each further turn."""
PAUSE_FACTOR = 2
LONGEST_PAUSE_SECONDS = 0.050
"""How long those who take in are let go first: so many times as long as the turn they waited for, this at most."""


class Turnstile:
    """The gate of one database file, for one writing thread. Three files lie beside the database."""

    def __init__(self, database: Path) -> None:
        self._paths = [database.with_name(f"{database.name}-{name}") for name in ("gate", "turn", "first")]
        self._files: list[IO[bytes]] = []
        self._pause_until = 0.0
        self._in_vain: set[IO[bytes]] = set()

    @contextmanager
    def turn(self, *, first: bool = False) -> Iterator[None]:
        """Write while this is held; `first`: what was just taken in. An uncontended turn costs a few microseconds."""
        if not self._files:
            self._files = [path.open("ab") for path in self._paths]
        gate, turn, taking_in = self._files
        try:
            if first:
                with suppress(BlockingIOError):  # somebody looks just now whether it is taken: once that is not seen
                    fcntl.flock(taking_in, fcntl.LOCK_SH | fcntl.LOCK_NB)
            else:
                self._pause()
            self._take(gate)
            self._take(turn)
            fcntl.flock(gate, fcntl.LOCK_UN)
            began = clock.monotonic()
            yield
            if not first and _is_taken(taking_in):
                now = clock.monotonic()
                self._pause_until = now + min(LONGEST_PAUSE_SECONDS, PAUSE_FACTOR * (now - began))
        finally:
            for file in self._files:
                fcntl.flock(file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give the files up."""
        for file in self._files:
            file.close()
        self._files = []
        self._in_vain.clear()

    def _take(self, file: IO[bytes]) -> None:
        """Lock the file, or go on without when that takes too long."""
        until = clock.monotonic() + (IMPATIENCE_SECONDS if file in self._in_vain else PATIENCE_SECONDS)
        while _is_taken(file):
            if clock.monotonic() > until:
                self._in_vain.add(file)
                return
            clock.sleep_until_tick(LOOK_SECONDS)
        self._in_vain.discard(file)

    def _pause(self) -> None:
        left = self._pause_until - clock.monotonic()
        if left > 0:
            clock.sleep_until_tick(left)


def _is_taken(file: IO[bytes]) -> bool:
    """True while another process holds the lock; ours when it does not."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
