"""What every channel is made of: pure readers of what comes in, one sender of what goes out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import httpx2

from leadkeeper.crm.accounts import Account
from leadkeeper.crm.buckets import Rate
from leadkeeper.registry import Registry

__all__ = [
    "Accepted",
    "Account",
    "Capabilities",
    "Channel",
    "Event",
    "Identity",
    "Inbound",
    "Intent",
    "JsonObject",
    "Media",
    "Received",
    "Refused",
    "Rejected",
    "SendResult",
    "Status",
    "Unknown",
    "channels",
]

JsonObject = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing a provider delivered, as it is stored before the 200.

    `account` is the provider's id of our side (phone_number_id; notices about a `whole` business
    account carry that account's id instead, and concern each of its numbers); `sender` the customer
    concerned, empty where there is none: all events of one sender are worked off in order. `payload` is
    this event's own part of the delivery with the contact it came with: enough for `parse`, without the
    raw body.
    """

    account: str
    external_id: str
    kind: str
    sender: str
    payload: JsonObject
    occurred_at: datetime | None
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """What a provider says became of a message of ours."""

    account: str
    external_id: str
    token: str | None
    status: str
    occurred_at: datetime | None
    error_code: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A delivery taken apart. `notes` says what was not understood; nothing here ever raises."""

    events: Sequence[Event] = ()
    statuses: Sequence[Status] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Identity:
    """An id a provider knows a customer by."""

    external_id: str
    kind: str


@dataclass(frozen=True, slots=True)
class Media:
    """A medium of an inbound message, before its bytes are fetched."""

    provider_id: str | None
    mime_type: str | None
    sha256: str | None = None
    filename: str | None = None
    url: str | None = None
    voice: bool = False


@dataclass(frozen=True, slots=True)
class Inbound:
    """An event understood. `kind` is a message kind (text, image, ..., unknown), or echo, edit, revoke,
    reaction, moved (the customer's id or number changed), preferences (`details["marketing"]` is
    stop or resume), nameless (a customer's message that does not say whose), notice (nothing a customer said).

    `answerable` is False where no answer may be written from the text alone (voice note, image
    without caption, unsupported); `identities` lists every id of this customer in this payload,
    the address to answer to first.
    """

    kind: str
    text: str
    identities: Sequence[Identity]
    name: str | None = None
    phone: str | None = None
    email: str | None = None
    answerable: bool = True
    media: Media | None = None
    reply_to: str | None = None
    target: str | None = None
    """external id of the message an edit, revoke or reaction is about"""
    reaction: str | None = None
    moved_from: Sequence[str] = ()
    referral: JsonObject | None = None
    token: str | None = None
    """of an echo: our own token, where the provider returns it"""
    details: JsonObject = field(default_factory=dict)
    """what the console shows beside the text: place, contact cards, order, button payload"""


@dataclass(frozen=True, slots=True)
class Intent:
    """A message whose sending is committed. `token` travels with it and comes back in statuses."""

    message_id: int
    token: str
    account: Account
    address: str
    kind: str
    text: str
    template: JsonObject | None = None
    media: JsonObject | None = None
    reply_to: str | None = None
    purpose: str = "reply"
    timeout: timedelta = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took the message and named it."""

    provider_id: str
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Known unsent and worth another try: refused before it left, rate limit, transient error code.

    `counts` is False for a snooze (uses no try). `scope` says what has to wait with it: message, pair
    (everything to this recipient), account, or proactive (the account's proactive messages). `down`: the
    provider could not be reached, or said itself that it does not work.
    """

    reason: str
    counts: bool = True
    after: timedelta | None = None
    scope: str = "message"
    code: str | None = None
    down: bool = False


@dataclass(frozen=True, slots=True)
class Rejected:
    """The provider will never take this message. `action`: fail, halt (the whole account), opt_out, hand_over,
    or another way: template (the window is closed: the rule's template), language (of the template),
    link (text with the medium's link), phone (the number instead of the business-scoped id). `asked`: the
    provider said so itself; what cannot be sent at all never gets that far."""

    code: str
    reason: str
    action: str = "fail"
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request was written and there is no clear answer: a status or a person settles it."""

    reason: str


SendResult = Accepted | Refused | Rejected | Unknown


@dataclass(frozen=True, slots=True)
class Health:
    """What a live check of an account's credentials came to. `reason` says what is wrong.

    `throughput` is how many messages a second its provider takes from it, 0 where it does not say.
    """

    ok: bool
    name: str = ""
    address: str = ""
    quality: str = ""
    code: str | None = None
    reason: str = ""
    throughput: int = 0


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a channel can do. `window` is how long after the customer's last message free text may be sent.

    `a_second` is how many messages an account may send a second unless it says otherwise (its `throughput`),
    `a_second_shared` how many at most where the business uses it from the provider's own app as well,
    `pair` how fast one recipient may be written to; None: no limit.
    """

    text_limit: int
    window: timedelta | None
    templates: bool
    receipts: bool
    media: bool
    a_second: int | None = None
    a_second_shared: int | None = None
    pair: Rate | None = None


class Channel(Protocol):
    """One provider. `receive` and `parse` are pure and total: they never raise on any input."""

    name: str
    capabilities: Capabilities

    def receive(self, body: JsonObject) -> Received:
        """Take a verified delivery apart."""

    def parse(self, kind: str, payload: JsonObject) -> Inbound:
        """Understand one stored event."""

    def action_of(self, code: str | None) -> str:
        """What the failure of a message with this code asks for, as `Rejected.action`; `fail` for codes unknown."""

    async def send(self, http: httpx2.AsyncClient, intent: Intent, still_ours: Callable[[], bool]) -> SendResult:
        """Send one message. Calls `still_ours` immediately before writing the request; when it
        answers False nothing is sent and `Refused` with reason `lease` is returned."""


channels: Registry[Channel] = Registry("channel", "leadkeeper.channels")
