"""A provider made of a bare socket, for what no HTTP framework would do; and messages to send to it."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from leadkeeper.channels.base import Intent
from leadkeeper.crm.accounts import Account

TOKEN = "EAAG-token-of-the-tests"
NUMBER = "301122334455667"

Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def account(base_url: str, **more: Any) -> Account:
    """A WhatsApp account whose provider is at `base_url`."""
    credentials = {"token": TOKEN, "app_secret": "s", "verify_token": "v"}
    return Account(1, "whatsapp", NUMBER, "Desk", base_url, {}, **{"credentials": credentials, **more})


def intent(base_url: str, text: str = "Hello", **more: Any) -> Intent:
    """A text message whose sending is committed."""
    fields = {
        "message_id": 7,
        "token": "7.1",
        "account": account(base_url),
        "address": "971501234567",
        "kind": "text",
        "text": text,
    }
    return Intent(**{**fields, "timeout": timedelta(seconds=2), **more})


@dataclass
class Wire:
    """What a bare provider has seen."""

    url: str = ""
    connections: int = 0
    received: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def provider(peer: Peer) -> AsyncIterator[Wire]:
    """A listening socket whose every connection is handled by `peer`."""
    wire = Wire()
    handling: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire.connections += 1
        task = asyncio.current_task()
        assert task is not None
        handling.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await peer(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    wire.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield wire
    finally:
        server.close()
        for task in handling:
            task.cancel()
        await asyncio.gather(*handling, return_exceptions=True)


async def whole_request(reader: asyncio.StreamReader) -> bytes:
    """Head and body of one request."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
    return head + await reader.readexactly(length)


def answering(raw: bytes) -> Peer:
    """Reads the request, writes these bytes, closes."""

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await whole_request(reader)
        writer.write(raw)
        await writer.drain()

    return peer


def http(status: int, body: bytes, *headers: str) -> bytes:
    """The bytes of an HTTP answer."""
    lines = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}", "content-type: application/json", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


async def resets_after_reading(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes the request and cuts the connection hard."""
    await whole_request(reader)
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def resets_in_the_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Cuts the connection after the first byte."""
    await reader.readexactly(1)
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def never_answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes the request and says nothing until the caller is gone."""
    await whole_request(reader)
    await reader.read()


async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers a byte at a time, for ever: no single read times out."""
    await whole_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)
