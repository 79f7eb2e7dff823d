"""WhatsApp Cloud API, what comes in: every entry x change x message x status of a delivery.

Payload reference: "Webhooks > Components" in Meta's Cloud API guide. Kinds of events made here:

message    something a customer wrote or sent, also of a type we do not know
reaction   an emoji on a message, or its removal
edit, revoke   the customer changed or deleted a message
echo       what the business wrote from the phone app: a person's reply
system     the customer's number or id changed
notice     nothing to answer: errors, templates, quality, account, preferences, calls, history
unknown    a field or shape we do not know; kept, never answered
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from leadkeeper.channels.base import Event, JsonObject, Received, Status
from leadkeeper.channels.storable import storable, storable_text
from leadkeeper.channels.whatsapp.people import Person, addressee_of, contact_for, sender_of
from leadkeeper.channels.whatsapp.reading import digest, fitting, listed, moment, obj, prose, word

OBJECT = "whatsapp_business_account"
OWN_KINDS = {"reaction": "reaction", "edit": "edit", "revoke": "revoke", "system": "system", "request_welcome": "notice"}
"""Message types whose event is not a `message`."""

NOTICE_FIELDS = frozenset({
    "account_alerts", "account_review_update", "account_settings_update", "account_update", "business_capability_update",
    "business_status_update", "business_username_update", "calls", "flows", "history", "message_template_components_update",
    "message_template_quality_update", "message_template_status_update", "messaging_handovers", "payment_configuration_update",
    "phone_number_name_update", "phone_number_quality_update", "security", "smb_app_state_sync", "standby",
    "template_category_update", "template_correct_category_detection", "tracking_events", "user_id_update", "user_preferences",
    "group_lifecycle_update", "group_participants_update", "group_settings_update", "group_status_update",
})  # fmt: skip
"""Fields we know and never answer."""

_STATUS_LIMIT = 16
_TOKEN_LIMIT = 64


@dataclass(slots=True)
class _Change:
    """One change of one entry, with what all its parts share."""

    field: str
    value: JsonObject
    account: str
    numbered: bool
    entry: JsonObject
    contacts: list[JsonObject]
    own_number: str


@dataclass(slots=True)
class _Found:
    events: list[Event] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def receive(body: object) -> Received:
    """Take a verified delivery apart. Pure and total: whatever `body` is, nothing is raised.

    `Event.account` is the phone_number_id; notices about the whole business account carry its id
    (the entry's), for they name no number. External ids are the provider's where it gives one,
    else a digest of the content, so that a redelivery is recognised.
    """
    found = _Found()
    clean = storable(body)
    if not isinstance(clean, Mapping) or clean.get("object") != OBJECT:
        found.notes.append(f"not a {OBJECT} delivery")
        return Received(notes=found.notes)
    for entry in listed(clean.get("entry")):
        for change in listed(entry.get("changes")):
            _take(_change(entry, change), found)
    if not (found.events or found.statuses or found.notes):
        found.notes.append("holds no change")
    return Received(found.events, found.statuses, found.notes)


def _change(entry: JsonObject, change: JsonObject) -> _Change:
    value = obj(change.get("value"))
    metadata = obj(value.get("metadata"))
    return _Change(
        field=word(change.get("field")),
        value=value,
        account=word(metadata.get("phone_number_id")) or word(entry.get("id")),
        numbered=bool(word(metadata.get("phone_number_id"))),
        entry=entry,
        contacts=list(listed(value.get("contacts"))),
        own_number=word(metadata.get("display_phone_number")),
    )


def _take(change: _Change, found: _Found) -> None:
    known = False
    if change.field == "messages":
        known = _messages(change, found)
    elif change.field == "smb_message_echoes":
        known = _echoes(change, found)
    elif change.field == "user_preferences":
        known = _people_notices(change, "user_preferences", found)
    elif change.field == "calls":
        known = _people_notices(change, "calls", found) | _statuses_as_notices(change, found)
    if known:
        return
    if change.field in NOTICE_FIELDS:
        found.events.append(_notice(change, "notice", _summary(change)))
        return
    found.notes.append(f"not understood: field {change.field[:64] or '(none)'}")
    found.events.append(_notice(change, "unknown", change.value))


def _messages(change: _Change, found: _Found) -> bool:
    before = len(found.events), len(found.statuses)
    messages = list(listed(change.value.get("messages")))
    alone = len({(word(each.get("from_user_id")), word(each.get("from"))) for each in messages}) < 2
    for message in messages:
        found.events.append(_message(change, message, found, alone))
    for status in listed(change.value.get("statuses")):
        found.statuses.append(_status(change, status))
    for error in listed(change.value.get("errors")):
        found.events.append(_notice(change, "notice", {"errors": [error]}))
    return (len(found.events), len(found.statuses)) != before


def _message(change: _Change, message: JsonObject, found: _Found, alone: bool) -> Event:
    contact = contact_for(change.contacts, message.get("from_user_id"), message.get("from"), alone=alone)
    kind_word = word(message.get("type"))
    person = sender_of(message, contact)
    kind = OWN_KINDS.get(kind_word, "message")
    sender = person.key
    if kind == "system":
        sender = _moving(message) or sender
    if not sender:
        kind = "unknown"
        found.notes.append("a message without any sender")
    return _event(change, kind, message, contact, sender)


def _moving(message: JsonObject) -> str:
    """The id a customer who moves was known by: what they wrote under it is worked off before the move."""
    system = obj(message.get("system"))
    former = [system.get(name) for name in ("previous_user_id", "previous_wa_id", "customer")]
    if word(system.get("type")) != "user_changed_user_id":
        former.append(message.get("from"))
    new = [system.get(name) for name in ("user_id", "wa_id", "new_wa_id")]
    return next((word(each) for each in (*former, *new) if word(each)), "")


def _echoes(change: _Change, found: _Found) -> bool:
    before = len(found.events)
    for echo in listed(change.value.get("message_echoes")):
        contact = contact_for(change.contacts, echo.get("to_user_id"), echo.get("to"), echo.get("from"))
        person: Person = addressee_of(echo, contact, change.own_number)
        event = _event(change, "echo" if person.key else "unknown", echo, contact, person.key)
        found.events.append(event)
    return len(found.events) != before


def _people_notices(change: _Change, name: str, found: _Found) -> bool:
    before = len(found.events)
    for item in listed(change.value.get(name)):
        contact = contact_for(change.contacts, item.get("user_id"), item.get("wa_id"), item.get("from"), item.get("to"))
        person = sender_of(item, contact)
        payload = {"field": change.field, "value": {name: [item]}, "contact": contact}
        key = digest(change.account, change.field, item)
        found.events.append(
            Event(change.account, key, "notice", person.key, payload, moment(item.get("timestamp")) or _entry_time(change))
        )
    return len(found.events) != before


def _statuses_as_notices(change: _Change, found: _Found) -> bool:
    before = len(found.events)
    for status in listed(change.value.get("statuses")):
        found.events.append(_notice(change, "notice", {"statuses": [status]}))
    return len(found.events) != before


def _event(change: _Change, kind: str, message: JsonObject, contact: JsonObject, sender: str) -> Event:
    payload: dict[str, Any] = {"field": change.field, "message": message}
    if contact:
        payload["contact"] = contact
    if change.own_number:
        payload["own_number"] = change.own_number
    return Event(change.account, _external_id(change, message), kind, sender, payload, moment(message.get("timestamp")))


def _external_id(change: _Change, message: JsonObject) -> str:
    given = word(message.get("id"), 4_096)
    if not given:
        return digest(change.account, change.field, message)
    part = obj(message.get(word(message.get("type"))))
    if given in (part.get("original_message_id"), part.get("message_id")):
        return digest(change.account, given, message)  # an edit that carries the edited message's own id
    return fitting(given)


def _notice(change: _Change, kind: str, value: JsonObject) -> Event:
    key = digest(change.account, change.entry.get("id"), change.entry.get("time"), change.field, change.value, value)
    occurred_at = moment(change.value.get("timestamp")) or _entry_time(change)
    return Event(change.account, key, kind, "", {"field": change.field, "value": value}, occurred_at, whole=not change.numbered)


def _summary(change: _Change) -> JsonObject:
    """What is kept of a notice. A history import may hold months of old messages: those stay in the raw delivery."""
    if change.field != "history":
        return change.value
    chunks = [obj(chunk.get("metadata")) for chunk in listed(change.value.get("history"))]
    return {"history": [dict(chunk) for chunk in chunks], "messages": sum(1 for _ in listed(change.value.get("messages")))}


def _status(change: _Change, status: JsonObject) -> Status:
    error = next(listed(status.get("errors")), {})
    details = prose(obj(error.get("error_data")).get("details")) or prose(error.get("message")) or prose(error.get("title"))
    token = word(status.get("biz_opaque_callback_data"), _TOKEN_LIMIT + 1)
    return Status(
        account=change.account,
        external_id=fitting(word(status.get("id"), 4_096)) or digest(change.account, status),
        token=token if 0 < len(token) <= _TOKEN_LIMIT else None,
        status=word(status.get("status")).lower()[:_STATUS_LIMIT] or "unknown",
        occurred_at=moment(status.get("timestamp")),
        error_code=word(error.get("code"), 32) or None,
        error=storable_text(details, 500) or None,
    )


def _entry_time(change: _Change) -> Any:
    return moment(change.entry.get("time"))
