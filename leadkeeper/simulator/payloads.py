"""Webhook bodies as the provider writes them. Field reference: "Webhooks > Components" of Meta's Cloud API guide."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from leadkeeper import clock
from leadkeeper.channels.whatsapp.reading import is_bsuid

if TYPE_CHECKING:
    from leadkeeper.simulator.state import SimAccount


def encode(body: Mapping[str, Any]) -> bytes:
    """JSON bytes with everything beyond ASCII, and slashes, escaped as Meta does: the signature is over these."""
    return json.dumps(body, separators=(",", ":")).replace("/", "\\/").encode()


def envelope(account: "SimAccount", *values: Mapping[str, Any], field: str = "messages") -> dict[str, Any]:
    """One delivery with an entry per value."""
    entries = [{"id": account.business_account, "changes": [{"field": field, "value": value}]} for value in values]
    return {"object": "whatsapp_business_account", "entry": entries}


def messages_value(account: "SimAccount", messages: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> dict[str, Any]:
    """A value holding inbound messages, with a contact card for each sender."""
    cards: dict[str, dict[str, Any]] = {}
    for message in messages:
        wa_id, bsuid = message.get("from"), message.get("from_user_id")
        key = str(wa_id or bsuid)
        card: dict[str, Any] = {"profile": {"name": names.get(key, "Customer")}}
        if wa_id:
            card["wa_id"] = wa_id
        if bsuid:
            card["user_id"] = bsuid
        cards[key] = card
    return {**_head(account), "contacts": list(cards.values()), "messages": list(messages)}


def statuses_value(account: "SimAccount", statuses: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A value holding statuses."""
    return {**_head(account), "statuses": list(statuses)}


def message(wamid: str, customer: str, content: Mapping[str, Any], timestamp: float | None = None) -> dict[str, Any]:
    """An inbound message: `content` is {type, <type>: {...}, ...}. `customer` is a wa_id or a BSUID."""
    seconds = int(clock.now().timestamp() if timestamp is None else timestamp)
    who = {"from_user_id": customer} if is_bsuid(customer) else {"from": customer}
    return {**who, "id": wamid, "timestamp": str(seconds), **content}


def text(body: str) -> dict[str, Any]:
    """The content of a text message."""
    return {"type": "text", "text": {"body": body}}


def status(wamid: str, word: str, recipient: str, token: str | None, fail_code: int | None = None) -> dict[str, Any]:
    """One status of a message of ours; `failed` carries an error."""
    shape: dict[str, Any] = {"id": wamid, "status": word, "timestamp": str(int(clock.now().timestamp()))}
    shape["recipient_user_id" if is_bsuid(recipient) else "recipient_id"] = recipient
    if token is not None:
        shape["biz_opaque_callback_data"] = token
    if word == "failed":
        code = fail_code or 131026
        shape["errors"] = [{"code": code, "title": "Failed", "message": "Failed", "error_data": {"details": f"simulated {code}"}}]
    elif word in ("sent", "delivered"):
        shape["pricing"] = {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "service"}
    return shape


def _head(account: "SimAccount") -> dict[str, Any]:
    metadata = {"display_phone_number": account.display_number, "phone_number_id": account.phone_number_id}
    return {"messaging_product": "whatsapp", "metadata": metadata}
