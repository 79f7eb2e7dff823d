"""The migrations make exactly the schema the code names, on both engines."""

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

from leadkeeper.store.database import Database
from leadkeeper.store.schema import metadata


def differences(conn: Connection) -> list[object]:
    context = MigrationContext.configure(conn, opts={"compare_type": False, "compare_server_default": False})
    return [each for each in compare_metadata(context, metadata) if not _is_comment(each)]


def _is_comment(difference: object) -> bool:
    first = difference[0] if isinstance(difference, list) and difference else difference
    return isinstance(first, tuple) and str(first[0]) in ("modify_comment", "add_table_comment", "remove_table_comment")


def test_migrating_from_nothing_makes_the_schema_of_the_code(db: Database) -> None:
    assert db.read_now(differences) == []


def test_partial_unique_indexes_are_there(db: Database) -> None:
    query = (
        "select sql from sqlite_master where name = :name"
        if db.dialect == "sqlite"
        else "select indexdef from pg_indexes where indexname = :name"
    )
    for name in ("uq_jobs_head", "uq_jobs_dedupe", "uq_conversations_open", "uq_rule_runs_fired"):
        statement = str(db.read_now(lambda conn, name=name: conn.execute(text(query), {"name": name}).scalar_one())).lower()
        assert "unique" in statement
        assert "where" in statement
