"""Is it a backup? The finished file is put back into scratch, with everything that follows, and audited there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, table
from sqlalchemy.engine import URL

from leadkeeper.cli.archive import postgres, sqlite
from leadkeeper.cli.archive.parts import DATABASES, ArchiveDamaged, BackupFailed, Manifest, unpack
from leadkeeper.cli.archive.telling import Telling
from leadkeeper.crm.audit import audit
from leadkeeper.jobs import restored
from leadkeeper.store import migrate
from leadkeeper.store.database import Database


@dataclass(frozen=True, slots=True)
class Verified:
    """The file can be put back; `audit`: what was found in the copy (`Audit.as_json`), `clean`: nothing."""

    clean: bool
    audit: dict[str, Any]


def verify(url: URL, archive: Path, making: Path, manifest: Manifest, telling: Telling) -> Verified:
    """Put the archive back into scratch. Raises BackupFailed when it cannot be, or is not what was copied."""
    telling.begin("putting it back into scratch", sum(part.size for part in manifest.parts))
    unpacked = making / "unpacked"
    try:
        told = unpack(archive, unpacked, media=False, done=telling.more)
        if told != manifest:
            raise ArchiveDamaged("the manifest", "is not what was written")
        with _loaded(url, unpacked / DATABASES[manifest.engine], telling) as db:
            compare(db, manifest)
            migrate.upgrade(db)
            db.write_now(restored.follow, "archive", datetime.fromisoformat(manifest.taken_at))
            with db.snapshot() as conn:
                found = audit(conn)
    except ArchiveDamaged as error:
        raise BackupFailed(f"the backup was made and could not be put back: {error.part}: {error.message}") from error
    telling.done("put back into scratch and audited")
    return Verified(found.clean, found.as_json())


@contextmanager
def _loaded(url: URL, copy: Path, telling: Telling) -> Iterator[Database]:
    if url.get_backend_name() == "sqlite":
        sqlite.check(copy)
        with _opened(f"sqlite:///{copy}") as db:
            yield db
        return
    with postgres.scratch(url) as scratch:
        with postgres.connect(scratch) as driver:
            postgres.load(driver, copy, telling.more)
        with _opened(scratch.render_as_string(hide_password=False)) as db:
            yield db


@contextmanager
def _opened(url: str) -> Iterator[Database]:
    db = Database(url)
    try:
        yield db
    finally:
        db.close()


def compare(db: Database, manifest: Manifest) -> None:
    """Raises ArchiveDamaged unless every table has the rows that were counted when the copy was made."""
    with db.snapshot() as conn:
        for name, rows in manifest.tables.items():
            found = conn.execute(select(func.count()).select_from(table(name))).scalar_one()
            if found != rows:
                raise ArchiveDamaged(f"the table {name}", f"has {found} rows, and had {rows}")
