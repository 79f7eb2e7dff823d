"""Who this worker is: a fresh uuid per boot, and a lock file that only a living process holds.

The kernel drops the lock when the process dies, however it dies. So on one host the jobs of a dead
worker are known as orphans at once, without waiting for their leases.
"""

import fcntl
import os
import uuid
from io import FileIO
from pathlib import Path


class Identity:
    """This worker's uuid and its lock in `<data>/workers/`."""

    def __init__(self, data_dir: Path) -> None:
        self.id = str(uuid.uuid4())
        self.folder = data_dir / "workers"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._path = self.folder / f"{self.id}.lock"
        self._file = _open_locked(self._path)

    def dead(self) -> list[str]:
        """The ids of workers of this host whose lock file is there and free."""
        others = (path for path in self.folder.glob("*.lock") if path != self._path)
        return sorted(path.stem for path in others if _is_free(path))

    def bury(self, workers: list[str]) -> None:
        """Their jobs have been taken over: remove their lock files."""
        for worker in workers:
            (self.folder / f"{worker}.lock").unlink(missing_ok=True)

    def give_up(self) -> None:
        """This worker has ended in an orderly way."""
        self._path.unlink(missing_ok=True)
        if self._file is not None:
            self._file.close()
            self._file = None


def alive(data_dir: Path) -> list[str]:
    """The ids of workers of this host that live now."""
    return sorted(path.stem for path in (data_dir / "workers").glob("*.lock") if not _is_free(path))


def _open_locked(path: Path) -> FileIO | None:
    """The file appears under its name only once it is locked: nobody ever sees it free while we live."""
    hidden = path.with_suffix(".new")
    file = FileIO(os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+")
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    hidden.rename(path)
    return file


def _is_free(path: Path) -> bool:
    try:
        file = FileIO(os.open(path, os.O_RDWR | os.O_CLOEXEC), "r+")
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        file.close()
    return True
