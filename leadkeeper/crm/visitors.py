"""Visitors of the web chat: who opened a session gets the token that reads it."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, select

from leadkeeper import clock
from leadkeeper.secretbox import SecretBox
from leadkeeper.store.schema import chat_visitors as table
from leadkeeper.store.upsert import insert_once

PURPOSE = "webchat visitor"
GRACE = timedelta(minutes=2)
"""A first answer may be lost on its way: within this time the session's opener is told the token again."""


@dataclass(frozen=True, slots=True)
class Entering:
    """Somebody writes as `visitor`, perhaps with the token they were given."""

    account_id: int
    visitor: str
    token: str


def enter(conn: Connection, box: SecretBox, entering: Entering) -> str:
    """The session's token for who opened it or holds it; an empty text for anybody else."""
    token = box.sign(PURPOSE, entering.visitor)
    now = clock.now()
    row = {"account_id": entering.account_id, "visitor": entering.visitor, "created_at": now}
    if insert_once(conn, table, [row], table.c.id):
        return token
    if holds(box, entering.visitor, entering.token):
        return token
    opened = conn.execute(select(table.c.created_at).where(table.c.visitor == entering.visitor)).scalar_one()
    return token if now - opened < GRACE else ""


def holds(box: SecretBox, visitor: str, token: str) -> bool:
    """True when `token` reads this visitor's conversation."""
    return bool(visitor) and box.signed(PURPOSE, visitor, token)
