"""Since when a customer waits for an answer (`unanswered_since` of their conversation), and when they no longer do."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Select, Update, and_, func, not_, or_, select, update

from leadkeeper.store.given import IDS, NUMBER, Given
from leadkeeper.store.prepared import Prepared
from leadkeeper.store.schema import conversations as table
from leadkeeper.store.schema import decisions as decided
from leadkeeper.store.schema import messages as said


def answered(conn: Connection, reached: Sequence[tuple[int, int]]) -> None:
    """These (conversation, message) have reached them: each waits only for what they wrote after it, unless it needs no answer.

    The conversations are held meanwhile, so nothing comes in between.
    """
    if reached:
        _hold(conn, [conversation_id for conversation_id, _ in reached])
        _ANSWERED.run(conn, **_REACHED.values(conn.dialect.name, reached))


def asks_nothing(conn: Connection, conversation_id: int, since: datetime | None = None) -> None:
    """What they wrote at `since` needs no answer: they wait for none, unless they did before. Without it: for none at all."""
    waiting = update(table).where(table.c.id == conversation_id)
    if since is not None:
        waiting = waiting.where(table.c.unanswered_since >= since)
    conn.execute(waiting.values(unanswered_since=None))


def waits_again(conn: Connection, message_id: int) -> None:
    """This answer may not have reached them after all: they wait for it since they asked, unless they waited before."""
    asked = select(func.min(said.c.created_at)).join(decided, decided.c.message_id == said.c.id)
    since = asked.where(decided.c.answer_id == message_id).scalar_subquery()
    talk = select(said.c.conversation_id).where(said.c.id == message_id).scalar_subquery()
    waiting = update(table).where(table.c.id == talk, table.c.status == "open")
    conn.execute(waiting.values(unanswered_since=func.coalesce(table.c.unanswered_since, since)))


def _hold(conn: Connection, ids: Sequence[int]) -> None:
    """Let nobody else change these until commit; SQLite's one writer has them already."""
    if conn.dialect.name != "sqlite":
        _HOLD.run(conn, **IDS.values(conn.dialect.name, [(each,) for each in ids]))


_NEEDS_NONE = and_(decided.c.outcome == "silent", decided.c.reason != "user_owns")


def _answering(dialect: str) -> Update:
    reached = _REACHED.table(dialect)
    waits_since = (
        select(func.min(said.c.created_at))
        .outerjoin(decided, decided.c.message_id == said.c.id)
        .where(said.c.conversation_id == reached.c.conversation, said.c.direction == "in", said.c.id > reached.c.message)
        .where(or_(decided.c.outcome.is_(None), not_(_NEEDS_NONE)))
        .correlate(reached)
        .scalar_subquery()
    )
    return update(table).where(table.c.id == reached.c.conversation).values(unanswered_since=waits_since)


def _holding(dialect: str) -> Select[tuple[int]]:
    ids = IDS.table(dialect)
    return select(table.c.id).where(table.c.id == ids.c.id).order_by(table.c.id).with_for_update(of=table)


_REACHED = Given("reached", conversation=NUMBER, message=NUMBER)
_ANSWERED = Prepared(_answering)
_HOLD = Prepared(_holding)
