"""A database that counts less than its folder was put back by hand, and is treated like a restore; nothing else is."""

from pathlib import Path

import pytest
from sqlalchemy import insert

from leadkeeper import clock
from leadkeeper.errors import Misconfigured
from leadkeeper.jobs import restored
from leadkeeper.jobs.restored import Aftermath
from leadkeeper.queue import control
from leadkeeper.queue.control import WorkerRow
from leadkeeper.store import boots, restores, settings_rows
from leadkeeper.store.boots import Boots
from leadkeeper.store.database import Database
from leadkeeper.store.schema import channel_accounts, inbound_events


def start(db: Database, folder: Path) -> Aftermath | None:
    """A start of the program on this machine."""
    folder.mkdir(exist_ok=True)
    here, after = db.write_now(restored.started, boots.of_folder(folder))
    boots.write(folder, here)
    return after


def somebody_writes(db: Database) -> None:
    now = clock.now()
    account = {"channel": "test", "external_id": "test", "name": "Test", "config": {}, "created_at": now}
    event = {"account_id": 1, "external_id": "1", "kind": "note", "sender": "s", "payload": {}}
    db.write_now(lambda conn: conn.execute(insert(channel_accounts).values(**account)))
    db.write_now(lambda conn: conn.execute(insert(inbound_events).values(**event, occurred_at=now, received_at=now)))


def state(db: Database) -> dict[str, object]:
    """What the database has counted: to be put back later."""
    kept: dict[str, object] = db.read_now(settings_rows.get, boots.ROW)
    return kept


def put_back(db: Database, kept: object) -> None:
    db.write_now(settings_rows.save, boots.ROW, kept)


def test_start_after_start_nothing_happens(db: Database, tmp_path: Path) -> None:
    somebody_writes(db)

    ends = [start(db, tmp_path / "a") for _ in range(3)]

    assert ends == [None, None, None]
    assert boots.of_folder(tmp_path / "a") == Boots(str(state(db)["line"]), 3)
    assert db.read_now(control.desired) == "running"


def test_an_old_database_put_back_by_hand_is_noticed_once(db: Database, tmp_path: Path) -> None:
    somebody_writes(db)
    start(db, tmp_path / "a")
    old = state(db)
    start(db, tmp_path / "a")

    put_back(db, old)
    noticed, after = start(db, tmp_path / "a"), start(db, tmp_path / "a")

    assert noticed is not None
    assert after is None
    assert db.read_now(control.paused_because) == "restored"
    last = db.read_now(restores.last)
    assert last is not None
    assert (last.how, last.event) == ("hand", 1)


def test_other_machines_do_not_notice_it_a_second_time(db: Database, tmp_path: Path) -> None:
    somebody_writes(db)
    start(db, tmp_path / "a")
    old = state(db)
    for machine in ("b", "c", "b", "a"):
        start(db, tmp_path / machine)

    put_back(db, old)
    ends = [start(db, tmp_path / machine) is not None for machine in ("c", "a", "b", "c")]

    assert ends == [True, False, False, False]


def test_a_database_older_than_the_last_restore_is_noticed_too(db: Database, tmp_path: Path) -> None:
    somebody_writes(db)
    start(db, tmp_path / "a")
    oldest = state(db)
    start(db, tmp_path / "a")
    put_back(db, oldest)
    start(db, tmp_path / "a")

    put_back(db, oldest)

    assert start(db, tmp_path / "a") is not None


def test_one_of_before_starts_were_counted_is_noticed(db: Database, tmp_path: Path) -> None:
    somebody_writes(db)
    start(db, tmp_path / "a")

    db.write_now(settings_rows.forget, boots.ROW)

    assert start(db, tmp_path / "a") is not None


def test_a_new_and_empty_database_is_only_new(db: Database, tmp_path: Path) -> None:
    start(db, tmp_path / "a")
    db.write_now(settings_rows.forget, boots.ROW)

    assert start(db, tmp_path / "a") is None
    assert db.read_now(restores.last) is None


def test_a_death_between_database_and_file_is_no_restore(db: Database, tmp_path: Path) -> None:
    somebody_writes(db)
    start(db, tmp_path / "a")
    db.write_now(restored.started, boots.of_folder(tmp_path / "a"))

    assert start(db, tmp_path / "a") is None


def test_a_folder_of_another_database_stops_nobody_who_works_on_this_one(db: Database, tmp_path: Path) -> None:
    somebody_writes(db)
    start(db, tmp_path / "a")
    (tmp_path / "b").mkdir()
    boots.write(tmp_path / "b", Boots("of another database", 7))
    now = clock.now()
    db.write_now(control.beat, WorkerRow("w", "host", 1, "0", "running", 0, 0, now, now))

    assert start(db, tmp_path / "b") is None
    boots.write(tmp_path / "b", Boots("of another database", 7))
    db.write_now(control.sign_off, "w")
    assert start(db, tmp_path / "b") is not None


@pytest.mark.parametrize("content", ["", "{}", '{"line": "x", "count": "many"}', "[1]"])
def test_a_file_that_cannot_be_read_is_told_and_not_guessed_at(tmp_path: Path, content: str) -> None:
    (tmp_path / boots.FILE).write_text(content)

    with pytest.raises(Misconfigured, match=r"boots\.json.* Delete it if"):
        boots.of_folder(tmp_path)
