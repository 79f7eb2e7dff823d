"""What must hold after any outage that killed none of our processes: everything decided, nothing twice, no try used up."""

from collections.abc import Iterator

from sqlalchemy import Connection, func, select

from leadkeeper.cli.faults import judge
from leadkeeper.cli.faults.journal import Journal
from leadkeeper.crm.messages import IN_DOUBT, RANK
from leadkeeper.store.prepared import Row
from leadkeeper.store.schema import conversations, decisions, inbound_events, jobs, messages


def wrong(conn: Connection, journal: Journal) -> list[str]:
    """Everything that is not as it must be once the work is done; every message was a question that can be answered."""
    return [*judge.unsound(conn), *_undecided(conn, journal), *_repeated(journal), *_misjudged(conn, journal), *_failed(conn)]


def in_doubt(conn: Connection) -> int:
    """Sends of which nobody knows what became of them: true, shown to a person, and no fault."""
    return int(conn.execute(select(func.count()).where(messages.c.state.in_(IN_DOUBT))).scalar_one())


def _undecided(conn: Connection, journal: Journal) -> Iterator[str]:
    query = select(inbound_events.c.external_id, decisions.c.outcome, decisions.c.reason).outerjoin(
        decisions, decisions.c.event_id == inbound_events.c.id
    )
    ended = {row.external_id: row for row in conn.execute(query)}
    for wamid in journal.posted:
        if wamid not in ended:
            yield f"lost: {wamid}, acknowledged: {wamid in journal.acknowledged}"
        elif ended[wamid].outcome != "answered":
            yield f"{wamid} ended as {ended[wamid].outcome}: {ended[wamid].reason}"


def _repeated(journal: Journal) -> Iterator[str]:
    yield from (f"attempt {token} was called {calls} times" for token, calls in journal.calls.items() if calls > 1)
    for sender, tokens in journal.reached.items():
        if len(tokens) > 1:
            yield f"the customer {sender} got {tokens}"


def _misjudged(conn: Connection, journal: Journal) -> Iterator[str]:
    rows = select(messages.c.id, messages.c.state, messages.c.token, messages.c.reason, conversations.c.address)
    joined = rows.join(conversations, conversations.c.id == messages.c.conversation_id)
    for row in conn.execute(joined.where(messages.c.direction == "out")):
        yield from _of_message(row, journal)


def _of_message(row: Row, journal: Journal) -> Iterator[str]:
    taken = journal.taken[row.token] if row.token else 0
    if row.state not in ((*RANK, *IN_DOUBT) if taken else IN_DOUBT):
        yield f"message {row.id} is {row.state} ({row.reason}), and was taken {taken} times"


def _failed(conn: Connection) -> Iterator[str]:
    rows = select(jobs.c.id, jobs.c.type, jobs.c.status, jobs.c.error).where(jobs.c.status != "completed", jobs.c.attempts > 1)
    yield from (f"job {row.id} ({row.type}) is {row.status} and has used tries: {row.error}" for row in conn.execute(rows))
