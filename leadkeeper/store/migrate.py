"""The schema's version: bringing a database forward, and refusing one that does not match.

Migrations are numbered in one line, and their file names begin with the number. So the version is
known without loading Alembic, which costs 0.2 s and 10 MB and is wanted only when there is work.
"""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from leadkeeper.errors import SchemaMismatch, SchemaNewer
from leadkeeper.store.database import Database

VERSIONS = Path(__file__).parent / "migrations" / "versions"
ADVISORY_LOCK = 4_770_115
"""PostgreSQL: one process migrates at a time."""


def upgrade(db: Database) -> tuple[str | None, str]:
    """Bring the schema to this code's version; returns (version before, version now).

    One transaction. Raises SchemaMismatch when the database is newer than the code.
    """
    return db.write_now(_upgrade)


def check(conn: Connection) -> None:
    """Raises SchemaMismatch, saying what to run, unless the database has exactly this code's schema."""
    have, want = version(conn), newest()
    if have == want:
        return
    if have is not None and have not in _known():
        raise SchemaNewer(f"the database has schema {have}, newer than this program ({want}): install the newer program")
    raise SchemaMismatch(f"the database has schema {have or 'none'}, this program needs {want}: run `leadkeeper migrate`")


def newest() -> str:
    """The schema this program works with. Raises SchemaMismatch when its installation is damaged."""
    known = _known()
    if not known:
        raise SchemaMismatch("this program has no migrations: its installation is damaged")
    return max(known)


def knows(number: str) -> bool:
    """True when this program can bring a database of this schema forward."""
    return number in _known()


def _upgrade(conn: Connection) -> tuple[str | None, str]:
    if conn.dialect.name == "postgresql":
        conn.execute(text("select pg_advisory_xact_lock(:id)"), {"id": ADVISORY_LOCK})
    have, want = version(conn), newest()
    if have is not None and have not in _known():
        check(conn)
    if have != want:
        _run_alembic(conn)
    return have, want


def _run_alembic(conn: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(VERSIONS.parent))
    config.attributes["connection"] = conn
    command.upgrade(config, "head")


def version(conn: Connection) -> str | None:
    """The number of the database's schema; None when it has none."""
    if not inspect(conn).has_table("alembic_version"):
        return None
    return conn.execute(text("select version_num from alembic_version")).scalar_one_or_none()


def _known() -> set[str]:
    """The numbers of this program's migrations."""
    return {path.name.partition("_")[0] for path in VERSIONS.glob("[0-9]*.py")}
