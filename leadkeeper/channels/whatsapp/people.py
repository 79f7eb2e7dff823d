"""Who wrote: a phone number is no longer the identity, so every id of a payload is looked at."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from leadkeeper.channels.base import Identity, JsonObject
from leadkeeper.channels.whatsapp.reading import is_bsuid, obj, word

_NAME_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Person:
    """A customer as one payload shows them: ids, the one to answer to first; name; phone (+digits)."""

    identities: Sequence[Identity] = ()
    name: str | None = None
    phone: str | None = None
    username: str | None = None

    @property
    def key(self) -> str:
        """The id events of this customer are ordered by: the business-scoped one if given."""
        return self.identities[0].external_id if self.identities else ""


def sender_of(message: JsonObject, contact: JsonObject) -> Person:
    """The author of an inbound message or preference; of a call the customer, whoever rang."""
    side = "to" if message.get("direction") == "BUSINESS_INITIATED" else "from"
    ids = (
        message.get(f"{side}_user_id"), message.get("user_id"), contact.get("user_id"),
        message.get(side), message.get("wa_id"), contact.get("wa_id"),
        message.get(f"{side}_parent_user_id"), message.get("parent_user_id"), contact.get("parent_user_id"),
    )  # fmt: skip
    return _person(ids, contact)


def addressee_of(echo: JsonObject, contact: JsonObject, own_number: str) -> Person:
    """The customer an echo was written to. Some deliveries have both ends the wrong way round."""
    side = "from" if own_number and _digits(word(echo.get("to"))) == _digits(own_number) else "to"
    ids = (
        echo.get(f"{side}_user_id"), contact.get("user_id"), echo.get(side), contact.get("wa_id"),
        echo.get(f"{side}_parent_user_id"), contact.get("parent_user_id"),
    )  # fmt: skip
    return _person(ids, contact)


def contact_for(contacts: Sequence[JsonObject], *ids: object, alone: bool = True) -> JsonObject:
    """The contact card that goes with a message of those ids, or an empty one.

    A card of another id is never taken: two people in one delivery must not become one. A card
    that has nothing to compare goes with the message when it is the only one, and its sender is (`alone`).
    """
    wanted = {word(one) for one in ids} - {""}
    for contact in contacts:
        if wanted & {word(contact.get("wa_id")), word(contact.get("user_id"))}:
            return contact
    if alone and len(contacts) == 1 and (not wanted or _comparable(contacts[0], wanted) is False):
        return contacts[0]
    return {}


def _comparable(contact: JsonObject, wanted: set[str]) -> bool:
    kinds = {is_bsuid(one) for one in wanted}
    shown = {is_bsuid(one) for one in (word(contact.get("wa_id")), word(contact.get("user_id"))) if one}
    return bool(kinds & shown)


def identity(value: object) -> Identity | None:
    """An id with its kind: bsuid, parent_bsuid or wa_id."""
    found = word(value)
    if not found:
        return None
    if is_bsuid(found):
        return Identity(found, "parent_bsuid" if found[2:].startswith(".ENT.") else "bsuid")
    return Identity(found, "wa_id")


def phone_of(wa_id: str) -> str | None:
    """A WhatsApp id as an international number; None for a business-scoped id or a word."""
    digits = _digits(wa_id)
    return f"+{digits}" if digits and not is_bsuid(wa_id) and 5 <= len(digits) <= 20 and wa_id.lstrip("+") == digits else None


def _digits(text: str) -> str:
    return "".join(sign for sign in text if sign in "0123456789")


def _person(ids: Sequence[object], contact: JsonObject) -> Person:
    identities = tuple(_in_order(ids))
    profile = obj(contact.get("profile"))
    phones = (phone_of(one.external_id) for one in identities)
    return Person(
        identities=identities,
        name=word(profile.get("name"), _NAME_LIMIT) or None,
        phone=next((phone for phone in phones if phone), None),
        username=word(profile.get("username"), _NAME_LIMIT) or None,
    )


def _in_order(ids: Sequence[object]) -> Iterator[Identity]:
    seen: dict[str, Identity] = {}
    for value in ids:
        one = identity(value)
        if one is not None:
            seen.setdefault(one.external_id, one)
    rank = {"bsuid": 0, "wa_id": 1, "parent_bsuid": 2}
    yield from sorted(seen.values(), key=lambda one: rank[one.kind])
