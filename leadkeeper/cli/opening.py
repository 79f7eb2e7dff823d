"""Open the database the way a command needs it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leadkeeper.config import Settings
    from leadkeeper.store.database import Database


@contextmanager
def open_database(settings: "Settings | None" = None) -> Iterator["Database"]:
    """The installation's database, checked for its schema.

    Raises Misconfigured, Unavailable or SchemaMismatch, each saying what to do.
    """
    from leadkeeper import config
    from leadkeeper.store import migrate, unfinished
    from leadkeeper.store.database import Database

    chosen = settings or config.load()
    unfinished.refuse(chosen.data_dir)
    missing_file(chosen)
    db = Database(chosen.database)
    try:
        db.read_now(migrate.check)
        yield db
    finally:
        db.close()


def missing_file(settings: "Settings") -> None:
    """Raises SchemaMismatch when the SQLite file does not exist: opening would make an empty one."""
    from pathlib import Path

    from leadkeeper.errors import SchemaMismatch
    from leadkeeper.store.address import parse_url

    url = parse_url(settings.database)
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
        raise SchemaMismatch(f"there is no database {url.database} yet: run `leadkeeper up` or `leadkeeper migrate`")
