"""The examination: settings first, then the machine, the database, the running product, what is outside."""

from collections.abc import Iterator
from contextlib import contextmanager

from leadkeeper import config
from leadkeeper.cli.doctor import backups, machine, outside, running, storage
from leadkeeper.cli.doctor.findings import Finding, Patient, broken, fine
from leadkeeper.cli.opening import open_database
from leadkeeper.config import Settings
from leadkeeper.errors import LeadkeeperError, Misconfigured
from leadkeeper.store import settings_rows

CHECKS = (*machine.CHECKS, *storage.CHECKS, *backups.CHECKS, *running.CHECKS, *outside.CHECKS)


def examine() -> list[Finding]:
    """Everything found, in a fixed order. Never raises for something that is merely wrong."""
    try:
        base = config.load()
    except Misconfigured as error:
        return [broken("settings", error.message, "nothing starts with a setting it does not understand", "leadkeeper config")]
    findings = [fine("settings", "every name and value is understood")]
    with _opened(base) as patient:
        for check in CHECKS:
            findings.extend(check(patient))
    return findings


@contextmanager
def _opened(base: Settings) -> Iterator[Patient]:
    """The patient with its database, or without one; `storage` says why it could not be opened."""
    try:
        opened = open_database(base)
        db = opened.__enter__()
    except LeadkeeperError:
        yield Patient(base, None)
        return
    try:
        yield Patient(db.read_now(settings_rows.current, base), db)
    finally:
        opened.__exit__(None, None, None)
