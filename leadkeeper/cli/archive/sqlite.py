"""Copying a SQLite database while it is written to, and putting a copy in its place."""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection

from leadkeeper.cli.archive.parts import ArchiveDamaged, BackupFailed, Progress
from leadkeeper.errors import Conflict

PAGES = 256
"""Pages of one step, usually 1 MB."""
SIDES = ("-wal", "-shm", "-journal")


def copy(conn: Connection, target: Path, done: Progress) -> None:
    """Copy what `conn` sees into a new file, a step at a time.

    Its open snapshot is what keeps the copy from starting anew whenever somebody commits; readers and
    the writer go on. Raises BackupFailed.
    """
    source = conn.connection.dbapi_connection
    if not isinstance(source, sqlite3.Connection):
        raise TypeError("a SQLite connection is needed")
    page: int = source.execute("pragma page_size").fetchone()[0]
    copied = 0

    def step(_status: int, remaining: int, total: int) -> None:
        nonlocal copied
        done((total - remaining - copied) * page)
        copied = total - remaining

    try:
        with closing(sqlite3.connect(target)) as copying:
            source.backup(copying, pages=PAGES, progress=step)
    except sqlite3.Error as error:
        raise BackupFailed(f"the database could not be copied: {error}. Is there room on the disk?") from error


def check(path: Path) -> None:
    """Raises ArchiveDamaged unless every page and index of the file is sound."""
    try:
        with closing(sqlite3.connect(path)) as conn:
            found = conn.execute("pragma integrity_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found != "ok":
        raise ArchiveDamaged("the database", f"is not sound ({found})")


def close_for_good(path: Path) -> None:
    """Write the log of an old database into its file, so that this file alone is the whole of it.

    Raises Conflict when somebody else has it open. One that is damaged is left as it is.
    """
    try:
        with closing(sqlite3.connect(path, timeout=0)) as conn:
            conn.execute("pragma journal_mode=delete")
            conn.execute("pragma journal_mode=wal")
    except sqlite3.OperationalError as error:
        raise Conflict(f"{path} is in use ({error}): stop Leadkeeper first") from error
    except sqlite3.DatabaseError:
        return
