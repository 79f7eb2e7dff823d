"""How much a caller may send: counted while it comes in, whatever Content-Length says."""

from starlette.requests import Request
from starlette.types import Message, Receive, Scope

from leadkeeper.errors import TooLarge

LIMIT = 1_000_000
"""Bytes of a body where the route names no other limit."""

_KEY = "leadkeeper.body_limit"


def limited(scope: Scope, receive: Receive) -> Receive:
    """`receive`, raising TooLarge as soon as the body is over the limit in force."""
    scope[_KEY] = LIMIT
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > scope[_KEY]:
                raise TooLarge(f"The body is larger than {scope[_KEY]} bytes.")
        return message

    return counted


def allow(request: Request, limit: int) -> None:
    """Set this route's limit. Raises TooLarge at once when Content-Length is over it."""
    request.scope[_KEY] = limit
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise TooLarge(f"The body is larger than {limit} bytes.")
