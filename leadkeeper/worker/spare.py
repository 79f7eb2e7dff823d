"""A process started ahead of need: it has loaded what takes longest, opens nothing, and waits for its turn.

A supervised process that dies is away for as long as the next one takes to start, most of which is loading
(docs/decisions/0022). The waiting one costs memory and no processor time; whoever kills it does no harm.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress

VARIABLE = "LEADKEEPER_TURN"
"""Told to the spare: the number of the pipe its turn comes by."""


class Spare:
    """The supervisor's end: `command` started as a spare. `keep`: numbers of open files it inherits."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], keep: Sequence[int]) -> None:
        waiting, self._turn = os.pipe()
        told = {**environment, VARIABLE: str(waiting)}
        self._process = subprocess.Popen(command, env=told, start_new_session=True, pass_fds=(*keep, waiting))  # noqa: S603
        os.close(waiting)

    def take_over(self) -> "subprocess.Popen[bytes] | None":
        """It is its turn; None when it has died meanwhile."""
        with suppress(BrokenPipeError):
            os.write(self._turn, b"1")
        os.close(self._turn)
        return self._process if self._process.poll() is None else None

    def dismiss(self) -> None:
        """It is not needed any more, and ends."""
        os.close(self._turn)
        self._process.kill()
        self._process.wait()


def is_this_process() -> bool:
    """True in a process that must wait for its turn."""
    return VARIABLE in os.environ


def comes_to_its_turn() -> bool:
    """Wait; False when the supervisor has ended, or needs no spare any more."""
    waiting = int(os.environ.pop(VARIABLE))
    try:
        return os.read(waiting, 1) != b""
    finally:
        os.close(waiting)
