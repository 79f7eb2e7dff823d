"""WhatsApp Cloud API: one stored event understood. Pure and total."""

import re
from typing import Any

from leadkeeper.channels.base import Identity, Inbound, JsonObject
from leadkeeper.channels.whatsapp.contents import Content, content_of
from leadkeeper.channels.whatsapp.people import Person, addressee_of, identity, phone_of, sender_of
from leadkeeper.channels.whatsapp.reading import BSUID, listed, obj, prose, word

_MOVES = frozenset({"user_changed_number", "customer_changed_number", "user_changed_user_id"})
_ID = rf"(?:\+?\d{{5,20}}|{BSUID.pattern})"
_MOVED_TAIL = re.compile(rf" changed from ({_ID}) to ({_ID})\s*$")
"""The end of the provider's sentence; the customer's own name, which may say anything, stands before it."""

_REACTION_LIMIT = 32


def parse(kind: str, payload: JsonObject) -> Inbound:
    """Understand one event as `receive` made it.

    `Inbound.kind` is a message kind (text, image, video, document, sticker, audio, location, contacts,
    order, button, button_reply, list_reply, form, interactive, unsupported, unknown), or echo,
    edit, revoke, reaction, moved, preferences, nameless, notice. `unknown` is a customer's message of a
    type we do not know, `nameless` one that does not say whose it is; what is not a customer's message
    at all comes as `notice`, also where we do not know its field.
    """
    message, contact = obj(payload.get("message")), obj(payload.get("contact"))
    if kind == "echo":
        return _echo(message, addressee_of(message, contact, word(payload.get("own_number"))))
    person = sender_of(message, contact)
    if kind == "message":
        return _said(message, person)
    if kind == "reaction":
        return _reaction(message, person)
    if kind in ("edit", "revoke"):
        return _change(kind, message, person)
    if kind == "system":
        return _system(message, person)
    if kind == "unknown" and message and payload.get("field") == "messages":
        return Inbound("nameless", content_of(message).text, person.identities, answerable=False)
    return _notice(payload, message, person, contact)


def _said(message: JsonObject, person: Person) -> Inbound:
    content = content_of(message)
    details = {**content.details, **_context(message), **_who(person)}
    group = word(message.get("group_id"))
    if group:
        details["group"] = group
    referral = obj(message.get("referral"))
    return Inbound(
        kind=content.kind,
        text=content.text,
        identities=person.identities,
        name=person.name,
        phone=person.phone or _shared_phone(content),
        answerable=content.answerable and not group,
        media=content.media,
        reply_to=word(obj(message.get("context")).get("id"), 300) or None,
        referral=dict(referral) if referral else None,
        details=details,
    )


def _shared_phone(content: Content) -> str | None:
    """The customer's own number, sent when we asked for it."""
    digits = re.sub(r"[^0-9]", "", content.phone or "")
    return phone_of(digits) if digits else None


def _context(message: JsonObject) -> dict[str, Any]:
    context = obj(message.get("context"))
    product = obj(context.get("referred_product"))
    details: dict[str, Any] = {name: True for name in ("forwarded", "frequently_forwarded") if context.get(name) is True}
    if product:
        details["product"] = dict(product)
    return details


def _who(person: Person) -> dict[str, Any]:
    return {"username": person.username} if person.username else {}


def _reaction(message: JsonObject, person: Person) -> Inbound:
    """An emoji put on a message; an empty or absent one takes it away (`reaction` is None then)."""
    reaction = obj(message.get("reaction"))
    emoji = prose(reaction.get("emoji"), _REACTION_LIMIT).strip()
    return Inbound(
        kind="reaction",
        text="",
        identities=person.identities,
        name=person.name,
        phone=person.phone,
        answerable=False,
        target=word(reaction.get("message_id"), 300) or None,
        reaction=emoji or None,
    )


def _change(kind: str, message: JsonObject, person: Person) -> Inbound:
    part = obj(message.get(kind))
    content = content_of(obj(part.get("message"))) if kind == "edit" else Content(kind)
    return Inbound(
        kind=kind,
        text=content.text,
        identities=person.identities,
        name=person.name,
        phone=person.phone,
        answerable=content.answerable,
        media=content.media,
        target=word(part.get("original_message_id"), 300) or None,
        details={**content.details, "type": content.kind} if kind == "edit" else {},
    )


def _echo(message: JsonObject, person: Person) -> Inbound:
    """What the business itself wrote, from the phone app. `details["act"]` is edit, revoke or reaction for those."""
    act = word(message.get("type"), 32)
    part = obj(message.get(act))
    details: dict[str, Any] = {}
    target = None
    content = content_of(message)
    if act in ("edit", "revoke", "reaction"):
        content = content_of(obj(part.get("message"))) if act == "edit" else Content(act)
        target = word(part.get("original_message_id"), 300) or word(part.get("message_id"), 300) or None
        details["act"] = act
    return Inbound(
        kind="echo",
        text=content.text,
        identities=person.identities,
        name=person.name,
        phone=person.phone,
        answerable=False,
        media=content.media,
        reply_to=word(obj(message.get("context")).get("id"), 300) or None,
        target=target,
        reaction=prose(part.get("emoji"), _REACTION_LIMIT).strip() or None,
        details={**content.details, **details, "type": content.kind},
    )


def _system(message: JsonObject, person: Person) -> Inbound:
    """The customer's number or id changed: `identities` are the new ones, `moved_from` the old ones."""
    system = obj(message.get("system"))
    body = prose(system.get("body"), 2_000)
    kind = word(system.get("type"), 64)
    old, told = _moved(system, body, person) if kind in _MOVES else ((), ())
    fresh = [one for one in (identity(value) for value in told) if one is not None and one.external_id not in old]
    if not fresh or not old:
        return Inbound("notice", body, person.identities, person.name, person.phone, answerable=False, details={"notice": kind})
    phones = (phone_of(one.external_id) for one in fresh)
    return Inbound(
        kind="moved",
        text=body,
        identities=_ordered(fresh),
        name=person.name,
        phone=next((phone for phone in phones if phone), None),
        answerable=False,
        moved_from=old,
        details={"notice": kind},
    )


def _moved(system: JsonObject, body: str, person: Person) -> tuple[tuple[str, ...], tuple[object, ...]]:
    """Old ids, and the new ones the payload names."""
    tail = _MOVED_TAIL.search(body)
    old_word, new_word = (tail.group(1).lstrip("+"), tail.group(2).lstrip("+")) if tail else ("", "")
    names = ("user_id", "wa_id", "new_wa_id", "parent_user_id")
    new: tuple[object, ...] = (*(system.get(name) for name in names), new_word)
    named = {word(value) for value in new}
    old = [word(system.get(name)) for name in ("previous_user_id", "previous_wa_id", "customer")] + [old_word]
    own = [one.external_id for one in person.identities if one.kind != "parent_bsuid"]
    if word(system.get("type")) == "user_changed_user_id" and any(old):
        new += tuple(own)  # the number has not changed
    else:
        old += own
    return tuple(dict.fromkeys(one for one in old if one and one not in named)), new


def _ordered(found: list[Identity]) -> tuple[Identity, ...]:
    rank = {"bsuid": 0, "wa_id": 1, "parent_bsuid": 2}
    unique = {one.external_id: one for one in found}
    return tuple(sorted(unique.values(), key=lambda one: rank[one.kind]))


def _notice(payload: JsonObject, message: JsonObject, person: Person, contact: JsonObject) -> Inbound:
    """Nothing a customer said. What they chose about marketing messages comes as `preferences`."""
    value = obj(payload.get("value"))
    details: dict[str, Any] = {"notice": word(message.get("type"), 32) or word(payload.get("field"), 64)}
    preference = next(listed(value.get("user_preferences")), None)
    call = next(listed(value.get("calls")), None)
    if preference is not None:
        person = sender_of(preference, contact)
        marketing = word(preference.get("category"), 64) == "marketing_messages"
        details["marketing" if marketing else "value"] = word(preference.get("value"), 32)
    elif call is not None:
        person = sender_of(call, contact)
        details |= {"event": word(call.get("event"), 32), "direction": word(call.get("direction"), 32)}
    elif value:
        details["value"] = dict(value)
    if details["notice"] == "message_template_status_update":
        details["template"] = word(value.get("message_template_name"), 200)
        details["templateStatus"] = word(value.get("event"), 16).lower()
    return Inbound(
        kind="preferences" if preference is not None else "notice",
        text=_alarm(details["notice"], value),
        identities=person.identities,
        name=person.name,
        phone=person.phone,
        answerable=False,
        details=details,
    )


def _alarm(field: str, value: JsonObject) -> str:
    """What the account's card shows of a notice that may stop the business; empty for all others."""
    if field not in ("account_update", "account_alerts", "phone_number_quality_update", "security"):
        return ""
    return f"{field}: {word(value.get('event'), 64) or word(value.get('alert_type'), 64) or 'see the provider'}"
