"""One call of the Graph API, and exactly what is known of it afterwards.

Whether a request has been written decides whether it may be repeated, so it is not guessed from
the kind of exception: `_Gate` stands at the last moment before the first byte leaves. httpcore2
reports that moment through the request extension `trace` (event `send_request_headers.started`:
connected, TLS done, nothing written), our own transport (`channels/wire.py`) through `last_moment`;
transports without either (in-process ASGI) first ask for the body, where the same gate stands. An
error before the gate means known unsent; after it, unknown.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx2

from leadkeeper.channels.base import Account, JsonObject
from leadkeeper.channels.whatsapp.reading import word
from leadkeeper.crashpoints import point

VERSION = "v26.0"
"""Graph API version of accounts that name none."""

ANSWER_LIMIT_BYTES = 64 * 1024
"""Most that is read of an answer; a real one has less than 2 kB."""

_LAST_MOMENT = "send_request_headers.started"


@dataclass(frozen=True, slots=True)
class Answer:
    """The provider answered. `data` is the JSON object of the body, None when it is none (or too long)."""

    status: int
    data: JsonObject | None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unsent:
    """Nothing of the request has left this machine. `lease` is True when that was our own choice."""

    reason: str
    lease: bool = False


@dataclass(frozen=True, slots=True)
class Lost:
    """The request was written, at least in part, and no whole answer came."""

    reason: str


class _NotOurs(Exception):
    """The lease is too short for the call: stop before writing."""


class _Gate(httpx2.AsyncByteStream):
    """The body of one request, and the place where writing begins."""

    def __init__(self, body: bytes, may_write: Callable[[], bool]) -> None:
        self._body = body
        self._may_write = may_write
        self.written = False

    def open(self) -> None:
        """Called at the last moment before the first byte; raises _NotOurs when it must not leave."""
        if self.written:
            return
        if not self._may_write():
            raise _NotOurs
        self.written = True
        point("call.writing")

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Hears httpcore2's steps; a proxy's CONNECT comes first and is not the request."""
        if event.endswith(_LAST_MOMENT) and getattr(info.get("request"), "method", b"") != b"CONNECT":
            self.open()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.open()
        yield self._body


def address_of(account: Account, path: str) -> str:
    """The URL of a Graph object at this account's provider."""
    return f"{account.base_url.rstrip('/')}/{word(account.config.get('version')) or VERSION}/{path}"


def authorization(account: Account) -> dict[str, str]:
    """The header that carries the account's token: only ever for the provider's own hosts."""
    return {"Authorization": f"Bearer {account.credentials.get('token', '')}"}


def has_token(account: Account) -> bool:
    """True when the account's token can stand in a header at all: not empty, printable ASCII."""
    token = account.credentials.get("token", "")
    return bool(token) and token.isascii() and token.isprintable() and " " not in token


async def post(
    http: httpx2.AsyncClient, account: Account, path: str, payload: JsonObject, within: timedelta, may_write: Callable[[], bool]
) -> Answer | Unsent | Lost:
    """POST `payload` once. The whole call, connecting included, ends `within` that time."""
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    gate = _Gate(body, may_write)
    headers = {
        **authorization(account),
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Accept-Encoding": "identity",
    }
    seconds = within.total_seconds()
    try:
        async with asyncio.timeout(seconds):
            request = http.build_request(
                "POST",
                address_of(account, path),
                content=gate,
                headers=headers,
                timeout=seconds,
                extensions={"trace": gate.trace, "last_moment": gate.open},
            )
            return await _answer(http, request)
    except _NotOurs:
        return Unsent("the lease is too short for this call", lease=True)
    except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as error:
        reason = f"{type(error).__name__}: {error}".rstrip(": ")[:300]
        return Lost(reason) if gate.written else Unsent(reason)


async def get(
    http: httpx2.AsyncClient, account: Account, path: str, params: Mapping[str, str], within: timedelta
) -> Answer | Unsent | Lost:
    """GET a Graph object. Nothing is changed by it, so how it failed does not matter to the caller."""
    seconds = within.total_seconds()
    headers = {**authorization(account), "Accept-Encoding": "identity"}
    try:
        async with asyncio.timeout(seconds):
            request = http.build_request("GET", address_of(account, path), params=params, headers=headers, timeout=seconds)
            return await _answer(http, request)
    except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as error:
        return Lost(f"{type(error).__name__}: {error}".rstrip(": ")[:300])


async def _answer(http: httpx2.AsyncClient, request: httpx2.Request) -> Answer:
    response = await http.send(request, stream=True, follow_redirects=False)
    try:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > ANSWER_LIMIT_BYTES:
                return Answer(response.status_code, None, response.headers)
        point("call.received")
        return Answer(response.status_code, _json(bytes(body)), response.headers)
    finally:
        await response.aclose()


def _json(body: bytes) -> JsonObject | None:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None
