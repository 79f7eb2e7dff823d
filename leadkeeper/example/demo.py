"""`make demo`: the example with its history, and customers who write while you watch."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

from sqlalchemy import Connection, select

from leadkeeper.config import Settings
from leadkeeper.crm import conversations, simulated
from leadkeeper.errors import NotFound, Unavailable
from leadkeeper.example import business, history, load
from leadkeeper.knowledge import documents
from leadkeeper.knowledge.index import SearchIndex
from leadkeeper.secretbox import SecretBox
from leadkeeper.store import schema
from leadkeeper.store.database import Database

Say = Callable[[str, str, str], Awaitable[None]]
"""(wa_id, name, text): a customer writes on their phone."""

PAUSE_SECONDS = (4.0, 16.0)
"""Shortest and longest wait between two messages."""
LOOK_SECONDS = 0.2
LOOKS = 300
"""A minute for indexing; a stopped worker must not keep the customers from writing."""


async def start(db: Database, settings: Settings, box: SecretBox, say: Say, pause: tuple[float, float] = PAUSE_SECONDS) -> None:
    """Load the example, tell its history once its documents are indexed, then write for ever.

    Runs until it is cancelled, or until the demo data is cleared.
    """
    await db.write(load.load, box)
    index = SearchIndex()
    for _ in range(LOOKS):
        if await db.read(_indexed):
            break
        await asyncio.sleep(LOOK_SECONDS)
    await db.read(index.refresh)
    await db.write(history.write, index, settings)
    await write_for_ever(db, say, pause, Random())


async def write_for_ever(db: Database, say: Say, pause: tuple[float, float], dice: Random) -> None:
    """One customer after the other asks something; ends when the example is gone."""
    asked = business.read("asked.json")
    while await db.read(load.loaded):
        busy = await db.read(_with_persons)
        waiting = [person for person in business.people() if person.wa_id not in busy]
        if len(waiting) * 2 < len(business.people()):
            await db.write(_colleague)
        person = dice.choice(waiting or business.people())
        roll = dice.random()
        lists = asked[person.language] if roll < 0.85 else asked["unknown" if roll < 0.94 else "person"][person.language]
        try:
            await say(person.wa_id, person.name, dice.choice(lists))
        except NotFound:
            return  # cleared between two looks
        except Unavailable:
            # The next customer tries again: a demo must not end because a disk was full for a moment.
            await asyncio.sleep(LOOK_SECONDS)
        await asyncio.sleep(dice.uniform(*pause))


def _with_persons(conn: Connection) -> set[str]:
    """Whose conversation a person answers: they wait, so that most of what is seen is answered at once."""
    table = schema.conversations
    handed_over = table.c.account_id.in_(simulated.ids(conn)) & (table.c.owner != "ai")
    return set(conn.execute(select(table.c.address).where(handed_over)).scalars())


def _colleague(conn: Connection) -> None:
    """A colleague has looked at whoever waited longest and gives the conversation back."""
    table = schema.conversations
    mine = table.c.account_id.in_(simulated.ids(conn)) & (table.c.owner == "nobody") & (table.c.status == "open")
    longest = conn.execute(select(table.c.id).where(mine).order_by(table.c.last_inbound_at, table.c.id).limit(1)).scalar()
    if longest is not None:
        conversations.give_back(conn, longest, None)


def _indexed(conn: Connection) -> bool:
    return all(document.state != "queued" for document in documents.list_all(conn))
