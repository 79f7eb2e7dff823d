"""A message, a conversation and a lead as the API says them."""

from collections.abc import Mapping, Sequence
from typing import Any

from leadkeeper.crm.inbox import Card
from leadkeeper.crm.lead_card import LeadCard
from leadkeeper.crm.spoken import Spoken
from leadkeeper.jobs.conversation import Thread
from leadkeeper.web.json_shape import as_json

_INTERNAL_MEDIA = ("file", "providerId")


def message_json(
    message: Spoken, sources: Mapping[int, Sequence[Mapping[str, Any]]] | None = None, rules: Mapping[int, str] | None = None
) -> dict[str, Any]:
    """One message: direction, type, body, state; its decision, or the source it was answered from."""
    told: dict[str, Any] = as_json(message)
    told["type"] = told.pop("kind")
    told["media"] = media_json(message)
    if message.draft_id is not None and sources is not None:
        told["source"] = list(sources.get(message.draft_id, ()))
    if message.rule_run_id is not None and rules is not None:
        told["rule"] = rules.get(message.rule_run_id)
    return told


def media_json(message: Spoken) -> dict[str, Any] | None:
    """What came with a message; `url` once the file is here. Where it lies on our disk is nobody's business."""
    if not message.media:
        return None
    told = {name: value for name, value in message.media.items() if name not in _INTERNAL_MEDIA}
    if message.media.get("file"):
        told["url"] = f"/media/{message.id}"
    return told


def conversation_json(card: Card) -> dict[str, Any]:
    """One conversation as the list gives it; `owner` is ai, user or nobody."""
    told: dict[str, Any] = as_json(card)
    return told


def lead_json(lead: LeadCard) -> dict[str, Any]:
    """A lead with its contact's fields, and its expiries as {kind: date}."""
    told: dict[str, Any] = as_json(lead)
    told["expiries"] = {each.kind: each.expires_on.isoformat() for each in lead.expiries}
    told["expiryItems"] = as_json(lead.expiries)
    return told


def thread_json(thread: Thread) -> dict[str, Any]:
    """One page of a conversation; `next` leads to older messages."""
    return {
        "ok": True,
        "conversation": conversation_json(thread.conversation) | {"window": as_json(thread.window)},
        "lead": lead_json(thread.lead),
        "messages": [message_json(each, thread.sources, thread.rules) for each in thread.messages],
        "timeline": as_json(thread.timeline),
        "next": thread.older,
    }
