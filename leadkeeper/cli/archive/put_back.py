"""Putting a backup back: into an empty installation, or beside the old one, which is moved aside and never deleted.

Everything is unpacked, compared and made ready under a hidden name first. Then a note is left that a restore is
under way (store/unfinished.py), and the parts go to their places. A death in the middle leaves what was there before, or an
installation that does not start and says so: the same restore, run again, moves aside what it has left and completes it.
"""

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from leadkeeper import clock
from leadkeeper.cli.archive import postgres, sqlite
from leadkeeper.cli.archive.parts import DATABASES, KEY, BackupFailed, Manifest, unpack
from leadkeeper.cli.archive.telling import Telling
from leadkeeper.cli.archive.verify import compare
from leadkeeper.config import Settings
from leadkeeper.crashpoints import point
from leadkeeper.crm.audit import audit
from leadkeeper.errors import Conflict, LeadkeeperError
from leadkeeper.jobs import restored
from leadkeeper.jobs.restored import Aftermath
from leadkeeper.store import boots, durable, folder, migrate, unfinished
from leadkeeper.store.address import parse_url
from leadkeeper.store.boots import Boots
from leadkeeper.store.database import Database
from leadkeeper.store.unfinished import Unfinished
from leadkeeper.worker import identity

RESTORING = ".restoring"


@dataclass(frozen=True, slots=True)
class PutBack:
    """A restore that is done. `aside`: where what was here before lies now, None when there was nothing."""

    manifest: Manifest
    schema: str
    after: Aftermath
    aside: str | None
    clean: bool
    audit: dict[str, Any]


def put_back(settings: Settings, file: Path, *, replace: bool, telling: Telling) -> PutBack:
    """Restore `file` into this installation. Raises ArchiveDamaged, BackupFailed or Conflict; then nothing has changed,
    unless the message says so."""
    data = folder.ensure(settings.data_dir)
    refuse_running(settings)
    url = parse_url(settings.database)
    place = _Sqlite(Path(str(url.database)), data) if url.get_backend_name() == "sqlite" else _Postgres(settings, data)
    begun = unfinished.of_folder(data)
    replace = replace or begun is not None
    if not replace:
        _refuse_full(place.in_the_way() + _filled(data / "media"))
    stage = data / RESTORING
    shutil.rmtree(stage, ignore_errors=True)
    try:
        telling.begin("unpacking and comparing", 0)
        manifest = unpack(file, stage, media=True, done=telling.more)
        if manifest.engine != place.engine:
            raise BackupFailed(_other_engine(manifest.engine))
        point("restore.unpacked")
        telling.done(f"every one of {len(manifest.parts)} parts is what it was")
        if not replace:
            _refuse_full(_other_key(data / KEY, stage / KEY))
        return _into_place(place, data, stage, manifest, replace, telling, begun or Unfinished(str(file.absolute())))
    except OSError as error:
        left = unfinished.of_folder(data)
        state = "What was here is as it was" if left is None else f"It is not complete: {left.what_to_do}"
        raise BackupFailed(f"{error.filename or file}: {error.strerror}. {state}") from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def refuse_running(settings: Settings) -> None:
    """Raises Conflict while a worker of this folder lives."""
    if identity.alive(settings.data_dir):
        raise Conflict(f"Leadkeeper is running on {settings.data_dir}: stop it first")


def follow_by_hand(settings: Settings, db: Database) -> Aftermath:
    """The database was put back by other means: do what follows."""
    refuse_running(settings)
    after = db.write_now(restored.follow, "hand", None, boots.of_folder(settings.data_dir))
    boots.write(settings.data_dir, db.write_now(boots.of_database)[0])
    return after


def _into_place(
    place: "_Sqlite | _Postgres", data: Path, stage: Path, manifest: Manifest, replace: bool, telling: Telling, begun: Unfinished
) -> PutBack:
    aside = data / f"replaced-{clock.now():%Y%m%dT%H%M%S%fZ}"
    ready = place.prepare(stage, manifest)
    point("restore.prepared")
    names = [name for name in ("media", KEY) if (data / name).exists() and replace]
    in_the_way = bool(place.in_the_way())
    asides = [*([place.aside(aside)] if replace and in_the_way else []), *([str(aside)] if names else [])]
    begun = unfinished.write(data, begun, asides)
    point("restore.noted")
    if replace and in_the_way:
        place.move_aside(aside)
        point("restore.database_aside")
    for name in names:
        _move(data / name, aside / name)
        point("restore.file_aside")
    for name in ("media", KEY):
        if (stage / name).exists() and not (name == KEY and (data / KEY).exists()):
            if name == "media":
                shutil.rmtree(data / name, ignore_errors=True)  # empty, or moved aside
            durable.move(stage / name, data / name)
            point("restore.file_in_place")
    telling.begin("putting the database into its place", 0)
    try:
        after, found, schema = place.put(ready, manifest, telling)
    except LeadkeeperError as error:
        where = f" What was here before is in {begun.where}." if begun.asides else ""
        raise BackupFailed(f"{error.message}. This installation has no database now: restore again.{where}") from error
    point("restore.in_place")
    unfinished.remove(data)
    point("restore.done")
    telling.done("database in its place, and looked through")
    return PutBack(manifest, schema, after, begun.where, bool(found["clean"]), found)


class _Sqlite:
    """A database file. It is made ready in the stage; its name is what makes the installation whole, so it comes last."""

    engine = "sqlite"

    def __init__(self, path: Path, data: Path) -> None:
        self._path = path
        self._data = data
        self._ready: tuple[Aftermath, dict[str, Any], Boots] | None = None

    def in_the_way(self) -> list[str]:
        return [str(self._path)] if self._path.exists() else []

    def prepare(self, stage: Path, manifest: Manifest) -> Path:
        copy = stage / DATABASES["sqlite"]
        sqlite.check(copy)
        self._ready = _follow(f"sqlite:///{copy}", manifest)
        sqlite.close_for_good(copy)
        if self._path.exists():
            sqlite.close_for_good(self._path)
        return copy

    def aside(self, aside: Path) -> str:
        return str(self._aside(aside))

    def move_aside(self, aside: Path) -> None:
        for name in (self._path.name, *(self._path.name + side for side in sqlite.SIDES)):
            if (self._path.parent / name).exists():
                _move(self._path.parent / name, self._aside(aside) / name)

    def put(self, ready: Path, manifest: Manifest, telling: Telling) -> tuple[Aftermath, dict[str, Any], str]:
        if self._ready is None:
            raise RuntimeError("prepare comes first")
        after, found, here = self._ready
        boots.write(self._data, here)
        point("restore.counted")
        _move(ready, self._path)
        return after, found, migrate.newest()

    def _aside(self, aside: Path) -> Path:
        """On the disk of the database file, which may be another than the data folder's."""
        return aside if self._path.parent.resolve() == self._data.resolve() else self._path.parent / aside.name


class _Postgres:
    """A database on a server. Its tool commits before we can do what follows: until then the folder counts another line,
    so that a start in between would do it."""

    engine = "postgresql"

    def __init__(self, settings: Settings, data: Path) -> None:
        self._url = parse_url(settings.database)
        self._data = data
        with postgres.connect(self._url) as driver:
            postgres.refuse_if_used(driver)
            self._empty = postgres.is_empty(driver)

    def in_the_way(self) -> list[str]:
        return [] if self._empty else [f"the database {self._url.database}"]

    def prepare(self, stage: Path, manifest: Manifest) -> Path:
        return stage / DATABASES["postgresql"]

    def aside(self, aside: Path) -> str:
        return f"the schema {_schema(aside)} of the database"

    def move_aside(self, aside: Path) -> None:
        with postgres.connect(self._url) as driver:
            postgres.move_aside(driver, _schema(aside))

    def put(self, ready: Path, manifest: Manifest, telling: Telling) -> tuple[Aftermath, dict[str, Any], str]:
        boots.write(self._data, Boots.first())
        point("restore.counted")
        with postgres.connect(self._url) as driver:
            postgres.load(driver, ready, telling.more)
        point("restore.loaded")
        after, found, here = _follow(self._url.render_as_string(hide_password=False), manifest)
        boots.write(self._data, here)
        return after, found, migrate.newest()


def _schema(aside: Path) -> str:
    return aside.name.replace("-", "_").lower()


def _follow(url: str, manifest: Manifest) -> tuple[Aftermath, dict[str, Any], Boots]:
    """Bring the schema forward and do what follows from a restore; with what the audit finds afterwards."""
    db = Database(url)
    try:
        compare(db, manifest)
        migrate.upgrade(db)
        after = db.write_now(restored.follow, "archive", datetime.fromisoformat(manifest.taken_at))
        with db.snapshot() as conn:
            found = audit(conn)
        return after, found.as_json(), db.write_now(boots.of_database)[0]
    finally:
        db.close()


def _move(path: Path, target: Path) -> None:
    """Move, also onto another disk; the name appears when the file is whole."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.stat().st_dev != target.parent.stat().st_dev:
        beside = target.with_name(f".{target.name}.restoring")
        shutil.copyfile(path, beside)
        beside.chmod(0o600)
        durable.sync(beside)
        path = beside
    durable.move(path, target)


def _filled(path: Path) -> list[str]:
    return [str(path)] if path.is_dir() and any(path.iterdir()) else []


def _other_key(here: Path, there: Path) -> list[str]:
    other = here.exists() and there.exists() and here.read_bytes() != there.read_bytes()
    return [f"{here} (another key)"] if other else []


def _refuse_full(in_the_way: list[str]) -> None:
    if in_the_way:
        raise Conflict(
            f"this installation is not empty: {', '.join(in_the_way)}. Restore into another one (LEADKEEPER_DATA_DIR, "
            "LEADKEEPER_DATABASE_URL), or add --replace: what is here is moved aside, nothing is deleted"
        )


def _other_engine(engine: str) -> str:
    if engine == "sqlite":
        return "this backup is of SQLite: leave LEADKEEPER_DATABASE_URL empty, or set it to sqlite:///file"
    return "this backup is of PostgreSQL: set LEADKEEPER_DATABASE_URL to an empty database, postgresql://user@host/db"
