"""How fast visitors may write: per address and per visitor, counted in this process.

The library is loaded at the first visit: it brings clients of other databases with it and would make
every start slower.
"""

from functools import cache
from typing import TYPE_CHECKING

from starlette.requests import Request

from leadkeeper import clock
from leadkeeper.errors import TooMany

if TYPE_CHECKING:
    from limits.strategies import RateLimiter

PER_ADDRESS = 60
PER_VISITOR = 20
READS_PER_ADDRESS = 600
READS_PER_VISITOR = 120
STREAMS_PER_ADDRESS = 120
STREAMS_PER_VISITOR = 30
"""Times a minute, each."""


def count(request: Request, visitor: str) -> None:
    """Count one message. Raises TooMany, saying how long to wait."""
    _count(request, visitor, "write", PER_ADDRESS, PER_VISITOR)


def count_reading(request: Request, visitor: str) -> None:
    """Count one reading of the messages. Raises TooMany."""
    _count(request, visitor, "read", READS_PER_ADDRESS, READS_PER_VISITOR)


def count_stream(request: Request, visitor: str) -> None:
    """Count one opening of a stream. Raises TooMany."""
    _count(request, visitor, "stream", STREAMS_PER_ADDRESS, STREAMS_PER_VISITOR)


def _count(request: Request, visitor: str, act: str, per_address: int, per_visitor: int) -> None:
    from limits import RateLimitItemPerMinute

    address = request.client.host if request.client else "unknown"
    for most, kind, name in ((per_address, "address", address), (per_visitor, "visitor", visitor)):
        limit = RateLimitItemPerMinute(most)
        if not _limiter().hit(limit, "webchat", act, kind, name):
            window = _limiter().get_window_stats(limit, "webchat", act, kind, name)
            wait = max(1.0, window.reset_time - clock.now().timestamp())
            raise TooMany("You are writing very fast. Please wait a moment.", wait)


@cache
def _limiter() -> "RateLimiter":
    from limits.storage import MemoryStorage
    from limits.strategies import SlidingWindowCounterRateLimiter

    return SlidingWindowCounterRateLimiter(MemoryStorage())
