"""What is stored: the database, its schema, whether it can be written, the key of the secrets."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import text

from leadkeeper import clock
from leadkeeper.cli.doctor.findings import Finding, Patient, broken, fine, look
from leadkeeper.cli.opening import open_database
from leadkeeper.errors import Damaged, LeadkeeperError, Misconfigured, SchemaMismatch, SchemaNewer
from leadkeeper.secretbox import SecretBox
from leadkeeper.store import probe

MIGRATE = "leadkeeper migrate"


def database(patient: Patient) -> Iterator[Finding]:
    """The database opens and has this program's schema."""
    if patient.db is not None:
        shown = patient.db.url.set(drivername=patient.db.dialect).render_as_string(hide_password=True)
        yield fine("database", f"{shown}, schema as this program needs it")
        return
    cause = "nothing works without the database"
    try:
        with open_database(patient.settings):
            yield fine("database", "opens at the second try")
    except Damaged as error:
        found, _, fix = error.message.partition(". ")
        yield broken("database", found, cause, fix)
    except SchemaNewer as error:
        yield broken("database", error.message, cause, "install the program that was used last, or a newer one")
    except SchemaMismatch as error:
        yield broken("database", error.message, cause, MIGRATE)
    except Misconfigured as error:
        yield broken("database", error.message, cause, "mend LEADKEEPER_DATABASE_URL")
    except LeadkeeperError as error:
        yield broken("database", error.message, cause, "start the database server, or mend LEADKEEPER_DATABASE_URL")


def journal(patient: Patient) -> Iterator[Finding]:
    """SQLite keeps a write-ahead log: readers and the writer do not wait for each other."""
    if patient.db is None or patient.db.dialect != "sqlite":
        return
    mode = patient.db.read_now(lambda conn: conn.execute(text("PRAGMA journal_mode")).scalar_one())
    found = f"journal mode {mode}, SQLite {sqlite3.sqlite_version}"
    if mode == "wal":
        yield fine("database file", found)
    else:
        cause = "readers and the writer wait for each other; the file system may not support a write-ahead log"
        yield broken(
            "database file", found, cause, "put the data folder on a local disk (LEADKEEPER_DATA_DIR), not on a network share"
        )


def write(patient: Patient) -> Iterator[Finding]:
    """A row can be committed, and how long that takes."""
    if patient.db is None:
        return
    began = clock.monotonic()
    try:
        patient.db.write_now(probe.write)
    except LeadkeeperError as error:
        yield broken(
            "database write", error.message, "messages cannot be stored: webhooks answer 503", "see disk and data folder above"
        )
        return
    took = (clock.monotonic() - began) * 1000
    slow = look("database write", f"{took:.0f} ms", "answers wait for every commit", "put the data folder on a faster disk")
    yield slow if took > 250 else fine("database write", f"{took:.1f} ms")


def secret_key(patient: Patient) -> Iterator[Finding]:
    """The key of the stored secrets is there, readable by us alone, and whole."""
    path: Path = patient.settings.data_dir / "secret.key"
    if not path.exists():
        yield look(
            "secret.key", "does not exist yet", "it encrypts stored credentials; it is made at the first start", "leadkeeper up"
        )
        return
    try:
        SecretBox.open(patient.settings.data_dir)
    except Misconfigured as error:
        yield broken("secret.key", error.message, "stored credentials cannot be used", _after_run(error.message))
    else:
        yield fine("secret.key", "readable by us alone")


def _after_run(message: str) -> str:
    return message.partition("run: ")[2] or "restore the file from your backup"


CHECKS = (database, journal, write, secret_key)
