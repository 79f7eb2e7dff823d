"""`leadkeeper backup`: one file with everything rows name, verified, closed to others, or no file at all."""

import fcntl
import gzip
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from leadkeeper import clock
from leadkeeper.cli.archive import parts, postgres, take
from leadkeeper.cli.archive.parts import BackupFailed
from leadkeeper.errors import Conflict
from leadkeeper.store import settings_rows
from leadkeeper.store.database import Database
from leadkeeper.store.room import RESERVE_BYTES
from leadkeeper.store.schema import inbound_events, messages
from tests.cli.archive.conftest import NAME, PHOTO, House


def names(file: Path) -> list[str]:
    with tarfile.open(file) as tar:
        return tar.getnames()


def test_one_file_holds_the_database_the_named_media_and_the_key_and_is_ours_alone(house: House) -> None:
    done = house.run("backup", "--json")

    told = json.loads(done.stdout)
    (file,) = house.backups()
    assert done.exit_code == 0
    assert Path(told["file"]) == file
    assert file.stat().st_mode & 0o777 == 0o600
    assert names(file)[1:] == ["secret.key", f"media/{NAME}", "manifest.json"]
    assert (told["verified"], told["audit"]["clean"], told["containsSecretKey"]) == (True, True, True)
    assert (told["tables"]["messages"], told["media"]) == (1, {"files": 1, "missing": []})
    assert sorted(path.name for path in (house.data / "backups").iterdir()) == [".lock", file.name]


def test_people_are_told_that_the_key_is_in_it_and_what_was_done(house: House) -> None:
    done = house.run("backup")

    assert "It contains secret.key" in done.stdout
    assert "1 messages, as of" in done.stdout
    assert "put back into scratch and audited" in done.stderr


def test_the_last_backup_is_remembered_for_the_doctor(house: House) -> None:
    none = json.loads(house.run("doctor", "--json").stdout)["findings"]
    file = house.backup("--no-verify")
    unverified = json.loads(house.run("doctor", "--json").stdout)["findings"]
    house.backup()
    fresh = json.loads(house.run("doctor", "--json").stdout)["findings"]
    with clock.use(lambda: datetime.now(UTC) + timedelta(hours=27)):
        old = json.loads(house.run("doctor", "--json").stdout)["findings"]

    def of(findings: list[dict[str, str]]) -> tuple[str, str]:
        return next((each["state"], each["found"]) for each in findings if each["about"] == "backup")

    assert of(none) == ("look", "none was ever made")
    assert of(unverified) == ("look", f"{file}, 0 h old, not verified")
    assert of(fresh)[0] == "fine"
    assert of(old)[0] == "look"


def test_a_file_that_is_gone_or_was_changed_is_named_and_the_rest_is_kept(house: House) -> None:
    (house.data / "media" / NAME).write_bytes(PHOTO + b"!")
    changed = json.loads(house.run("backup", "--json").stdout)
    (house.data / "media" / NAME).unlink()
    gone = json.loads(house.run("backup", "--json").stdout)

    assert changed["ok"]
    assert changed["media"] == {"files": 1, "missing": [1]}
    assert gone["media"] == {"files": 0, "missing": [1]}


def test_a_file_whose_message_was_deleted_meanwhile_is_not_missed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def deleted_meanwhile(db: Database, *_: object) -> list[int]:
        db.write_now(lambda conn: conn.execute(update(messages).values(media=None)))
        (house.data / "media" / NAME).unlink()
        return add(db, *_)  # type: ignore[arg-type]

    add = take._add_media
    monkeypatch.setattr(take, "_add_media", deleted_meanwhile)

    assert json.loads(house.run("backup", "--json").stdout)["media"]["missing"] == []


def test_keep_removes_our_oldest_and_nothing_else(house: House) -> None:
    house.backup("--no-verify")
    (house.data / "backups" / "notes.tar.gz").write_text("mine")
    second, third = house.backup("--no-verify"), house.backup("--no-verify", "--keep", "2")

    left = {path.name for path in house.backups()}

    assert left == {second.name, third.name, "notes.tar.gz"}


def test_a_copy_whose_rows_disagree_is_kept_and_told(house: House) -> None:
    db = house.open()
    event = {"account_id": 1, "external_id": "x", "kind": "message", "sender": "s", "payload": {}}
    db.write_now(
        lambda conn: conn.execute(insert(inbound_events).values(**event, occurred_at=clock.now(), received_at=clock.now()))
    )
    db.close()

    done = house.run("backup")

    assert done.exit_code == 1
    assert "rows disagree" in done.stdout
    assert len(house.backups()) == 1


def test_what_cannot_be_put_back_gets_no_name(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(conn: object, target: Path, done: parts.Progress) -> None:
        copy(conn, target, done)  # type: ignore[arg-type]
        if db.dialect == "sqlite":
            with closing(sqlite3.connect(target)) as copied:
                copied.execute("delete from messages")
                copied.commit()
        else:
            target.write_bytes(target.read_bytes()[:-2000])

    db = house.open()
    where = take.sqlite if db.dialect == "sqlite" else postgres
    name = "copy" if db.dialect == "sqlite" else "dump"
    copy = getattr(where, name)
    monkeypatch.setattr(where, name, forgetful)

    with pytest.raises(BackupFailed, match="could not be put back"):
        house.run("backup")
    assert house.backups() == []
    db.close()


def test_a_disk_without_room_is_refused_before_it_is_full(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(take, "free_bytes", lambda _: RESERVE_BYTES + 1000)

    with pytest.raises(BackupFailed, match="make room, or choose another disk with --to"):
        house.run("backup")
    assert list((house.data / "backups").iterdir()) == [house.data / "backups" / ".lock"]


def test_a_disk_that_is_full_all_the_same_leaves_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parts.Writer, "finish", full)

    with pytest.raises(BackupFailed, match="No space left on device"):
        house.run("backup")
    assert house.backups() == []


def test_two_at_a_time_into_one_folder_are_refused(house: House) -> None:
    (house.data / "backups").mkdir()
    with (house.data / "backups" / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)

        with pytest.raises(Conflict, match="another backup"):
            house.run("backup")


@pytest.mark.parametrize("at", ["dumped", "written", "verifying"])
def test_killed_in_the_middle_it_leaves_no_file_and_the_next_one_clears_up(house: House, at: str, tmp_path: Path) -> None:
    program = tmp_path / "killed.py"
    program.write_text(KILLED_AT[at])
    killed = subprocess.run([sys.executable, str(program)], env=os.environ, cwd=tmp_path, check=False, capture_output=True)
    left = [path.name for path in (house.data / "backups").iterdir()]

    house.backup()

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert [name for name in left if not name.startswith(".")] == []
    assert any(name.startswith(take.MAKING) for name in left)
    assert [path.name for path in (house.data / "backups").iterdir() if path.name.startswith(take.MAKING)] == []
    if house.url.startswith("postgresql"):
        db = house.open()
        with postgres.connect(db.url) as driver:
            scratch = f"{db.url.database}_verify_"  # another test's backup may be verified on this server just now
            left_over = driver.execute("select datname from pg_database where starts_with(datname, %s)", [scratch])
            assert left_over.fetchall() == []
        db.close()


def die(where: str) -> str:
    return f"""
import os, signal
from leadkeeper.cli.archive import take, verify, postgres
from leadkeeper.cli.main import app
def die(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
{where}
app(["backup"])
"""


KILLED_AT = {
    "dumped": die("take.writing = die"),
    "written": die("take.verify = die"),
    "verifying": die("verify.audit = die"),
}


def test_a_writer_beside_it_goes_on_and_the_copy_is_of_one_moment(house: House, tmp_path: Path) -> None:
    script = tmp_path / "writer.py"
    script.write_text(WRITER)
    with subprocess.Popen(
        [sys.executable, str(script)], env=os.environ, cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        told = json.loads(house.run("backup", "--json").stdout)
        time.sleep(0.2)
        writer.terminate()

    db = house.open()
    after = db.read_now(lambda conn: conn.execute(select(messages.c.id)).all())
    db.close()
    assert told["ok"]
    assert told["tables"]["messages"] == told["tables"]["decisions"] + 1 == told["tables"]["inbound_events"] + 1
    assert len(after) > told["tables"]["messages"]


WRITER = """
import os
from sqlalchemy import insert
from leadkeeper import clock
from leadkeeper.store.database import Database
from leadkeeper.store.room import RESERVE_BYTES
from leadkeeper.store.schema import decisions, inbound_events, messages
db = Database(os.environ["LEADKEEPER_DATABASE_URL"])
def one(conn, number):
    now = clock.now()
    event = {"account_id": 1, "external_id": f"w{number}", "kind": "message", "sender": "s", "payload": {}}
    event |= {"occurred_at": now, "received_at": now}
    event = conn.execute(insert(inbound_events).values(**event).returning(inbound_events.c.id)).scalar_one()
    said = {"conversation_id": 1, "account_id": 1, "direction": "in", "kind": "text", "author": "customer", "event_id": event}
    message = conn.execute(insert(messages).values(**said, occurred_at=now, created_at=now).returning(messages.c.id)).scalar_one()
    about = {"event_id": event, "message_id": message, "conversation_id": 1, "outcome": "silent", "reason": "test"}
    conn.execute(insert(decisions).values(**about, opened_at=now, closed_at=now))
number = 0
while True:
    db.write_now(one, number)
    number += 1
    if number == 20:
        print("writing", flush=True)
"""


def test_without_the_tools_of_the_server_it_says_what_to_install(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    if house.url.startswith("sqlite"):
        return
    postgres.program.cache_clear()
    monkeypatch.setattr(postgres, "_PLACES", "nowhere/*")
    monkeypatch.setattr(shutil, "which", lambda _: None)

    with pytest.raises(BackupFailed, match=r"pg_dump 15 or newer .* apt-get install postgresql-client-15"):
        house.run("backup")
    found = json.loads(house.run("doctor", "--json").stdout)["findings"]
    postgres.program.cache_clear()

    tools = next(each for each in found if each["about"] == "backup tools")
    assert tools["fix"].startswith("apt-get install postgresql-client-")


def test_the_file_is_compressed(house: House) -> None:
    file = house.backup()

    with gzip.open(file) as packed:
        assert len(packed.read()) > 3 * file.stat().st_size


def test_what_is_remembered_names_the_file(house: House) -> None:
    file = house.backup()

    db = house.open()
    row = db.read_now(settings_rows.get, take.LAST)
    db.close()
    assert (row["file"], row["verified"], row["bytes"]) == (str(file), True, file.stat().st_size)
