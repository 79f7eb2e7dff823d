"""The small parent process of `up`: starts the child, restarts it when it dies, passes stops on.

It imports next to nothing, so that it survives what kills its child and costs a few megabytes.
The child learns by its environment (worker/boot.py) who watches over it, and ends when that is gone.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import FrameType

from leadkeeper import clock
from leadkeeper.worker.boot import Boot

RESTART_SECONDS = 0.2
"""Between the death of a child and the start of the next."""
STOP_SECONDS = 45.0
"""A child that was told to stop and has not after this is killed: longer than the worker's grace."""
LOOK_SECONDS = 0.1
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
        self.restarts = 0

    def run(self) -> int:
        """Supervise until SIGTERM or SIGINT, or until the child ends for good; returns the exit code.

        Exit codes 0 and 78 of the child end it all; after any other end, and any signal, the child
        is started again: soon, or after 75 with patience.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._told_to_stop)
        while True:
            code = self._run_child()
            if self._stop_at is not None:
                _tell_a_person("Leadkeeper has stopped.")
                return 0
            if code in (0, GIVE_UP):
                return code
            self.restarts += 1
            if code != TRY_LATER:
                print(f"leadkeeper: the process ended with {code}, starting it again", file=sys.stderr, flush=True)  # noqa: T201
            self._wait(LATER_SECONDS if code == TRY_LATER else RESTART_SECONDS)
            if self._stop_at is not None:
                return 0

    def _wait(self, seconds: float) -> None:
        """Wait, unless told to stop meanwhile."""
        end = clock.monotonic() + seconds
        while self._stop_at is None and clock.monotonic() < end:
            clock.sleep_until_tick(LOOK_SECONDS)

    def _run_child(self) -> int:
        """One life of the child, in a session of its own: Ctrl-C reaches it through us, once."""
        self._child = subprocess.Popen(self._command, env=self._environment, start_new_session=True, pass_fds=self._keep)  # noqa: S603
        if self._stop_at is not None:
            self._child.terminate()
        told = False
        while True:
            try:
                return self._child.wait(LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                if self._stop_at is not None and not told:
                    _tell_a_person("\nStopping: what runs is finished first. What waits is kept.")
                    told = True
                if self._stop_at is not None and clock.monotonic() > self._stop_at:
                    self._child.kill()

    def _told_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        if self._stop_at is None:
            self._stop_at = clock.monotonic() + STOP_SECONDS
        if self._child is not None and self._child.poll() is None:
            self._child.terminate()


def _tell_a_person(words: str) -> None:
    """On a terminal; a log has no use for it."""
    if sys.stderr.isatty():
        print(words, file=sys.stderr, flush=True)  # noqa: T201


def supervise(command: Sequence[str], environment: Mapping[str, str] | None = None, keep: Sequence[int] = ()) -> int:
    """Run `command` as the supervised child until told to stop; returns the exit code to end with."""
    return Supervisor(command, environment, keep).run()
