"""What the frame watches for every reader: worker, oldest due job, halted and resting accounts, sends in doubt,
the last audit, demo data."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from sqlalchemy import Connection, func, select

from leadkeeper import clock
from leadkeeper.access.roles import Role
from leadkeeper.crm import account_cards, accounts, audit, doubts
from leadkeeper.example import clear as example
from leadkeeper.queue import control
from leadkeeper.store import restores
from leadkeeper.store.schema import jobs
from leadkeeper.web.frame import Banner, banner, figures

REST_IS_LONG = timedelta(minutes=5)
"""An account that rests for longer than this is worth a banner: shorter outages pass by themselves."""
LATE_SECONDS = 300
"""A job that has been due for longer than this is worth a banner."""
INVENTED = "Example data is in the inbox. Invented customers write, and nothing is sent to anyone."
INVENTED_FOR_REAL = "Example documents are in use, and the customers of {name} are answered from them."
PUT_BACK = (
    "Restored from the backup of {when}. The worker stands still. What may have been sent since is in doubt ({n}): "
    "look at the inbox, then press Start."
)
PUT_BACK_BY_HAND = (
    "An old database was put back. The worker stands still. What may have been sent since is in doubt ({n}): "
    "look at the inbox, then press Start."
)


@figures
def worker_state(conn: Connection) -> Mapping[str, float | str]:
    """`worker`: running, stopped (by a person, or for this start), or silent (it should run, no heartbeat is fresh)."""
    if control.desired(conn) == "stopped":
        return {"worker": "stopped"}
    if control.is_running(conn):
        return {"worker": "running"}
    # Workers that are alive but stopped were started with WORKER_AUTO_START=false: Start ends that.
    return {"worker": "stopped" if control.live_workers(conn) else "silent"}


@banner
def put_back(conn: Connection) -> Iterable[Banner]:
    """The database is a backup's: nobody works until a person has looked."""
    restored = restores.last(conn) if control.paused_because(conn) else None
    if restored is None:
        return
    count = sum(doubts.counts(conn).values())
    when = f"{restored.horizon:%Y-%m-%d %H:%M} UTC" if restored.horizon else ""
    words = PUT_BACK if when else PUT_BACK_BY_HAND
    yield Banner("bad", words, {"when": when, "n": count}, "/admin/automation", "Open automation")


@banner
def worker_silent(conn: Connection) -> Iterable[Banner]:
    """Nobody works although somebody should."""
    if worker_state(conn)["worker"] == "silent":
        yield Banner("bad", "The worker is silent: messages are stored, but nothing is answered. Restart Leadkeeper.")


@banner
def oldest_waits(conn: Connection) -> Iterable[Banner]:
    """The queue does not keep up, or something holds it."""
    seconds = oldest_due_seconds(conn)
    if seconds > LATE_SECONDS and control.desired(conn) == "running":
        minutes = int(seconds // 60)
        words = "The oldest job has been waiting for {n} minutes."
        yield Banner("warn", words, {"n": minutes}, "/admin/automation/jobs?status=pending", "Look at it")


@banner
def account_halted(conn: Connection) -> Iterable[Banner]:
    """A provider refuses us: nothing goes out there until a person has settled it."""
    for name, reason in accounts.halted(conn):
        words = "{name} is halted: {reason}. Messages are kept and sent when it is resumed."
        yield Banner("bad", words, {"name": name, "reason": reason.rstrip(". ")}, "/channels", "Open channels")


@banner
def account_rests(conn: Connection) -> Iterable[Banner]:
    """A provider has not answered for minutes, and messages wait for it."""
    for card in account_cards.resting(conn):
        since = card.rests.opened_at if card.rests is not None else None
        if since is not None and card.waiting and clock.now() - since > REST_IS_LONG:
            words = "The provider of {name} has not answered for {n} minutes. {waiting} messages wait."
            minutes = int((clock.now() - since).total_seconds() // 60)
            yield Banner("warn", words, {"name": card.name, "n": minutes, "waiting": card.waiting}, "/channels", "Open channels")


@banner
def sends_in_doubt(conn: Connection) -> Iterable[Banner]:
    """Only a person can say whether these arrived."""
    asked = doubts.counts(conn)["needs_human"]
    if asked:
        words = "{n} messages may not have arrived, and the provider does not say. Look on the customer’s side."
        yield Banner("warn", words, {"n": asked}, "/admin/automation/in-doubt", "Settle them")


@banner
def rows_disagree(conn: Connection) -> Iterable[Banner]:
    """The last audit was not clean."""
    kept = audit.last(conn)
    if kept is not None and not kept["clean"]:
        yield Banner("bad", "The last audit found rows that disagree.", {}, "/admin/automation/audit", "Look at it")


@banner
def demo_data(conn: Connection) -> Iterable[Banner]:
    """What is shown is invented."""
    if not example.present(conn):
        return
    real = next(iter(accounts.reaching_customers(conn)), None)
    yield Banner(
        "info" if real is None else "warn", INVENTED if real is None else INVENTED_FOR_REAL, {"name": real or ""},
        action="Clear demo data", post="/setup/demo/clear", least=Role.ADMIN,
        question="Delete the example business, its customers and all they wrote? Real messages stay.",
    )  # fmt: skip


def oldest_due_seconds(conn: Connection) -> float:
    """How long the oldest due job has waited; 0 without one."""
    now = clock.now()
    due = (jobs.c.status == "pending") & jobs.c.head & (jobs.c.run_at <= now)
    oldest = conn.execute(select(func.min(jobs.c.run_at)).where(due)).scalar()
    return 0.0 if oldest is None else (now - oldest).total_seconds()
