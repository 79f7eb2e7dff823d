"""What a restore leaves of messages that were on their way: each may have gone out after the copy was made."""

from sqlalchemy import Connection, String, case, cast, literal, select, update

from leadkeeper import clock
from leadkeeper.store import restores
from leadkeeper.store.schema import decisions
from leadkeeper.store.schema import messages as table
from leadkeeper.store.signals import signal

REASON = "restored from a backup: it may have been sent since"


def doubt_all(conn: Connection) -> list[int]:
    """ready | sending -> unknown, every one; returns their ids. To be settled by a status or a person, as always.

    What was ready gets the token its next attempt would have had, and probably has had: a status finds it.
    Called before the restore is noted, so that this token bears the mark of the time before.
    """
    ready = table.c.state == "ready"
    next_attempt = table.c.attempt + 1
    probable = literal(restores.mark(conn), String) + cast(table.c.id, String) + "." + cast(next_attempt, String)
    doubted = (
        update(table)
        .where(table.c.state.in_(("ready", "sending")))
        .values(
            state="unknown",
            state_at=clock.now(),
            reason=REASON,
            token=case((ready, probable), else_=table.c.token),
            attempt=case((ready, next_attempt), else_=table.c.attempt),
        )
        .returning(table.c.id)
    )
    ids = sorted(int(message_id) for message_id in conn.execute(doubted).scalars())
    signal(conn, "inbox")
    return ids


def awaiting_answer(conn: Connection) -> list[int]:
    """The conversations in which an answer was being made: it may have been sent since."""
    waiting = select(decisions.c.conversation_id).where(decisions.c.outcome.is_(None), decisions.c.wants_answer)
    return sorted(int(found) for found in conn.execute(waiting.distinct()).scalars() if found is not None)
