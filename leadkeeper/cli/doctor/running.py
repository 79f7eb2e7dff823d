"""The running product: a worker with a fresh heartbeat, nothing waiting too long, something to answer from."""

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import Connection, func, select

from leadkeeper.access import users
from leadkeeper.cli.doctor.findings import Finding, Patient, fine, look
from leadkeeper.queue import control, stats
from leadkeeper.store.schema import documents, passages

LONGEST_WAIT = timedelta(minutes=5)
"""The console shows a banner from here on."""


def worker(patient: Patient) -> Iterator[Finding]:
    """Somebody does the work."""
    if patient.db is None:
        return
    live = patient.db.read_now(control.live_workers)
    desired = patient.db.read_now(control.desired)
    found = f"{len(live) or 'none'} with a fresh heartbeat, desired state {desired}"
    if desired != "running":
        yield look("worker", found, "messages are stored but not answered", "press Start on /admin/automation")
    elif not live:
        yield look("worker", found, "messages are stored but not answered", "leadkeeper up (or leadkeeper worker)")
    else:
        yield fine("worker", found)


def waiting(patient: Patient) -> Iterator[Finding]:
    """No job that is due waits for long."""
    if patient.db is None:
        return
    counts = patient.db.read_now(stats.counts)
    oldest = timedelta(seconds=counts.oldest_pending_seconds or 0)
    found = f"{counts.pending} pending, {counts.failed} failed, oldest due for {oldest.total_seconds():.0f} s"
    if oldest > LONGEST_WAIT:
        yield look(
            "jobs",
            found,
            "customers wait for their answers",
            "look at /admin/automation: is the worker running, or is an account halted?",
        )
    else:
        yield fine("jobs", found)


def knowledge(patient: Patient) -> Iterator[Finding]:
    """There are training documents and they are indexed."""
    if patient.db is None:
        return
    states = patient.db.read_now(_states)
    pieces = patient.db.read_now(lambda conn: conn.execute(select(func.count()).select_from(passages)).scalar_one())
    found = ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "none"
    if failed := states.get("failed", 0):
        yield look("documents", found, f"{failed} cannot be used for answers", "open /knowledge: each failed one says why")
    elif not states:
        yield look("documents", found, "without a source every question goes to a person", "add one on /knowledge")
    else:
        yield fine("documents", f"{found}, {pieces} passages")


def people(patient: Patient) -> Iterator[Finding]:
    """Somebody can log in."""
    if patient.db is None:
        return
    if patient.db.read_now(users.anyone):
        yield fine("users", f"{patient.db.read_now(users.count)}")
    else:
        yield look(
            "users",
            "nobody yet",
            "the console is closed until there is an owner",
            "leadkeeper user add you@example.com --role owner",
        )


def _states(conn: Connection) -> dict[str, int]:
    rows = conn.execute(select(documents.c.state, func.count().label("pieces")).group_by(documents.c.state))
    return {row.state: row.pieces for row in rows}


CHECKS = (worker, waiting, knowledge, people)
