"""The PostgreSQL database a test process keeps: emptied after each test, made anew when a test left it in another shape.

Making and dropping a database copies and unlinks hundreds of files; deleting the rows of a test takes milliseconds.
Rows are deleted, not truncated: nearly every table hangs on another, and truncating one would rewrite them all.
"""

import uuid

import psycopg
from psycopg.sql import SQL, Identifier

from leadkeeper.store import migrate
from leadkeeper.store.database import Database

_END_OTHERS = """
    select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
"""
_FILLED = """
    select relname, pg_relation_size(oid) from pg_class
    where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> 'alembic_version' and pg_relation_size(oid) > 0
"""
_COUNT_ANEW = """
    select setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false) from pg_sequences
    where schemaname = 'public' and last_value is not null
"""
_SHAPE = """
    select (select string_agg(version_num, ',') from alembic_version),
           (select count(*) filter (where reltuples >= 0) || string_agg(relname, ' ' order by relname)
            from pg_class where relnamespace = 'public'::regnamespace),
           (select count(*) from pg_proc where pronamespace = 'public'::regnamespace),
           (select array[count(*), max(xmin::text::bigint)] from pg_attribute),
           (select array[count(*), max(xmin::text::bigint)] from pg_constraint),
           (select array[count(*), max(xmin::text::bigint)] from pg_index),
           (select array[count(*), max(xmin::text::bigint)] from pg_trigger)
"""
"""Whatever is done to tables, columns, indexes, functions or the planner's statistics changes one of these."""
_MOST_BYTES = 4 * 1024 * 1024
"""Deleted rows keep their space: a table grown larger than this would slow the tests that follow."""


class Kept:
    """A migrated database on the cluster at `server`, a URL without a database."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._admin = psycopg.connect(f"{server}/postgres", autocommit=True)
        self._template = f"template_{uuid.uuid4().hex[:12]}"
        self._admin.execute(SQL("create database {}").format(Identifier(self._template)))
        db = Database(f"{server}/{self._template}")
        migrate.upgrade(db)
        db.close()
        self._make()

    @property
    def url(self) -> str:
        """The URL of the database."""
        return f"{self._server}/{self._name}"

    def empty(self) -> None:
        """End whoever is still connected and forget every row: the next test finds nothing of this one."""
        self._inside.execute(_END_OTHERS)
        filled = dict(self._inside.execute(_FILLED).fetchall())
        if self._shape_now() != self._shape or max(filled.values(), default=0) > _MOST_BYTES:
            self._drop()
            self._make()
        elif filled:
            self._inside.execute(SQL("; ").join(SQL("delete from {}").format(Identifier(table)) for table in filled))
            self._inside.execute(_COUNT_ANEW)

    def _shape_now(self) -> object:
        try:
            return self._inside.execute(_SHAPE).fetchone()
        except psycopg.errors.UndefinedTable:  # a test has dropped or moved everything
            return None

    def close(self) -> None:
        """Leave nothing on the cluster."""
        self._drop()
        self._admin.execute(SQL("drop database {}").format(Identifier(self._template)))
        self._admin.close()

    def _make(self) -> None:
        self._name = f"test_{uuid.uuid4().hex[:12]}"
        copy = SQL("create database {} template {} strategy file_copy")
        self._admin.execute(copy.format(Identifier(self._name), Identifier(self._template)))
        self._inside = psycopg.connect(self.url, autocommit=True)
        self._inside.execute("set session_replication_role = replica")  # no foreign keys: rows go in any order
        self._shape = self._inside.execute(_SHAPE).fetchone()
        assert not self._inside.execute(_FILLED).fetchall(), "migrations insert rows: `empty` has to put them back"

    def _drop(self) -> None:
        self._inside.close()
        self._admin.execute(SQL("drop database {} with (force)").format(Identifier(self._name)))
