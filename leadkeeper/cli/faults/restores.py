"""restores: kill -9 at every labelled place of a restore, over an old installation and into an empty one.

What is left is either what was there before, whole, or an installation that refuses to start and says what to do;
and the same restore, run again, completes it with nothing deleted.
"""

import json
import logging
import os
import shutil
import signal
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection

from leadkeeper import clock, crashpoints
from leadkeeper.cli.archive import postgres
from leadkeeper.cli.archive.put_back import put_back
from leadkeeper.cli.archive.take import take
from leadkeeper.cli.archive.telling import Telling
from leadkeeper.cli.faults.crashpoints import RESTORE, be_alone, labels
from leadkeeper.cli.faults.trial import Trial
from leadkeeper.cli.measure.ground import Ground
from leadkeeper.cli.opening import open_database
from leadkeeper.config import Settings
from leadkeeper.crm import accounts, contacts, conversations, leads, messages
from leadkeeper.errors import LeadkeeperError
from leadkeeper.jobs.first_start import prepare
from leadkeeper.queue import control
from leadkeeper.secretbox import SecretBox
from leadkeeper.store import migrate, settings_rows
from leadkeeper.store.address import parse_url
from leadkeeper.store.database import Database

NAME = "trial.note"
OLD, NEW = "written later", "in the backup"
MEDIUM = Path("media") / "ab" / "note.txt"
ONLY_ON_A_SERVER = {"restore.loaded"}
Visit = Callable[[str], None]
FAILED, WHOLE_OLD, REFUSED, WHOLE_NEW = 1, 10, 11, 12
"""How a process that looks at an installation ends."""


def run(trial: Trial, ground: Ground, every: int = 1) -> None:
    """Kill at each label of a restore each time it is passed, or at one in `every`; `trial.wanted` becomes how often that is."""
    with ground.scratch() as (folder, url):
        file = _backed_up(folder, url)
        be_alone()
        passed = {replace: _census(ground, folder, url, file, replace) for replace in (True, False)}
        aims = [(replace, label, hit + 1) for replace in passed for label, hits in passed[replace].items() for hit in range(hits)]
        trial.wanted = len(aims[::every])
        for replace, label, hit in aims[::every]:
            where = f"killed at {label} ({hit}), {'over an old installation' if replace else 'into an empty one'}"
            for finding in _one(ground, folder, url, file, replace, label, hit):
                trial.find(f"{where}: {finding}")
            trial.step()
    expected = {label for label in labels() if label.startswith(RESTORE)} - (ONLY_ON_A_SERVER if trial.db == "sqlite" else set())
    for label in sorted(expected - set(passed[True]) - set(passed[False])):
        trial.find(f"nobody ever came by the label {label}")
    trial.counts["labels"] = len(set(passed[True]) | set(passed[False]))


def _backed_up(folder: Path, url: str) -> Path:
    """A backup of an installation; then something comes later."""
    data = folder / "data"
    settings = _settings(data, url)
    db = Database(url)
    try:
        migrate.upgrade(db)
        db.write_now(prepare, settings, SecretBox.open(data))
        db.write_now(_photo)
        _note(data, db, NEW)
        taken = take(db, settings, folder / "backups", check=False, keep=None, telling=Telling(quiet=True))
        _note(data, db, OLD)
    finally:
        db.close()
    return taken.file


def _photo(conn: Connection) -> None:
    """A customer has sent one: media are part of a backup when a message names them."""
    account = accounts.ensure(conn, "whatsapp", "1", "Trial")
    contact = contacts.resolve(conn, account, [("971500000001", "wa_id")], {"name": "Sara"})
    lead = leads.for_contact(conn, contact, "whatsapp", None)
    conversation, _ = conversations.open_one(
        conn, contact_id=contact, account_id=account, lead_id=lead, address="971500000001", language="en"
    )
    media = {"state": "stored", "file": str(MEDIUM.relative_to("media"))}
    said = {"conversation_id": conversation, "account_id": account, "kind": "image", "body": "[photo]", "media": media}
    messages.store_inbound(conn, {**said, "occurred_at": clock.now()})


def _note(data: Path, db: Database, what: str) -> None:
    db.write_now(settings_rows.save, NAME, what)
    (data / MEDIUM).parent.mkdir(parents=True, exist_ok=True)
    (data / MEDIUM).write_text(what)


def _settings(data: Path, url: str) -> Settings:
    return Settings(data_dir=data, database_url=url)


def _census(ground: Ground, folder: Path, url: str, file: Path, replace: bool) -> Counter[str]:
    """How often a restore passes each label; told by a child, so that this process stays without threads."""
    with ground.copied(folder, url) as (twin, copy):
        data = twin / "data"
        log = twin / "passed"
        if _ended(lambda: _restore(data, copy, file, replace, lambda label: _append(log, label), empty=not replace)) != 0:
            raise RuntimeError("a restore fails even without a fault")
        return Counter(label for label in log.read_text().split() if label.startswith(RESTORE))


def _append(log: Path, label: str) -> None:
    with log.open("a") as file:
        file.write(f"{label}\n")


def _one(ground: Ground, folder: Path, url: str, file: Path, replace: bool, label: str, hit: int) -> Iterator[str]:
    with ground.copied(folder, url) as (twin, copy):
        data = twin / "data"
        killed = _ended(lambda: _restore(data, copy, file, replace, _killer(label, hit), empty=not replace))
        if killed != -signal.SIGKILL:
            yield f"the restore has ended with {killed} instead"
            return
        left = _ended(lambda: _look(data, copy))
        if left not in ((WHOLE_OLD, REFUSED, WHOLE_NEW) if replace else (FAILED, REFUSED, WHOLE_NEW)):
            yield f"what is left is neither the one nor the other (it ended with {left})"
        if left == WHOLE_NEW:
            return
        again = _ended(lambda: _restore(data, copy, file, replace, None, empty=False))
        found = _ended(lambda: _look(data, copy))
        if (again, found) != (0, WHOLE_NEW):
            yield f"the same restore, run again, ends with {again} and leaves {found}"
        if replace and not _kept(data, copy):
            yield "what was there before is gone"


def _restore(data: Path, url: str, file: Path, replace: bool, visit: Visit | None, *, empty: bool) -> int:
    if empty:
        _lose_everything(data, url)
    crashpoints.arm(visit)
    put_back(_settings(data, url), file, replace=replace, telling=Telling(quiet=True))
    return 0


def _killer(label: str, hit: int) -> Visit:
    left = hit

    def visit(passed: str) -> None:
        nonlocal left
        left -= passed == label
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return visit


def _ended(act: Callable[[], int]) -> int:
    """Let a child do it; its exit code, or minus the signal that killed it."""
    pid = os.fork()
    if pid == 0:
        code = FAILED
        try:
            code = act()
        except LeadkeeperError as error:
            code = REFUSED if "restore was interrupted" in error.message else FAILED
        except BaseException:
            logging.getLogger(__name__).critical("a process of the trial has failed", exc_info=True)
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _look(data: Path, url: str) -> int:
    """Open the installation as every command does. Raises LeadkeeperError when it refuses."""
    with open_database(_settings(data, url)) as db:
        note, because = db.read_now(settings_rows.get, NAME, ""), db.read_now(control.paused_because)
    medium = (data / MEDIUM).read_text()
    SecretBox.open(data)
    if (note, medium, because) == (OLD, OLD, None):
        return WHOLE_OLD
    return WHOLE_NEW if (note, medium, because) == (NEW, NEW, "restored") else FAILED


def _lose_everything(data: Path, url: str) -> None:
    shutil.rmtree(data)
    if not url.startswith("sqlite"):
        with postgres.connect(parse_url(url)) as driver:
            driver.execute("drop schema public cascade")
            driver.execute("create schema public")


def _kept(data: Path, url: str) -> bool:
    """True when what was there before lies aside: its medium, and its database."""
    media = [path.read_text() for path in data.glob(f"replaced-*/{MEDIUM}")]
    return OLD in media and OLD in _notes_aside(data, url)


def _notes_aside(data: Path, url: str) -> Iterator[str]:
    query = f"select value from {{}}settings where name = '{NAME}'"
    if url.startswith("sqlite"):
        for path in data.glob("replaced-*/leadkeeper.db"):
            with closing(sqlite3.connect(path)) as old:
                yield from (json.loads(value) for (value,) in old.execute(query.format("")))
        return
    with postgres.connect(parse_url(url)) as driver:
        for (schema,) in driver.execute("select nspname from pg_namespace where starts_with(nspname, 'replaced_')").fetchall():
            yield from (value for (value,) in driver.execute(query.format(f"{schema}.").encode()).fetchall())
