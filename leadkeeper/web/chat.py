"""The visitor's side of the web chat: reading, the live stream, and the one line that puts it on a website.

Both readings need the token that the session's opener was given (crm/visitors.py), in the header
`X-Visitor-Token`: tokens in addresses end up in logs.
"""

import json
import zlib
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from leadkeeper.channels.storable import storable_text
from leadkeeper.crm import chat_reading, visitors
from leadkeeper.crm.chat_reading import Line, Page
from leadkeeper.errors import Forbidden, Unavailable
from leadkeeper.web import assets, chat_limits
from leadkeeper.web.access import Access
from leadkeeper.web.live import Stream
from leadkeeper.web.routes import hook

TOKEN = "x-visitor-token"  # noqa: S105 - a header's name
HIGHEST = 2**63 - 1


@hook("/api/webhooks/webchat/messages", method="GET", access=Access.WEBHOOK, name="webchat_messages")
async def webchat_messages(request: Request) -> Response:
    """Messages after `after`, oldest first, and `next`, where to go on."""
    visitor = _visitor(request)
    chat_limits.count_reading(request, visitor)
    page = await _read(request, visitor, _after(request))
    return JSONResponse({"ok": True, "messages": [_json(line) for line in page.lines], "next": page.next})


@hook("/api/webhooks/webchat/stream", method="GET", access=Access.WEBHOOK, name="webchat_stream")
async def webchat_stream(request: Request) -> Response:
    """The same, as they come: events `message` with the place as their id; resumes from `Last-Event-ID` or `after`."""
    visitor = _visitor(request)
    chat_limits.count_stream(request, visitor)
    stream = request.state.live.open(-1 - zlib.crc32(visitor.encode()), None)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(_told(request, visitor, stream), media_type="text/event-stream", headers=headers)


@hook("/chat.js", method="GET", access=Access.PUBLIC, name="chat_script")
async def chat_script(request: Request) -> Response:
    """The one line for a website: a button, and the chat in a frame. Any site may load it; CHAT_ORIGINS may show it."""
    _, files = assets.bundle()
    headers = {"cache-control": "public, max-age=600", "cross-origin-resource-policy": "cross-origin"}
    return Response(files["chat/embed.js"].body, media_type="text/javascript", headers=headers)


async def _told(request: Request, visitor: str, stream: Stream) -> AsyncIterator[str]:
    """Everything from the reader's place on, then what comes; nothing twice within one stream."""
    told: set[int] = set()
    page = await _read(request, visitor, _after(request))
    yield "retry: 2000\n\n" + _events(page, told)
    async with aclosing(request.state.live.topics(stream)) as heard:
        async for topics in heard:
            if not topics:
                yield ": beat\n\n"
            elif _concern(topics, page):
                try:
                    page = await _read(request, visitor, page.next)
                except Unavailable:
                    # Nothing is lost: the next signal, or the next connection, tells it.
                    continue
                if new := _events(page, told):
                    yield new


def _events(page: Page, told: set[int]) -> str:
    """The lines of a page that were not told yet; `told` forgets what no later page can hold."""
    new = [line for line in page.lines if line.id not in told]
    told.update(line.id for line in new)
    told.difference_update([line_id for line_id in told if line_id <= page.next])
    return "".join(f"id: {page.next}\nevent: message\ndata: {json.dumps(_json(line))}\n\n" for line in new)


def _concern(topics: frozenset[str], page: Page) -> bool:
    """True when this visitor's conversation may have changed; before there is one, any change of the inbox."""
    wanted = {f"conversation:{found}" for found in page.conversation_ids} or {"inbox"}
    return "*" in topics or bool(topics & wanted)


async def _read(request: Request, visitor: str, after: int) -> Page:
    state = request.state
    account_id = await state.site.chat_account()
    page: Page = await state.db.read(chat_reading.page, account_id, visitor, after)
    return page


def _visitor(request: Request) -> str:
    """The session of a caller who holds its token. Raises Forbidden for anybody else."""
    visitor = storable_text(request.query_params.get("sessionId", "")).strip()
    if not visitors.holds(request.state.box, visitor, request.headers.get(TOKEN, "")):
        raise Forbidden("the visitor token does not open this session")
    return visitor


def _after(request: Request) -> int:
    given = request.headers.get("last-event-id") or request.query_params.get("after", "")
    return min(int(given), HIGHEST) if given.isascii() and given.isdigit() and len(given) < 20 else 0


def _json(line: Line) -> dict[str, Any]:
    told: dict[str, Any] = {"id": line.id, "by": line.by, "text": line.text, "at": line.at.isoformat(timespec="milliseconds")}
    return {**told, "clientMessageId": line.client_id} if line.client_id else told
