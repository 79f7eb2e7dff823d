"""To sleep until something is written in a folder, instead of looking again and again (Linux: inotify)."""

import ctypes
import os
import select
import sys
from pathlib import Path

_MODIFIED = 0x2
"""IN_MODIFY of sys/inotify.h."""
_MOST = 64 * 1024


class Changes:
    """Writes to the files of one folder, by any process of this machine."""

    def __init__(self, events: int) -> None:
        self._events = events
        self._ended, self._end = os.pipe()
        self._poll = select.poll()
        for file in (events, self._ended):
            self._poll.register(file, select.POLLIN)

    @classmethod
    def of(cls, folder: Path) -> "Changes | None":
        """None where the system cannot tell."""
        if sys.platform != "linux":
            return None
        libc = ctypes.CDLL(None, use_errno=True)
        events = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if events < 0:
            return None
        if libc.inotify_add_watch(events, os.fsencode(folder), _MODIFIED) < 0:
            os.close(events)
            return None
        return cls(events)

    def wait(self, seconds: float) -> bool:
        """Until something was written since the last wait: True; or until `end`, or so long."""
        written = any(file == self._events for file, _ in self._poll.poll(seconds * 1000))
        if written:
            os.read(self._events, _MOST)
        return written

    def end(self) -> None:
        """Nobody waits any longer."""
        os.write(self._end, b"1")

    def close(self) -> None:
        """Give the files back; nobody may wait."""
        for file in (self._events, self._ended, self._end):
            os.close(file)
