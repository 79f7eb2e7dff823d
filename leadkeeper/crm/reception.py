"""What customers wrote, into the books: who they are, their lead, their conversation, the message. Many at once.

The usual case of each step is one statement for all of them; what is unusual (two contacts that turn
out to be one, a customer somebody else has just made) is left to the function that knows one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Update, and_, bindparam, case, func, select, type_coerce, update

from leadkeeper import clock
from leadkeeper.crm import contacts, leads
from leadkeeper.errors import Conflict
from leadkeeper.store.given import IDS, NUMBER, TEXT, Given
from leadkeeper.store.prepared import Prepared, Row, among
from leadkeeper.store.schema import CLOSED_STAGES, identities
from leadkeeper.store.schema import contacts as people
from leadkeeper.store.schema import conversations as threads
from leadkeeper.store.schema import leads as chances
from leadkeeper.store.schema import messages as said
from leadkeeper.store.signals import signal
from leadkeeper.store.types import Instant, micros
from leadkeeper.store.upsert import insert_all, insert_once


@dataclass(frozen=True, slots=True)
class Sender:
    """Who wrote, as a signed payload says: (external id, kind) pairs of one account, the address to answer to first."""

    account_id: int
    channel: str
    ids: Sequence[tuple[str, str]]
    known: Mapping[str, str | None]
    referral: Mapping[str, Any] | None = None
    language: str = "en"
    lead: tuple[int, int] | None = None
    """(contact, lead) where a person has named the lead"""

    @property
    def names(self) -> list[tuple[int, str]]:
        """What identifies them."""
        return [(self.account_id, external_id) for external_id, _ in self.ids]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message belongs; `new`: the conversation began with it."""

    contact_id: int
    lead_id: int
    conversation_id: int
    new: bool


@dataclass(frozen=True, slots=True)
class Heard:
    """A stored message, for its conversation's row. `language` None: not known."""

    conversation_id: int
    occurred_at: datetime
    preview: str
    language: str | None


def places(conn: Connection, senders: Sequence[Sender]) -> list[Place]:
    """Contact, lead and open conversation of each, made where there is none.

    Raises Conflict when somebody else has made one of these customers just now: try again.
    """
    who = _contacts(conn, senders)
    of_lead = _leads(conn, senders, who)
    return _conversations(conn, senders, who, of_lead)


def store(conn: Connection, rows: Sequence[Mapping[str, Any]]) -> dict[int, int]:
    """Store messages; ids by event. A message the provider has delivered before gets none."""
    now = clock.now()
    every = [{"direction": "in", "author": "customer", "created_at": now, **row} for row in rows]
    return {row.event_id: int(row.id) for row in insert_once(conn, said, every, said.c.id, said.c.event_id)}


def heard(conn: Connection, wrote: Sequence[Heard]) -> None:
    """Count messages in their conversations, in order; one statement, unless a conversation is there twice."""
    waiting = list(wrote)
    while waiting:
        once = {each.conversation_id: each for each in reversed(waiting)}
        given = [
            (each.conversation_id, micros(each.occurred_at), each.preview[:200], each.language)
            for each in sorted(once.values(), key=lambda each: each.conversation_id)
        ]
        _HEARD.run(conn, now=clock.now(), **_WROTE.values(conn.dialect.name, given))
        waiting = [each for each in waiting if each is not once[each.conversation_id]]
    for each in wrote:
        signal(conn, "inbox", f"conversation:{each.conversation_id}")


def _contacts(conn: Connection, senders: Sequence[Sender]) -> list[tuple[int, bool]]:
    """(contact, whether it was made just now) of each."""
    given = sorted({name for sender in senders for name in sender.names})
    seen = {(row.account_id, row.external_id): row for row in _KNOWN.all(conn, **_NAMES.values(conn.dialect.name, given))}
    shared = _shared(senders)
    unknown = [not any(name in seen or name in shared for name in sender.names) for sender in senders]
    fresh = [place for place, sender in enumerate(senders) if sender.lead is None and unknown[place]]
    made = dict(zip(fresh, _make(conn, [senders[place] for place in fresh]), strict=True))
    who: list[tuple[int, bool]] = []
    for place, sender in enumerate(senders):
        if place in made:
            who.append((made[place], True))
        elif sender.lead is not None:
            who.append((sender.lead[0], False))
        else:  # known: what is new of them is filled in, and two that turn out to be one are made one
            who.append((_resolve(conn, sender, seen, shared), False))
    return who


def _resolve(conn: Connection, sender: Sender, seen: Mapping[tuple[int, str], Row], shared: set[tuple[int, str]]) -> int:
    rows = [seen[name] for name in sender.names if name in seen]
    one = len({row.contact_id for row in rows}) == 1 and len(rows) == len(sender.names)
    if one and not shared & set(sender.names) and not contacts.news(rows[0], sender.known):
        return int(rows[0].contact_id)
    return contacts.resolve(conn, sender.account_id, sender.ids, sender.known)


def _shared(senders: Sequence[Sender]) -> set[tuple[int, str]]:
    """Names that more than one of these senders has."""
    count: dict[tuple[int, str], int] = {}
    for sender in senders:
        for name in set(sender.names):
            count[name] = count.get(name, 0) + 1
    return {name for name, times in count.items() if times > 1}


def _make(conn: Connection, senders: Sequence[Sender]) -> list[int]:
    """New contacts with their identities; ids rise in the order given."""
    if not senders:
        return []
    now = clock.now()
    empty: dict[str, Any] = dict.fromkeys(contacts.FIELDS)
    rows = [{**empty, **contacts.usable(each.known), "set_by_person": [], "created_at": now} for each in senders]
    made = sorted(int(new.id) for new in insert_all(conn, people, rows, people.c.id))
    names = [
        {"contact_id": contact_id, "account_id": each.account_id, "external_id": name, "kind": kind, "created_at": now}
        for contact_id, each in zip(made, senders, strict=True)
        for name, kind in dict(each.ids).items()
    ]
    if len(insert_once(conn, identities, names, identities.c.id)) < len(names):
        raise Conflict("somebody else has made this customer just now")
    return made


def _leads(conn: Connection, senders: Sequence[Sender], who: Sequence[tuple[int, bool]]) -> list[int]:
    """The newest open lead of each, younger than 30 days, else a new one."""
    fresh = [place for place, (_, new) in enumerate(who) if new]
    rows = [leads.new_row(who[place][0], senders[place].channel, senders[place].referral) for place in fresh]
    made = dict(zip(fresh, sorted(int(new.id) for new in insert_all(conn, chances, rows, chances.c.id)), strict=True))
    known = sorted({contact_id for contact_id, new in who if not new})
    open_ones = {row.contact_id: row for row in _reused(conn, known)} if known else {}
    found: list[int] = []
    for place, (contact_id, _) in enumerate(who):
        row, named = open_ones.get(contact_id), senders[place].lead
        if place in made:
            found.append(made[place])
        elif named is not None:
            found.append(named[1])
        elif row is not None and (row.referral or not senders[place].referral):
            found.append(int(row.id))
        else:
            found.append(leads.for_contact(conn, contact_id, senders[place].channel, senders[place].referral))
    if made:
        signal(conn, "inbox")
    return found


def _reused(conn: Connection, contact_ids: Sequence[int]) -> list[Row]:
    since = clock.now() - leads.REUSED_FOR
    return _REUSED.all(conn, since=since, **IDS.values(conn.dialect.name, [(each,) for each in contact_ids]))


def _conversations(
    conn: Connection, senders: Sequence[Sender], who: Sequence[tuple[int, bool]], of_lead: Sequence[int]
) -> list[Place]:
    now = clock.now()
    every = [(contact_id, sender.account_id) for (contact_id, _), sender in zip(who, senders, strict=True)]
    address = [sender.ids[0][0] for sender in senders]
    names = ("contact_id", "account_id", "lead_id", "address", "language", "created_at")
    rows = [
        dict(zip(names, (*pair, lead, to, sender.language, now), strict=True))
        for pair, lead, to, sender in zip(every, of_lead, address, senders, strict=True)
    ]
    columns = (threads.c.id, threads.c.contact_id, threads.c.account_id)
    new = {(row.contact_id, row.account_id): int(row.id) for row in insert_once(conn, threads, rows, *columns)}
    old = [(*pair, to, lead) for pair, to, lead in zip(every, address, of_lead, strict=True) if pair not in new]
    kept = {}
    if old:
        last = list({pair[:2]: pair for pair in old}.values())  # a customer with two messages among these: the later address
        kept = {(row.contact_id, row.account_id): int(row.id) for row in _KEEP.all(conn, **_OPEN.values(conn.dialect.name, last))}
    if new:
        signal(conn, "inbox")
    begun: set[tuple[int, int]] = set()
    found: list[Place] = []
    for pair, lead in zip(every, of_lead, strict=True):
        is_new = pair in new and pair not in begun
        begun.add(pair)
        found.append(Place(pair[0], lead, new[pair] if pair in new else kept[pair], is_new))
    return found


def _knowing(dialect: str) -> Select[Any]:
    names = _NAMES.table(dialect)
    mine = and_(identities.c.account_id == names.c.account, identities.c.external_id == names.c.external)
    columns = [people.c[name] for name in (*contacts.FIELDS, "set_by_person")]
    known = select(identities.c.account_id, identities.c.external_id, identities.c.contact_id, *columns)
    return known.join(people, people.c.id == identities.c.contact_id).where(mine)


def _reusing(dialect: str) -> Select[Any]:
    ids, newest = IDS.table(dialect), chances.alias("newest")
    last = (
        select(func.max(newest.c.id))
        .where(newest.c.contact_id == ids.c.id, ~among(newest.c.stage, CLOSED_STAGES))
        .where(newest.c.created_at > bindparam("since", type_=Instant))
        .correlate(ids)
        .scalar_subquery()
    )
    return select(chances.c.id, chances.c.contact_id, chances.c.referral).select_from(ids).join(chances, chances.c.id == last)


def _keeping(dialect: str) -> Update:
    open_ones = _OPEN.table(dialect)
    mine = and_(threads.c.contact_id == open_ones.c.contact, threads.c.account_id == open_ones.c.account)
    kept = update(threads).where(mine, threads.c.status == "open").values(address=open_ones.c.address, lead_id=open_ones.c.lead)
    return kept.returning(threads.c.id, threads.c.contact_id, threads.c.account_id)


def _hearing(dialect: str) -> Update:
    wrote = _WROTE.table(dialect)
    occurred, now = type_coerce(wrote.c.occurred, Instant), bindparam("now", type_=Instant)
    return (
        update(threads)
        .where(threads.c.id == wrote.c.conversation)
        .values(
            revision=threads.c.revision + 1,
            unread=threads.c.unread + 1,
            last_inbound_at=case((threads.c.last_inbound_at > occurred, threads.c.last_inbound_at), else_=occurred),
            last_message_at=now,
            unanswered_since=func.coalesce(threads.c.unanswered_since, now),
            preview=wrote.c.preview,
            language=func.coalesce(wrote.c.language, threads.c.language),
        )
    )


_NAMES = Given("names", account=NUMBER, external=TEXT)
_OPEN = Given("open_ones", contact=NUMBER, account=NUMBER, address=TEXT, lead=NUMBER)
_WROTE = Given("wrote", conversation=NUMBER, occurred=NUMBER, preview=TEXT, language=TEXT)
_KNOWN = Prepared(_knowing)
_REUSED = Prepared(_reusing)
_KEEP = Prepared(_keeping)
_HEARD = Prepared(_hearing)
