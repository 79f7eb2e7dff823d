"""Taking a backup: one snapshot of everything, made under a hidden name, verified, and only then given its own.

A backup that is killed leaves files that begin with a dot, which the next one removes.
"""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, func, select

from leadkeeper import __version__, clock
from leadkeeper.cli.archive import media, postgres, sqlite
from leadkeeper.cli.archive.parts import DATABASES, KEY, MEDIA, BackupFailed, Manifest, Writer, writing
from leadkeeper.cli.archive.telling import Telling, megabytes
from leadkeeper.cli.archive.verify import Verified, verify
from leadkeeper.config import Settings
from leadkeeper.errors import Conflict
from leadkeeper.store import boots, durable, folder, migrate, settings_rows
from leadkeeper.store.database import Database
from leadkeeper.store.room import RESERVE_BYTES, free_bytes
from leadkeeper.store.schema import metadata

LAST = "backup.last"
"""The settings row with the last backup: the doctor reads it."""
MAKING = ".making-"
_NAME = re.compile(r"leadkeeper-(\d{8}T\d{6}Z)(?:-(\d+))?\.tar\.gz")


@dataclass(slots=True)
class Taken:
    """A backup that was made. `verified` is None when nobody wanted to know."""

    file: Path
    size: int
    manifest: Manifest
    seconds: float
    verified: Verified | None = None
    removed: list[Path] = field(default_factory=list)


def take(db: Database, settings: Settings, into: Path, *, check: bool, keep: int | None, telling: Telling) -> Taken:
    """Make a backup in the folder `into`, and remove all but the newest `keep` there.

    Raises BackupFailed, Conflict while another one is being made there, Misconfigured or Unavailable;
    then there is no new file.
    """
    began = clock.monotonic()
    with _alone(folder.ensure(into)), _making(into) as making:
        try:
            manifest = _write(db, settings, making, telling)
            verified = verify(db.url, making / "archive", making, manifest, telling) if check else None
        except OSError as error:
            raise BackupFailed(f"the backup could not be written to {into}: {error.strerror}. Nothing was left there") from error
        final = _free_name(into, datetime.fromisoformat(manifest.taken_at))
        durable.move(making / "archive", final)
    taken = Taken(final, final.stat().st_size, manifest, clock.monotonic() - began, verified)
    if keep is not None:
        taken.removed = _rotate(into, keep)
    db.write_now(_remember, taken)
    return taken


@contextmanager
def _alone(into: Path) -> Iterator[None]:
    with (into / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict(f"another backup is being made in {into}: wait until it is done") from error
        for left in into.glob(f"{MAKING}*"):
            shutil.rmtree(left)
        yield


@contextmanager
def _making(into: Path) -> Iterator[Path]:
    making = into / f"{MAKING}{os.getpid()}"
    making.mkdir(mode=0o700)
    try:
        yield making
    finally:
        shutil.rmtree(making)


def _write(db: Database, settings: Settings, making: Path, telling: Telling) -> Manifest:
    """The archive, of one snapshot; the copy of the database is gone again when this returns."""
    database = making / DATABASES[db.dialect]
    key = settings.data_dir / KEY
    with db.snapshot() as conn:
        manifest = _manifest(conn, db)
        found = list(media.named(conn))
        sizes = sum(path.stat().st_size for each in found if (path := media.path_of(settings.data_dir / "media", each.file)))
        whole = _size(conn, db)
        _make_room(making, 2 * whole + sizes)
        telling.begin("copying the database", whole)
        (sqlite.copy if db.dialect == "sqlite" else postgres.dump)(conn, database, telling.more)
    telling.done(f"database copied, {megabytes(database.stat().st_size)}")
    telling.begin("compressing", database.stat().st_size + sizes)
    with writing(making / "archive", telling.more) as archive:
        archive.add(database.name, database)
        if key.exists():
            archive.add(KEY, key)
        manifest.missing.extend(_add_media(db, archive, settings.data_dir / "media", found))
        manifest.parts.extend(archive.parts)
        archive.finish(manifest)
    database.unlink()
    telling.done(f"written with {len(found) - len(manifest.missing)} media files, {_archive_size(making)}")
    return manifest


def _archive_size(making: Path) -> str:
    return megabytes((making / "archive").stat().st_size)


def _manifest(conn: Connection, db: Database) -> Manifest:
    """The first statements of the snapshot: what it is of, and the moment just before it."""
    taken_at = clock.now()
    tables = {table.name: conn.execute(select(func.count()).select_from(table)).scalar_one() for table in metadata.sorted_tables}
    row = settings_rows.get(conn, boots.ROW, {})
    return Manifest(
        product=__version__,
        schema=migrate.version(conn) or "",
        engine=db.dialect,
        taken_at=taken_at.isoformat(),
        line=str(row.get("line", "")),
        boots=int(row.get("count", 0)),
        tables=tables,
    )


def _size(conn: Connection, db: Database) -> int:
    if db.dialect == "sqlite":
        return int(
            conn.exec_driver_sql("select page_count * page_size from pragma_page_count(), pragma_page_size()").scalar_one()
        )
    return int(conn.exec_driver_sql("select pg_database_size(current_database())").scalar_one())


def _make_room(into: Path, need: int) -> None:
    """Raises BackupFailed when the copies might fill the disk: on it, messages are promised to be stored."""
    free = free_bytes(into) - RESERVE_BYTES
    if free < need:
        raise BackupFailed(
            f"the backup may need {megabytes(need)} in {into.parent}, and only {megabytes(max(0, free))} may be used there: "
            "make room, or choose another disk with --to"
        )


def _add_media(db: Database, archive: Writer, where: Path, found: list[media.Medium]) -> list[int]:
    """Add every file; returns the messages whose file is not there, or is not the one their row describes."""
    missing = []
    for each in found:
        path = media.path_of(where, each.file)
        part = archive.add(f"{MEDIA}{each.file}", path) if path is not None else None
        sound = part is not None and each.sha256 in (None, part.sha256)
        if not sound and db.read_now(media.names, each):
            missing.append(each.message_id)
    return missing


def _free_name(into: Path, at: datetime) -> Path:
    stamp = f"{at:%Y%m%dT%H%M%SZ}"
    names = [f"leadkeeper-{stamp}.tar.gz", *(f"leadkeeper-{stamp}-{number}.tar.gz" for number in range(1, 100))]
    return next(into / name for name in names if not (into / name).exists())


def _rotate(into: Path, keep: int) -> list[Path]:
    """Remove our older backups; whatever else lies there stays."""
    ours = [(match, path) for path in into.iterdir() if (match := _NAME.fullmatch(path.name))]
    ours.sort(key=lambda each: (each[0][1], int(each[0][2] or 0)))
    old = [path for _, path in ours[:-keep]]
    for path in old:
        path.unlink()
    return old


def _remember(conn: Connection, taken: Taken) -> None:
    row = {"at": taken.manifest.taken_at, "file": str(taken.file.absolute()), "bytes": taken.size}
    settings_rows.save(conn, LAST, {**row, "verified": taken.verified is not None})
