"""Settings and rules are read once a transaction, and never stay behind what the transaction itself has changed."""

from sqlalchemy import Connection

from leadkeeper.store import settings_rows
from leadkeeper.store.database import Database
from leadkeeper.store.remembered import remembered
from leadkeeper.store.savepoint import Savepoint
from tests.statements import statements


def test_a_transaction_reads_settings_once(db: Database) -> None:
    db.write_now(settings_rows.save, "business_name", "Palm")

    def twice(conn: Connection) -> tuple[list[object], int]:
        with statements(conn) as seen:
            both = [settings_rows.get(conn, "business_name"), settings_rows.get(conn, "business_name")]
        return both, len(seen)

    assert db.write_now(twice) == (["Palm", "Palm"], 1)


def test_the_next_transaction_reads_again(db: Database) -> None:
    seen = []
    for name in ("Palm", "Cedar"):
        db.write_now(settings_rows.save, "business_name", name)
        seen.append((db.write_now(settings_rows.get, "business_name"), db.read_now(settings_rows.get, "business_name")))

    assert seen == [("Palm", "Palm"), ("Cedar", "Cedar")]


def test_what_a_transaction_changes_it_reads_anew(db: Database) -> None:
    def change(conn: Connection) -> list[object]:
        before = settings_rows.get(conn, "business_name")
        settings_rows.save(conn, "business_name", "Palm")
        between = settings_rows.get(conn, "business_name")
        settings_rows.forget(conn, "business_name")
        return [before, between, settings_rows.get(conn, "business_name")]

    assert db.write_now(change) == [None, "Palm", None]


def test_what_is_taken_back_is_not_remembered(db: Database) -> None:
    def take_back(conn: Connection) -> list[object]:
        savepoint = Savepoint(conn)
        settings_rows.save(conn, "business_name", "Palm")
        inside = settings_rows.get(conn, "business_name")
        savepoint.undo()
        return [inside, settings_rows.get(conn, "business_name")]

    assert db.write_now(take_back) == ["Palm", None]


def test_only_its_own_topic_makes_a_value_be_read_again(db: Database) -> None:
    reads: list[str] = []

    def read(name: str) -> str:
        reads.append(name)
        return name

    def story(conn: Connection) -> None:
        for _ in range(2):
            remembered(conn, "rules", "a", lambda: read("a"))
            remembered(conn, "settings", "a", lambda: read("b"))
            settings_rows.save(conn, "business_name", "Palm")

    db.write_now(story)

    assert reads == ["a", "b", "b"]
