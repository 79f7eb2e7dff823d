"""Room on the disk: below the reserve nothing new is promised, so that what is in hand can be finished.

A full disk takes even deletions from SQLite. So a file of the reserve's size lies beside the data as
ballast: when somebody else has filled the disk all the same, it is given up, and laid again once there is room.
"""

import logging
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from leadkeeper import clock
from leadkeeper.config import Settings
from leadkeeper.errors import Unavailable
from leadkeeper.store.database import Database

log = logging.getLogger(__name__)

RESERVE_BYTES = 50_000_000
BALLAST = "ballast"
LAST_RESORT = 5
"""The ballast is given up when a fifth of the reserve is left."""
LOOK_SECONDS = 0.25
LONGEST_LOOK_SECONDS = 2.0
FASTEST = 2_000_000_000
"""Bytes a second by which no disk fills up faster: while there is much room, looks are rare."""


def free_bytes(folder: Path) -> int:
    """Bytes free where `folder` lies, or where it would be made."""
    absolute = folder.absolute()
    return shutil.disk_usage(next(path for path in (absolute, *absolute.parents) if path.exists())).free


class NoRoom(Unavailable):
    """The disk is nearly full: come again later."""

    code = "no_room"


class Room:
    """The room in one folder. Several processes may look after the same."""

    def __init__(self, folder: Path, reserve_bytes: int = RESERVE_BYTES) -> None:
        self.ballast = folder / BALLAST
        self._folder = folder
        self._reserve = reserve_bytes
        self._looked_at = float("-inf")
        self._pause = LOOK_SECONDS
        self._scarce = False
        self._had_ballast = False

    def require(self) -> None:
        """Raises NoRoom while nothing new may be promised."""
        if clock.monotonic() - self._looked_at > self._pause:
            self.look()
        if self._scarce:
            raise NoRoom("the disk is nearly full: nothing new is taken until there is room")

    def look(self) -> None:
        """Give the ballast up or lay it, as the disk is now."""
        self._looked_at = clock.monotonic()
        free, laid = free_bytes(self._folder), self.ballast.exists()
        self._pause = max(LOOK_SECONDS, min(LONGEST_LOOK_SECONDS, (free - self._reserve) / FASTEST))
        self._had_ballast = self._had_ballast or laid
        if laid and free < self._reserve / LAST_RESORT:
            self.ballast.unlink(missing_ok=True)
            log.critical("the disk is full: the ballast is given up", extra={"free_bytes": free})
            self._scarce = True
        elif laid:
            self._scarce = free < self._reserve
        else:
            laid = free >= 2 * self._reserve and self._lay()
            self._scarce = not laid and (self._had_ballast or free < self._reserve)

    def watch(self) -> Callable[[], None]:
        """Look again and again in a thread of its own; returns how to end that."""
        ended = threading.Event()

        def looking() -> None:
            while not ended.wait(self._pause):
                self.look()

        self.look()
        thread = threading.Thread(target=looking, name="leadkeeper-room", daemon=True)
        thread.start()

        def end() -> None:
            ended.set()
            thread.join()

        return end

    def _lay(self) -> bool:
        """True when the ballast is there; false when the disk filled up meanwhile."""
        hidden = self.ballast.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
        try:
            file = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                os.posix_fallocate(file, 0, self._reserve)
            finally:
                os.close(file)
            hidden.rename(self.ballast)
        except OSError as error:
            hidden.unlink(missing_ok=True)
            log.warning("the ballast cannot be laid", exc_info=error)
            return False
        self._had_ballast = True
        return True


def beside(db: Database, settings: Settings) -> Room:
    """The room beside SQLite's file, else in the data folder."""
    folder = Path(str(db.url.database)).parent if db.dialect == "sqlite" else settings.data_dir
    return Room(folder, settings.disk_reserve_mb * 1_000_000)
