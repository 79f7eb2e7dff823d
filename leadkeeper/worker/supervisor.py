"""The small parent process of `up`: starts the child, lets a spare take over when it dies, passes stops on.

It imports next to nothing, so that it survives what kills its child and costs a few megabytes.
The child learns by its environment (worker/boot.py) who watches over it, and ends when that is gone.
"""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import FrameType

from leadkeeper import clock
from leadkeeper.worker.boot import Boot
from leadkeeper.worker.spare import Spare

AT_ONCE = 8
"""A child that dies is started again at once, so many times in a row; a job that kills its process needs no more
before it is failed for it (queue/leases.py)."""
SHORT_LIFE_SECONDS = 5.0
"""A child that has lived longer than this begins a new row."""
RESTART_SECONDS = 0.2
"""What the next one in that row is waited for, the one after it twice as long, and so on ..."""
LONGEST_WAIT_SECONDS = 10.0
"""... up to this."""
STOP_SECONDS = 45.0
"""A child that was told to stop and has not after this is killed: longer than the worker's grace."""
SPARE_SECONDS = 0.5
"""Between the start of a child and that of the spare beside it: the child has the processors first."""
LATER_SECONDS = 2.0
"""Between two tries of a child that waits for something outside, for example its database server."""
TRY_LATER = 75
"""Exit code of a child that cannot run yet, and has said why (EX_TEMPFAIL)."""
GIVE_UP = 78
"""Exit code of a child that cannot run like this (EX_CONFIG): restarting it would not help."""


class Supervisor:
    """Keeps `command` running until told to stop. `keep`: numbers of open files that every child inherits."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None, keep: Sequence[int] = ()) -> None:
        self._command = list(command)
        self._keep = tuple(keep)
        self._environment = {**os.environ, **(environment or {}), **Boot.fresh().environment()}
        self._child: subprocess.Popen[bytes] | None = None
        self._stop_at: float | None = None
        self._spare: Spare | None = None
        self._short_lives = 0
        self._signals = -1

    def run(self) -> int:
        """Supervise until SIGTERM or SIGINT, or until the child ends for good; returns the exit code.

        Exit codes 0 and 78 of the child end it all; after any other end, and any signal, the child
        is started again: at once, or after 75 and many short lives with patience.
        """
        self._hear()
        try:
            return self._keep_running()
        finally:
            self._dismiss_spare()

    def _keep_running(self) -> int:
        while True:
            began = clock.monotonic()
            code = self._run_child()
            if self._stop_at is not None:
                _tell_a_person("Leadkeeper has stopped.")
                return 0
            if code in (0, GIVE_UP):
                return code
            self._short_lives = self._short_lives + 1 if clock.monotonic() - began < SHORT_LIFE_SECONDS else 0
            if code != TRY_LATER:
                print(f"leadkeeper: the process ended with {code}, starting it again", file=sys.stderr, flush=True)  # noqa: T201
            self._wait(LATER_SECONDS if code == TRY_LATER else patience(self._short_lives))
            if self._stop_at is not None:
                return 0

    def _hear(self) -> None:
        """From now on every signal ends a `_pause`, the death of a child too."""
        self._signals, written = os.pipe()
        for end in (self._signals, written):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(written)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._told_to_stop)

    def _pause(self, seconds: float | None) -> None:
        """Sleep until a signal comes, or so long."""
        select.select([self._signals], [], [], seconds)
        with suppress(BlockingIOError):
            os.read(self._signals, 1024)

    def _wait(self, seconds: float) -> None:
        """Wait, unless told to stop meanwhile."""
        end = clock.monotonic() + seconds
        while self._stop_at is None and (left := end - clock.monotonic()) > 0:
            self._pause(left)

    def _run_child(self) -> int:
        """One life of the child, in a session of its own: Ctrl-C reaches it through us, once."""
        child = self._child = self._next_child()
        if self._stop_at is not None:
            child.terminate()
        born, told = clock.monotonic(), False
        while (code := child.poll()) is None:
            if self._stop_at is None:
                self._pause(self._prepare(born))
                continue
            if not told:
                _tell_a_person("\nStopping: what runs is finished first. What waits is kept.")
                self._dismiss_spare()
                told = True
            left = self._stop_at - clock.monotonic()
            if left <= 0:
                child.kill()
            self._pause(left if left > 0 else None)
        return code

    def _next_child(self) -> "subprocess.Popen[bytes]":
        """The spare, if there is one and it lives."""
        spare, self._spare = self._spare, None
        taken = spare.take_over() if spare is not None else None
        return taken or subprocess.Popen(self._command, env=self._environment, start_new_session=True, pass_fds=self._keep)  # noqa: S603

    def _prepare(self, born: float) -> float | None:
        """See that there is a spare; seconds until it is time for one, None when nothing is to be done."""
        if self._spare is not None:
            return None
        left = born + SPARE_SECONDS - clock.monotonic()
        if left > 0:
            return left
        self._spare = Spare(self._command, self._environment, self._keep)
        return None

    def _dismiss_spare(self) -> None:
        spare, self._spare = self._spare, None
        if spare is not None:
            spare.dismiss()

    def _told_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        if self._stop_at is None:
            self._stop_at = clock.monotonic() + STOP_SECONDS
        if self._child is not None and self._child.poll() is None:
            self._child.terminate()


def patience(short_lives: int) -> float:
    """Seconds before the next start, after so many short lives in a row."""
    more = short_lives - AT_ONCE
    return 0.0 if more < 0 else min(LONGEST_WAIT_SECONDS, RESTART_SECONDS * 2.0 ** min(more, 16))


def _tell_a_person(words: str) -> None:
    """On a terminal; a log has no use for it."""
    if sys.stderr.isatty():
        print(words, file=sys.stderr, flush=True)  # noqa: T201


def supervise(command: Sequence[str], environment: Mapping[str, str] | None = None, keep: Sequence[int] = ()) -> int:
    """Run `command` as the supervised child until told to stop; returns the exit code to end with."""
    return Supervisor(command, environment, keep).run()
