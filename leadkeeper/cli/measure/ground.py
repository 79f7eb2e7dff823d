"""Scratch databases to measure on: every round gets a fresh one, and nothing of an installation is touched.

PostgreSQL is the server of LEADKEEPER_DATABASE_URL, where a database of our own is made and dropped
again (the user needs CREATEDB), else a private cluster with every safety on.
"""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL

from leadkeeper.cli.measure.cluster import Cluster, binaries
from leadkeeper.errors import Misconfigured
from leadkeeper.store import migrate
from leadkeeper.store.address import parse_url
from leadkeeper.store.database import Database


class Ground:
    """Makes fresh databases of one engine. `admin` is None for SQLite."""

    def __init__(self, admin: URL | None) -> None:
        self._admin = admin

    @contextmanager
    def scratch(self) -> Iterator[tuple[Path, str]]:
        """(an empty folder, the URL of an empty migrated database); both are gone afterwards."""
        with TemporaryDirectory(prefix="leadkeeper-bench-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            if self._admin is None:
                url = f"sqlite:///{folder / 'data' / 'leadkeeper.db'}"
                _migrated(url)
                yield folder, url
                return
            with self._database() as url:
                _migrated(url)
                yield folder, url

    @contextmanager
    def copied(self, folder: Path, url: str) -> Iterator[tuple[Path, str]]:
        """(a copy of the folder, the URL of a copy of its database, to which nobody is connected); gone afterwards."""
        with TemporaryDirectory(prefix="leadkeeper-copy-", ignore_cleanup_errors=True) as name:
            twin = Path(name) / "folder"
            shutil.copytree(folder, twin)
            if self._admin is None:
                yield twin, url.replace(str(folder), str(twin))
                return
            with self._database(f"template {parse_url(url).database} strategy file_copy") as copy:
                yield twin, copy

    @contextmanager
    def _database(self, made_from: str = "") -> Iterator[str]:
        """The URL of a database of our own on the server; dropped afterwards."""
        if self._admin is None:
            raise Misconfigured("SQLite has no server")
        database = f"leadkeeper_bench_{uuid.uuid4().hex[:12]}"
        _run(self._admin, f"create database {database} {made_from}")
        try:
            yield self._admin.set(drivername="postgresql", database=database).render_as_string(hide_password=False)
        finally:
            _run(self._admin, f"drop database {database} with (force)")

    @contextmanager
    def opened(self) -> Iterator[tuple[Path, Database]]:
        """The same with the database open."""
        with self.scratch() as (folder, url):
            db = Database(url)
            try:
                yield folder, db
            finally:
                db.close()


@contextmanager
def ground(db: str, configured: str) -> Iterator[Ground]:
    """The ground for `db` (sqlite, postgres). Raises Misconfigured when there is no PostgreSQL."""
    if db == "sqlite":
        yield Ground(None)
        return
    if configured.startswith("postgres"):
        yield Ground(parse_url(configured))
        return
    cluster = Cluster(binaries(), fsync=True)
    try:
        yield Ground(parse_url(cluster.url()))
    finally:
        cluster.stop()


def _run(admin: URL, statement: str) -> None:
    engine = create_engine(admin, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.execute(text(statement))
    engine.dispose()


def _migrated(url: str) -> None:
    db = Database(url)
    migrate.upgrade(db)
    db.close()
