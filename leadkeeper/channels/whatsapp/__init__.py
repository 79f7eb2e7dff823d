"""WhatsApp through Meta's Cloud API.

people     who wrote: every id of a customer         webhook    challenge and signature
receive    a delivery taken apart                    parse      one event understood (contents: by type)
send       one message out (templates, errors)       media      an inbound medium fetched
graph      one call of the API                       health     do the credentials work
"""

from collections.abc import Callable
from datetime import timedelta

import httpx2

from leadkeeper.channels.base import Capabilities, Inbound, Intent, JsonObject, Received, SendResult, channels
from leadkeeper.channels.whatsapp.errors import action_of
from leadkeeper.channels.whatsapp.health import health
from leadkeeper.channels.whatsapp.parse import parse
from leadkeeper.channels.whatsapp.receive import receive
from leadkeeper.channels.whatsapp.send import TEXT_LIMIT, send
from leadkeeper.channels.whatsapp.webhook import challenge, sign, verify
from leadkeeper.crm.buckets import Rate

A_SECOND = 80
"""Messages of one number, unless Meta has raised it to 1,000; as of 2026-05."""
A_SECOND_SHARED = 20
"""Of a number that is used from the WhatsApp Business app, too ("coexistence"); Meta's "Throughput" page as of 2026-05."""
PAIR = Rate(timedelta(seconds=6), burst=45)
"""To one customer; what was sent in a burst is paid back afterwards. Meta's "Throughput" page as of 2026-05."""

__all__ = ["WhatsApp", "challenge", "health", "parse", "receive", "send", "sign", "verify"]


class WhatsApp:
    """The registered channel: its functions under the contract's names."""

    name = "whatsapp"
    capabilities = Capabilities(
        text_limit=TEXT_LIMIT,
        window=timedelta(hours=24),
        templates=True,
        receipts=True,
        media=True,
        a_second=A_SECOND,
        a_second_shared=A_SECOND_SHARED,
        pair=PAIR,
    )

    def receive(self, body: JsonObject) -> Received:
        """Take a verified delivery apart."""
        return receive(body)

    def parse(self, kind: str, payload: JsonObject) -> Inbound:
        """Understand one stored event."""
        return parse(kind, payload)

    def action_of(self, code: str | None) -> str:
        """What the provider's error code asks for."""
        return action_of(code)

    async def send(self, http: httpx2.AsyncClient, intent: Intent, still_ours: Callable[[], bool]) -> SendResult:
        """Send one message, once."""
        return await send(http, intent, still_ours)


channels.add("whatsapp", WhatsApp())
