"""A conversation as a person reads it: who, what was said, why it was said, and from which source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from leadkeeper import clock
from leadkeeper.ai import sources
from leadkeeper.channels.base import channels
from leadkeeper.crm import inbox, lead_card, messages, order_keys, spoken
from leadkeeper.crm.inbox import Card
from leadkeeper.crm.lead_card import LeadCard
from leadkeeper.crm.spoken import Line, Spoken
from leadkeeper.queue import listing
from leadkeeper.rules import traces


@dataclass(frozen=True, slots=True)
class Window:
    """Whether free text may be sent now. `closes_at` is None where a channel has no window."""

    open: bool
    closes_at: datetime | None
    templates: bool
    media: bool


@dataclass(frozen=True, slots=True)
class Thread:
    """One page of a conversation. `sources` by draft id, `rules` (names) by rule run id; `older` ends the older page.

    By event id: `fired` (names of rules) and `jobs` (the job that decided; finished jobs are purged after a week).
    """

    conversation: Card
    lead: LeadCard
    window: Window
    messages: Sequence[Spoken]
    timeline: Sequence[Line]
    sources: Mapping[int, Sequence[Mapping[str, Any]]]
    rules: Mapping[int, str]
    older: int | None
    fired: Mapping[int, Sequence[str]]
    jobs: Mapping[int, int]


def thread(conn: Connection, conversation_id: int, before: int | None = None, limit: int = 50) -> Thread:
    """The newest messages before `before` with everything said beside them. Raises NotFound."""
    card = inbox.card(conn, conversation_id)
    shown, older = spoken.page(conn, conversation_id, before, limit)
    since = shown[0].created_at if shown and older is not None else None
    until = messages.get(conn, before).created_at if before is not None and shown else None
    events = {each.event_id for each in shown if each.event_id is not None}
    return Thread(
        conversation=card,
        lead=lead_card.card(conn, card.lead_id),
        window=window(card, clock.now()),
        messages=shown,
        timeline=spoken.lines(conn, conversation_id, since, until),
        sources=sources.cited(conn, {each.draft_id for each in shown if each.draft_id is not None}),
        rules=traces.names(conn, {each.rule_run_id for each in shown if each.rule_run_id is not None}),
        older=older,
        fired=traces.fired(conn, events),
        jobs=listing.about(conn, "decide", order_keys.of_lead(conn, card.lead_id), "eventId"),
    )


def window(card: Card, now: datetime) -> Window:
    """The channel's window of a conversation, counted from the customer's last message."""
    can = channels.get(card.channel).capabilities
    if can.window is None:
        return Window(True, None, can.templates, can.media)
    closes = card.last_inbound_at + can.window if card.last_inbound_at is not None else now - timedelta(microseconds=1)
    return Window(closes > now, closes, can.templates, can.media)
