"""Copying a PostgreSQL database with its own tools, at the snapshot of our own connection, and loading a copy."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from sqlalchemy import Connection, text
from sqlalchemy.engine import URL

from leadkeeper import clock
from leadkeeper.cli.archive.parts import ArchiveDamaged, BackupFailed, Progress
from leadkeeper.errors import Conflict, Unavailable

LOOK_SECONDS = 0.2
LEAVING_SECONDS = 2.0
"""A session of ours that the server still lists may be that of a process which has just ended."""
_PASSED_ON = (
    "user", "dbname", "passfile", "sslmode", "sslcert", "sslkey", "sslrootcert", "sslcrl", "gssencmode", "krbsrvname",
    "channel_binding",
)  # fmt: skip
"""Connection parameters that tools of every version know: our own driver's library may be newer than theirs."""
_PLACES = "usr/lib/postgresql/*/bin"


@cache
def program(name: str, major: int) -> Path:
    """pg_dump or pg_restore for a server of this version: the same one, else the next newer.

    Raises BackupFailed, saying what to install.
    """
    folders = list(Path("/").glob(_PLACES))
    found = [folder / name for folder in folders] + [Path(there) for there in [shutil.which(name)] if there]
    known = {_major(path): path for path in reversed(found) if path.exists()}
    able = sorted(version for version in known if version >= major)
    if able:
        return known[able[0]]
    have = f"only version {max(known)} is here" if known else "it is not here"
    raise BackupFailed(
        f"{name} {major} or newer is needed to copy this database, and {have}: "
        f"apt-get install postgresql-client-{major} (or your system's PostgreSQL client)"
    )


def _major(path: Path) -> int:
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603 - a program we looked up
    version = re.search(r"\) (\d+)", said)
    return int(version[1]) if version else 0


def major_of(driver: "psycopg.Connection[Any]") -> int:
    """The server's major version."""
    return driver.info.server_version // 10_000


def dump(conn: Connection, target: Path, done: Progress) -> None:
    """Write what `conn` sees, and only that, in pg_dump's custom format. Raises BackupFailed."""
    snapshot = conn.execute(text("select pg_export_snapshot()")).scalar_one()
    driver = conn.connection.dbapi_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError("a PostgreSQL connection is needed")
    known, password = reach(driver)
    command = [
        str(program("pg_dump", major_of(driver))), "--format=custom", "--compress=0", "--no-owner", "--no-privileges",
        "--exclude-schema=replaced_*", f"--snapshot={snapshot}", f"--file={target}", f"--dbname={known}",
    ]  # fmt: skip
    _run(command, password, target, done)


def load(driver: "psycopg.Connection[Any]", source: Path, done: Progress) -> None:
    """Load a copy into this empty database, all of it or nothing. Raises ArchiveDamaged."""
    known, password = reach(driver)
    command = [
        str(program("pg_restore", major_of(driver))), "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error",
        f"--dbname={known}", str(source),
    ]  # fmt: skip
    try:
        _run(command, password, None, done)
    except BackupFailed as error:
        raise ArchiveDamaged("the database", f"could not be loaded ({error.message})") from error
    driver.execute("analyze")  # the audit that follows joins every table, and nothing is known of them yet


def reach(driver: "psycopg.Connection[Any]") -> tuple[str, dict[str, str]]:
    """How the tools reach the very server this connection leads to; the password goes by the environment, which nobody sees."""
    info = driver.info
    given = {name: value for name, value in info.get_parameters().items() if name in _PASSED_ON}
    known = make_conninfo("", host=info.host, port=info.port, application_name="leadkeeper-backup", **given)
    return known, {"PGPASSWORD": info.password} if info.password else {}


def _run(command: list[str], password: Mapping[str, str], growing: Path | None, done: Progress) -> None:
    environment = {**os.environ, **password, "LC_ALL": "C"}
    told = 0
    with subprocess.Popen(  # noqa: S603 - the database's own programs
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as running:
        try:
            while running.poll() is None:
                clock.sleep_until_tick(LOOK_SECONDS)
                size = growing.stat().st_size if growing is not None and growing.exists() else 0
                done(size - told)
                told = size
        except BaseException:
            running.kill()
            raise
        said = " ".join(running.stderr.read().split()) if running.stderr else ""
    if running.returncode:
        raise BackupFailed(f"{Path(command[0]).name} failed: {said[:600] or f'exit code {running.returncode}'}")


def connect(url: URL) -> "psycopg.Connection[Any]":
    """A connection of the copying itself, which commits at once. Raises Unavailable."""
    try:
        plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
        return psycopg.connect(plain, autocommit=True, application_name="leadkeeper-backup", connect_timeout=5)
    except psycopg.OperationalError as error:
        raise Unavailable(f"the database cannot be reached: {' '.join(str(error).split())}") from error


@contextmanager
def scratch(url: URL) -> Iterator[URL]:
    """An empty database beside the one at `url`, gone afterwards; also removes those that a killed backup left.

    Raises BackupFailed when this user may not make one.
    """
    prefix = f"{url.database}_verify_"
    with connect(url) as conn:
        for (left,) in conn.execute(_LEFT, {"prefix": prefix}).fetchall():
            conn.execute(sql.SQL("drop database {}").format(sql.Identifier(left)))
        name = sql.Identifier(f"{prefix}{os.getpid()}")
        try:
            conn.execute(sql.SQL("create database {} template template0").format(name))
        except psycopg.errors.InsufficientPrivilege as error:
            raise BackupFailed(
                f"to verify the backup a scratch database is needed, and this user may not make one: "
                f'run `alter role "{url.username}" createdb` as a superuser, or back up with --no-verify'
            ) from error
        try:
            yield url.set(database=name.as_string(conn).strip('"'))
        finally:
            conn.execute(sql.SQL("drop database {} with (force)").format(name))


def is_empty(conn: "psycopg.Connection[Any]") -> bool:
    """True when nobody has a table here."""
    return conn.execute("select from pg_tables where schemaname = current_schema()").fetchone() is None


def refuse_if_used(conn: "psycopg.Connection[Any]") -> None:
    """Raises Conflict while a process of ours is connected to the database.

    The server notices a moment late that a process is gone, most of all one that was killed: what it
    still lists is given LEAVING_SECONDS to leave.
    """
    until = clock.monotonic() + LEAVING_SECONDS
    while others := [str(pid) for (pid,) in conn.execute(_OTHERS).fetchall()]:
        if clock.monotonic() > until:
            raise Conflict(f"Leadkeeper is connected to this database (sessions {', '.join(others)}): stop it first")
        clock.sleep_until_tick(0.05)


def move_aside(conn: "psycopg.Connection[Any]", name: str) -> None:
    """Everything in the database gets another schema, and the one it had is new and empty. Nothing is deleted."""
    (schema,) = conn.execute("select current_schema()").fetchone() or ("public",)
    with conn.transaction():
        conn.execute(sql.SQL("alter schema {} rename to {}").format(sql.Identifier(schema), sql.Identifier(name)))
        conn.execute(sql.SQL("create schema {}").format(sql.Identifier(schema)))


_LEFT = """
    select datname from pg_database d
    where starts_with(datname, %(prefix)s) and not exists (select 1 from pg_stat_activity a where a.datid = d.oid)
"""
_OTHERS = """
    select pid from pg_stat_activity
    where datname = current_database() and application_name in ('leadkeeper-write', 'leadkeeper-read')
"""
