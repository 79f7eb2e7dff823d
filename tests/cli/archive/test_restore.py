"""`leadkeeper restore`: everything again as it was, older schemas brought forward, and what follows from it done."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import alembic.command
import pytest
from alembic.config import Config
from sqlalchemy import Connection, insert, inspect, text

from leadkeeper import clock
from leadkeeper.access import sessions, users
from leadkeeper.access.roles import Role
from leadkeeper.cli.archive import take as take_module
from leadkeeper.cli.archive.telling import Telling
from leadkeeper.cli.opening import open_database
from leadkeeper.config import Settings
from leadkeeper.errors import Invalid, Misconfigured
from leadkeeper.jobs import restored
from leadkeeper.queue import control
from leadkeeper.store import boots, migrate, restores
from leadkeeper.store.schema import jobs, metadata
from tests.cli.archive.conftest import NAME, PHOTO, House, bodies, content_of, lose_everything


def test_everything_is_as_it_was_and_the_worker_stands_still(house: House) -> None:
    db = house.open()
    user = db.write_now(lambda conn: users.add(conn, "sara@example.com", "Sara", Role.OWNER, "no password"))
    db.write_now(lambda conn: sessions.begin(conn, user.id, None, None))
    db.close()
    key = (house.data / "secret.key").read_bytes()
    file = house.backup()
    lose_everything(house)

    done = house.run("restore", str(file), "--json")

    told = json.loads(done.stdout)
    assert (done.exit_code, told["ok"], told["aside"]) == (0, True, None)
    assert (house.data / "secret.key").read_bytes() == key
    assert (house.data / "secret.key").stat().st_mode & 0o777 == 0o600
    assert (house.data / "media" / NAME).read_bytes() == PHOTO
    assert [path.name for path in (house.data / "media" / "ab").iterdir()] == ["abcdef.jpg"]
    db = house.open()
    assert bodies(db) == ["[photo]"]
    assert db.read_now(control.desired) == "stopped"
    assert db.read_now(control.paused_because) == "restored"
    assert db.read_now(sessions.of_user, user.id) == []
    last = db.read_now(restores.last)
    assert last is not None
    assert last.horizon is not None
    assert last.horizon.isoformat() == told["takenAt"]
    db.close()
    assert house.run("doctor", "--json").exit_code in (0, 1)
    assert not list(house.data.glob(".restoring*"))


def test_replace_moves_aside_what_is_there_and_deletes_nothing(house: House) -> None:
    file = house.backup("--no-verify")
    (house.data / "media" / "ab" / "later.jpg").write_bytes(b"came after the backup")
    db = house.open()
    db.write_now(lambda conn: conn.execute(text("update messages set body = 'came after the backup'")))
    db.close()

    told = json.loads(house.run("restore", str(file), "--replace", "--json").stdout)

    db = house.open()
    assert bodies(db) == ["[photo]"]
    (aside,) = house.data.glob("replaced-*")
    assert (aside / "media" / "ab" / "later.jpg").exists()
    if db.dialect == "sqlite":
        with sqlite3.connect(aside / "leadkeeper.db") as old:
            assert old.execute("select body from messages").fetchall() == [("came after the backup",)]
        old.close()
    else:
        schema = aside.name.replace("-", "_").lower()
        assert schema in told["aside"]
        query = text(f"select body from {schema}.messages")
        assert db.read_now(lambda conn: list(conn.execute(query).scalars())) == ["came after the backup"]
    db.close()
    assert len(content_of(house.backup())) == 4, "what was moved aside is no part of the next backup"


def test_an_older_schema_is_brought_forward(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    older = sorted(migrate._known())[-2]
    lose_everything(house)
    db = house.open()
    db.write_now(_made_by, older)
    there = set(db.read_now(lambda conn: inspect(conn).get_table_names()))
    tables = [table for table in metadata.sorted_tables if table.name in there]
    monkeypatch.setattr(take_module, "metadata", SimpleNamespace(sorted_tables=tables))
    settings = Settings(data_dir=house.data, database_url=house.url)
    into = house.data / "backups"
    file = take_module.take(db, settings, into, check=False, keep=None, telling=Telling(quiet=True)).file
    db.close()
    lose_everything(house)

    told = json.loads(house.run("restore", str(file), "--json").stdout)

    assert (told["ok"], told["madeWith"], told["schema"]) == (True, older, migrate.newest())


def _made_by(conn: Connection, schema: str) -> None:
    """An empty database as the program of that schema made it."""
    config = Config()
    config.set_main_option("script_location", str(migrate.VERSIONS.parent))
    config.attributes["connection"] = conn
    alembic.command.upgrade(config, schema)


def test_what_was_held_by_a_worker_is_free_again(house: House) -> None:
    db = house.open()
    held = {"type": "purge", "data": {}, "status": "processing", "run_at": clock.now(), "head": True, "created_at": clock.now()}
    held |= {"worker": "gone", "lease_until": clock.now(), "claim": 1, "attempts": 1}
    db.write_now(lambda conn: conn.execute(insert(jobs).values(**held)))
    db.close()
    file = house.backup()
    lose_everything(house)

    told = json.loads(house.run("restore", str(file), "--json").stdout)

    db = house.open()
    (row,) = db.read_now(lambda conn: conn.execute(jobs.select()).all())
    db.close()
    assert told["jobsFreed"] == 1
    assert (row.status, row.worker, row.attempts, row.losses) == ("pending", None, 0, 0)


def test_killed_before_what_follows_was_done_the_next_start_does_it(house: House, tmp_path: Path) -> None:
    file = house.backup("--no-verify")
    lose_everything(house)
    program = tmp_path / "killed.py"
    program.write_text(KILLED)
    killed = subprocess.run(
        [sys.executable, str(program), str(file)], env=os.environ, cwd=tmp_path, check=False, capture_output=True
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr

    if house.url.startswith("sqlite"):
        assert not (house.data / "leadkeeper.db").exists()
        assert house.run("restore", str(file)).exit_code == 0
    else:
        with pytest.raises(Misconfigured, match=f"leadkeeper restore {file}` again"), open_database():
            pass
        db = house.open()
        assert db.read_now(control.desired) == "running"
        _, after = db.write_now(restored.started, boots.of_folder(house.data))
        assert after is not None
        db.close()
    db = house.open()
    assert db.read_now(control.paused_because) == "restored"
    assert bodies(db) == ["[photo]"]
    db.close()


KILLED = """
import os, signal, sys
from leadkeeper.cli.archive import put_back
from leadkeeper.cli.main import app
put_back.restored.follow = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
app(["restore", sys.argv[1]])
"""


def test_people_are_told_what_is_in_doubt_and_what_to_press(house: House) -> None:
    file = house.backup("--no-verify")
    lose_everything(house)

    done = house.run("restore", str(file))

    assert f"restored {file}, as of" in done.stdout
    assert "then press Start" in done.stdout
    with pytest.raises(Invalid):
        house.run("restore")


def test_a_database_put_back_by_other_means_can_be_said(house: House) -> None:
    done = house.run("restore", "--by-hand", "--json")

    db = house.open()
    last = db.read_now(restores.last)
    db.close()
    assert json.loads(done.stdout)["ok"]
    assert last is not None
    assert (last.how, last.horizon) == ("hand", None)
    assert boots.of_folder(house.data) is not None
