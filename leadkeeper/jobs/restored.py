"""What follows when a database is put back from a copy: nothing that may have been done since is done again.

Between the copy and the loss the machine went on. Who was to be written to may have been: those messages
are in doubt, their questions a person's, and the worker stands still until somebody has looked.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, exists, select, update

from leadkeeper import clock
from leadkeeper.access import sessions
from leadkeeper.crm import conversations, outbox, restored
from leadkeeper.jobs.delivery import leave_to_people
from leadkeeper.jobs.record import UNTIL_HUMAN
from leadkeeper.queue import control, leases
from leadkeeper.queue.cancel import cancel_types
from leadkeeper.store import boots, restores
from leadkeeper.store.boots import Boots
from leadkeeper.store.restores import How
from leadkeeper.store.schema import inbound_events, messages, setup_links

REASON = "restored"
"""Why the worker stands still, jobs were cancelled and conversations handed over."""


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What a restore has come to: messages in doubt now, conversations handed over, jobs given back and cancelled."""

    in_doubt: int
    handed_over: int
    freed: int
    cancelled: int


def started(conn: Connection, file: Boots | None) -> tuple[Boots, Aftermath | None]:
    """Count a start; with what followed when somebody has put an old database back by hand.

    `file`: what the data folder has counted. A database in which nobody ever wrote is only new.
    """
    here, counted = boots.of_database(conn)
    after = None
    if file is not None and here.is_behind(file) and _is_old(conn, here, file, counted):
        after = follow(conn, "hand", None, file)
    return boots.count(conn), after


def follow(conn: Connection, how: How, horizon: datetime | None, file: Boots | None = None) -> Aftermath:
    """Do everything that follows from a restore, in this one transaction. `horizon`: the moment of the copy.

    An undecided message keeps its job: rules run for it (an opt-out counts), and the guard `restored`
    keeps them from writing.
    """
    control.pause(conn, REASON)
    freed = leases.free_all(conn)
    doubted = restored.doubt_all(conn)
    for message_id in doubted:
        outbox.look_later(conn, message_id, clock.now() + UNTIL_HUMAN)
    cancelled = cancel_types(conn, ("send",), REASON, only=lambda data: not data.get("timer"))
    waiting = restored.awaiting_answer(conn)
    for conversation_id in waiting:
        if not conversations.needs_human(conn, conversation_id, REASON):
            leave_to_people(conn, conversation_id)
    cancelled += cancel_types(conn, ("reply",), REASON)
    sessions.revoke_everybody(conn)
    conn.execute(update(setup_links).where(setup_links.c.used_at.is_(None)).values(used_at=clock.now()))
    restores.note(conn, how, horizon)
    boots.begin_line(conn, file)
    return Aftermath(len(doubted), len(waiting), freed, len(cancelled))


def _is_old(conn: Connection, here: Boots, file: Boots, counted: bool) -> bool:
    """True where something can be repeated. A folder that has counted another database is no witness while
    workers are alive on this one."""
    anything = select(exists().where(inbound_events.c.id > 0) | exists().where(messages.c.id > 0))
    if not conn.execute(anything).scalar_one():
        return False
    other = counted and here.line != file.line
    return not (other and control.live_workers(conn))
