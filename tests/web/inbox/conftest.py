"""A busy inbox to look at and to act in, and its rows read back."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import select

from leadkeeper.access.roles import Role
from leadkeeper.crm import inbox, lead_card
from leadkeeper.store.schema import messages, timeline
from tests.web import talks
from tests.web.conftest import Desk


@pytest.fixture
def shown(desk: Desk) -> Mapping[str, int]:
    """A busy inbox; conversation ids by what they are an example of."""
    desk.token(Role.OWNER)
    found: Mapping[str, int] = desk.db.write_now(talks.everything)
    return found


def card(desk: Desk, conversation_id: int) -> inbox.Card:
    found: inbox.Card = desk.db.read_now(inbox.card, conversation_id)
    return found


def lead(desk: Desk, conversation_id: int) -> lead_card.LeadCard:
    found: lead_card.LeadCard = desk.db.read_now(lead_card.card, card(desk, conversation_id).lead_id)
    return found


def outbound(desk: Desk, conversation_id: int) -> list[Any]:
    query = select(messages).where(messages.c.conversation_id == conversation_id, messages.c.direction == "out")
    return list(desk.db.read_now(lambda conn: conn.execute(query.order_by(messages.c.id)).fetchall()))


def kinds(desk: Desk, conversation_id: int) -> list[str]:
    query = select(timeline.c.kind).where(timeline.c.conversation_id == conversation_id).order_by(timeline.c.id)
    return list(desk.db.read_now(lambda conn: conn.execute(query).scalars().all()))


def names(page: str) -> list[str]:
    """The customers of the list, in its order."""
    return re.findall(r'<span class="card-name"><bdi>(.*?)</bdi>', page)


def form_of(page: str, path: str) -> dict[str, str]:
    """The hidden values of the form with this target."""
    form = re.search(rf'<form[^>]*action="{path}"[^>]*>(.*?)</form>', page, re.S)
    assert form is not None, path
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form.group(1)))
