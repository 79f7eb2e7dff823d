"""One answer for one Idempotency-Key: the same request again changes nothing and hears the same.

The key, what was done and what was answered are one transaction, so a crash leaves all of it or
nothing; of two that come at once, the second waits at the unique constraint for the first.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from leadkeeper import clock
from leadkeeper.errors import Conflict
from leadkeeper.store.schema import idempotency_keys as table
from leadkeeper.store.upsert import insert_once


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request heard; `again`: it had been answered before."""

    status: int
    body: str
    again: bool = False


class KeyReused(Conflict):
    """The key stands for another request already."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was given with another request before. Use a new key for a new message.")


def once(conn: Connection, user_id: int, key: str, asked: str, act: Callable[[Connection], Answer]) -> Answer:
    """Do `act` for this user's key, or say again what was answered to it. `asked` is a digest of the whole request.

    What `act` raises takes the key back with it: that request may come again. Raises KeyReused.
    """
    row = {"user_id": user_id, "key": key, "asked": asked, "created_at": clock.now()}
    if not insert_once(conn, table, [row], table.c.id):
        return _answered(conn, user_id, key, asked)
    answer = act(conn)
    mine = (table.c.user_id == user_id, table.c.key == key)
    conn.execute(update(table).where(*mine).values(status=answer.status, answer=answer.body))
    return answer


def _answered(conn: Connection, user_id: int, key: str, asked: str) -> Answer:
    kept = conn.execute(select(table).where(table.c.user_id == user_id, table.c.key == key)).one()
    if kept.asked != asked:
        raise KeyReused()
    return Answer(kept.status, kept.answer, again=True)
