"""Backups: how old the last one is, and whether another can be made."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from leadkeeper import clock
from leadkeeper.cli.archive import postgres
from leadkeeper.cli.archive.parts import BackupFailed
from leadkeeper.cli.archive.take import LAST
from leadkeeper.cli.doctor.findings import Finding, Patient, fine, look
from leadkeeper.queue import control
from leadkeeper.store import settings_rows

OLDEST = timedelta(hours=26)
"""Of a backup that is made every night."""


def last_backup(patient: Patient) -> Iterator[Finding]:
    """There is a backup, it is young, and it was verified."""
    if patient.db is None:
        return
    cause = "what came in since the last backup is lost with the disk"
    fix = "leadkeeper backup, every night by cron (docs/backup.md)"
    row = patient.db.read_now(settings_rows.get, LAST)
    if row is None:
        yield look("backup", "none was ever made", cause, fix)
        return
    age = clock.now() - datetime.fromisoformat(row["at"])
    found = f"{row['file']}, {age.total_seconds() / 3600:.0f} h old" + ("" if row["verified"] else ", not verified")
    if age > OLDEST:
        yield look("backup", found, cause, fix)
    elif not row["verified"]:
        yield look("backup", found, "nobody knows whether it can be put back", "leadkeeper backup, without --no-verify")
    else:
        yield fine("backup", found)


def tools(patient: Patient) -> Iterator[Finding]:
    """PostgreSQL is copied by its own tools."""
    if patient.db is None or patient.db.dialect != "postgresql":
        return
    try:
        with postgres.connect(patient.db.url) as driver:
            major = postgres.major_of(driver)
        for name in ("pg_dump", "pg_restore"):
            postgres.program(name, major)
    except BackupFailed as error:
        found, _, fix = error.message.rpartition(": ")
        yield look("backup tools", found, "no backup can be made or put back", fix)
    else:
        yield fine("backup tools", f"pg_dump and pg_restore fit PostgreSQL {major}")


def put_back(patient: Patient) -> Iterator[Finding]:
    """A database that was put back waits for somebody to look."""
    if patient.db is not None and patient.db.read_now(control.paused_because):
        found = "this database was put back from a copy, and the worker stands still"
        cause = "messages are stored but not answered"
        yield look("restore", found, cause, "settle what is in doubt in the inbox, then press Start on /admin/automation")


CHECKS = (last_backup, tools, put_back)
