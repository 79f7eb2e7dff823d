"""Do the rows and the world outside tell the same story? Used after every death."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, NullPool, Row, create_engine, select, text

from leadkeeper.cli.faults.journal import Journal
from leadkeeper.cli.faults.stories import ANSWERED, STORIES
from leadkeeper.crm.audit import audit
from leadkeeper.crm.messages import RANK
from leadkeeper.store.address import parse_url
from leadkeeper.store.schema import conversations, decisions, inbound_events, messages

R = TypeVar("R")


class Court:
    """Reads any database of one engine, compiling nothing that was compiled before the fork.

    An engine of the product would be another one in every process, and forget its statements with it.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._engine = create_engine(parse_url(url), poolclass=NullPool, creator=self._open)

    def judge(self, url: str, read: Callable[[Connection], R]) -> R:
        """What `read` finds on one snapshot of the database at `url`."""
        self._url = url
        with self._engine.connect() as conn:
            return read(conn)

    def _open(self) -> Any:
        url = parse_url(self._url)
        if url.get_backend_name() == "sqlite":
            return sqlite3.connect(str(url.database))
        import psycopg

        return psycopg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False))


def note_what_is_found(conn: Connection, journal: Journal) -> None:
    """Write down which messages stand in `sending` now that nobody is alive."""
    for token in conn.execute(select(messages.c.token).where(messages.c.state == "sending")).scalars():
        if token not in journal.found:
            journal.find(str(token))


def others_connected(conn: Connection) -> int:
    """How many connections of the dead the PostgreSQL server has not noticed yet; 0 on SQLite."""
    if conn.dialect.name == "sqlite":
        return 0
    others = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    return int(conn.execute(text(others)).scalar_one())


def unsound(conn: Connection) -> list[str]:
    """What the audit says, which may be asked of any database at any moment, also of one just killed."""
    return [f"audit: {one.name} {one.of} {one.ids}" for one in audit(conn).findings if one.count]


def wrong(conn: Connection, journal: Journal) -> list[str]:
    """Everything that is not as it must be once the work is done."""
    return [*unsound(conn), *_undecided(conn, journal), *_repeated(conn, journal), *_misjudged(conn, journal)]


def _undecided(conn: Connection, journal: Journal) -> Iterator[str]:
    """Messages that were posted, and so are stored, must have been decided as their story says."""
    query = select(inbound_events.c.external_id, decisions.c.outcome).outerjoin(
        decisions, decisions.c.event_id == inbound_events.c.id
    )
    outcomes = {row.external_id: row.outcome for row in conn.execute(query)}
    doubted = {row.address for row in _outbound(conn) if row.token in journal.found}
    for wamid, post in journal.posted.items():
        if wamid not in outcomes:
            yield f"lost: {wamid} was {'acknowledged' if wamid in journal.acknowledged else 'posted again'} and is not stored"
        elif outcomes[wamid] == ANSWERED and post["sender"] in doubted:
            continue  # nobody knows whether the answer arrived: that is for a person to settle
        elif outcomes[wamid] not in STORIES[post["story"]].outcomes:
            yield f"{post['story']}: the message {wamid} ended as {outcomes[wamid]}"


def _repeated(conn: Connection, journal: Journal) -> Iterator[str]:
    """No token is used for two calls; an attempt follows another only if that one was refused; nobody is told twice."""
    yield from (f"called {calls} times: attempt {token}" for token, calls in journal.calls.items() if calls > 1)
    for row in _outbound(conn):
        for attempt in range(1, row.attempt):
            came = journal.sends.get(f"{row.id}.{attempt}", {}).get("outcome", "nobody knows")
            if came != "error":
                yield f"sent again: message {row.id}, though of attempt {attempt} is known: {came}"
    for sender, story in {post["sender"]: post["story"] for post in journal.posted.values()}.items():
        if len(journal.reached[sender]) > STORIES[story].most:
            yield f"{story}: the customer {sender} got {journal.reached[sender]}"


def _misjudged(conn: Connection, journal: Journal) -> Iterator[str]:
    """Every message says of itself what is known of its last attempt, neither more nor less.

    One behind a message in doubt waits for it, half a minute.
    """
    doubted: set[str] = set()
    for row in _outbound(conn):
        expected = _expected(row, journal)
        if row.state == "ready" and row.address in doubted:
            continue
        if row.token in journal.found:
            doubted.add(row.address)
        if row.state not in expected:
            yield f"message {row.id} ({row.address}) is {row.state}, not {' or '.join(expected)}: {row.reason}"


def _expected(row: Row[Any], journal: Journal) -> tuple[str, ...]:
    if row.token in journal.reported:
        return ("delivered",)
    if row.token in journal.reporting:
        return ("delivered", *_known(row, journal))
    return _known(row, journal)


def _known(row: Row[Any], journal: Journal) -> tuple[str, ...]:
    """What follows from the last call alone."""
    came = journal.sends.get(row.token or "", {}).get("outcome", "")
    if row.token in journal.found:
        return ("unknown",)
    if came == "answer":
        return tuple(RANK)
    if came == "error":
        return ("failed",)
    return ("unknown",) if came else ("cancelled",)


def _outbound(conn: Connection) -> Sequence[Any]:
    columns = (messages.c.id, messages.c.state, messages.c.attempt, messages.c.token, messages.c.reason, conversations.c.address)
    query = select(*columns).join(conversations, conversations.c.id == messages.c.conversation_id)
    return conn.execute(query.where(messages.c.direction == "out").order_by(messages.c.id)).fetchall()
