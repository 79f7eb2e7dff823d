"""What a supervised process knows of its supervisor: one environment variable, `<boot id>.<pid>`.

The boot id stays the same when the supervisor restarts its child: to operators that is one start.
This module is read by the supervisor itself and imports nothing heavy.
"""

import os
import select
import signal
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from leadkeeper import clock

VARIABLE = "LEADKEEPER_BOOT"
LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Boot:
    """One start of the program. `supervisor` is a pid, None for a process started by hand."""

    id: str
    supervisor: int | None

    @classmethod
    def fresh(cls) -> "Boot":
        """A new start, supervised by this very process."""
        return cls(str(uuid.uuid4()), os.getpid())

    @classmethod
    def of_this_process(cls) -> "Boot":
        """The start this process belongs to."""
        boot_id, _, pid = os.environ.get(VARIABLE, "").partition(".")
        return cls(boot_id or str(uuid.uuid4()), int(pid) if pid else None)

    def environment(self) -> dict[str, str]:
        """What the child is told."""
        return {VARIABLE: f"{self.id}.{self.supervisor}"}


def terminate_myself() -> None:
    """End this process the way an operator would."""
    os.kill(os.getpid(), signal.SIGTERM)


def watch_supervisor(boot: Boot, gone: Callable[[], None] = terminate_myself) -> None:
    """Call `gone` once the supervisor is no longer our parent: nobody would restart or stop us then."""
    if boot.supervisor is None:
        return
    threading.Thread(target=_watch, args=(boot.supervisor, gone), name="leadkeeper-parent", daemon=True).start()


def _watch(supervisor: int, gone: Callable[[], None]) -> None:
    end = _end_of(supervisor)
    while os.getppid() == supervisor:  # asked after the handle was opened: it is of our parent, not of a later namesake
        if end is None:
            clock.sleep_until_tick(LOOK_SECONDS)
        else:
            end.poll()
            end = None
    gone()


def _end_of(pid: int) -> "select.poll | None":
    """What blocks until the process has ended; None where the system has no such thing, or the process is gone."""
    try:
        handle = os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None
    end = select.poll()
    end.register(handle, select.POLLIN)
    return end
