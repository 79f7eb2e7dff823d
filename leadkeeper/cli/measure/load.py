"""Customers who write: signed webhooks, posted by a crowd or at a steady rate. Bounded in number, loopback only."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from starlette.types import ASGIApp, Message

from leadkeeper import clock
from leadkeeper.channels.whatsapp.webhook import HEADER, sign
from leadkeeper.errors import Unavailable
from leadkeeper.simulator import payloads
from leadkeeper.simulator.posting import Post, SocketPost
from leadkeeper.simulator.state import SimAccount

PATH = "/api/webhooks/whatsapp"
QUESTION = "Where is your office?"
_PREFIXES = count(1000)


@dataclass(frozen=True, slots=True)
class Webhook:
    """One signed delivery of one message."""

    sender: str
    body: bytes
    signature: str


@dataclass(frozen=True, slots=True)
class Posted:
    """When it left (seconds since 1970) and how long the 200 took."""

    sender: str
    at: float
    milliseconds: float


def webhooks(account: SimAccount, number: int, text: str = QUESTION) -> list[Webhook]:
    """As many messages of as many senders who have never written before."""
    prefix = f"97150{next(_PREFIXES)}"
    return [_webhook(account, f"{prefix}{each:05}", text) for each in range(number)]


def _webhook(account: SimAccount, sender: str, text: str) -> Webhook:
    message = payloads.message(f"wamid.{uuid.uuid4().hex}", sender, payloads.text(text))
    body = payloads.encode(payloads.envelope(account, payloads.messages_value(account, [message], {sender: "Customer"})))
    return Webhook(sender, body, sign(account.app_secret.encode(), body))


async def crowd(post: Post, address: str | Sequence[str], wanted: Sequence[Webhook], together: int) -> list[Posted]:
    """Post all of them, so many at a time, each caller to the next of several addresses.

    Raises Unavailable for the first that is not answered 200.
    """
    waiting, done = iter(wanted), []
    addresses = [address] if isinstance(address, str) else address

    async def one(caller: int) -> None:
        for webhook in waiting:
            done.append(await _posted(post, addresses[caller % len(addresses)], webhook))

    await asyncio.gather(*(one(caller) for caller in range(together)))
    return done


async def steady(post: Post, address: str, wanted: Sequence[Webhook], a_second: float) -> list[Posted]:
    """Post one after the other at this rate, whether or not the last has been answered: a slow answer is not hidden."""
    began, posting = clock.monotonic(), []
    for number, webhook in enumerate(wanted):
        await asyncio.sleep(max(0.0, began + number / a_second - clock.monotonic()))
        posting.append(asyncio.create_task(_posted(post, address, webhook)))
    return await asyncio.gather(*posting)


async def until_taken(address: str, webhook: Webhook) -> None:
    """Post it again and again until it is answered 200. Raises TimeoutError after 60 s."""
    post = SocketPost()
    try:
        async with asyncio.timeout(60):
            while True:
                try:
                    await _posted(post, address, webhook)
                    return
                except Unavailable:
                    await asyncio.sleep(0.02)
    finally:
        await post.close()


async def _posted(post: Post, address: str, webhook: Webhook) -> Posted:
    at, began = clock.now().timestamp(), clock.monotonic()
    status = await post(address + PATH, webhook.body, {HEADER: webhook.signature, "content-type": "application/json"})
    if status != 200:
        raise Unavailable(f"a webhook was answered {status or 'by nobody'}")
    return Posted(webhook.sender, at, (clock.monotonic() - began) * 1000)


def into(app: ASGIApp) -> Post:
    """Posts into an application in this process, at the cost of the application alone."""

    async def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
        answers: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            answers.append(message)

        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await app({**_SCOPE, "headers": [*raw, (b"content-length", str(len(body)).encode())]}, receive, send)
        return int(answers[0]["status"])

    return post


_SCOPE = {
    "type": "http",
    "asgi": {"version": "3.0"},
    "http_version": "1.1",
    "method": "POST",
    "scheme": "http",
    "path": PATH,
    "raw_path": PATH.encode(),
    "query_string": b"",
    "root_path": "",
    "client": ("127.0.0.1", 40_000),
    "server": ("127.0.0.1", 8_000),
}
