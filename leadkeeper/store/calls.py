"""A call waiting for the database, and how its caller is told."""

import asyncio
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from leadkeeper import clock


class Turn(IntEnum):
    """Whose turn it is at SQLite's one writer; smaller goes first."""

    INGEST = 0
    STEP = 1
    REST = 2


@dataclass(slots=True)
class Call:
    """One function to run inside a transaction.

    `done` is a future of an event loop or of a thread; `after` is called with the result, in the
    thread that committed, once it has; `failed` with the error that ended it.
    """

    run: Callable[..., Any]
    args: tuple[Any, ...]
    done: asyncio.Future[Any] | Future[Any] | None
    turn: Turn = Turn.REST
    after: Callable[[Any], None] | None = None
    failed: Callable[[BaseException], None] | None = None
    since: float = field(default_factory=clock.monotonic)


@dataclass(frozen=True, slots=True)
class Told:
    """What a call came to: its result, or the error it ends with."""

    call: Call
    result: Any = None
    error: BaseException | None = None


_inside = threading.local()


def inside_write() -> bool:
    """True in a thread that is running a write function just now."""
    return bool(getattr(_inside, "write", False))


def mark_inside(value: bool) -> None:
    """Remember that this thread is (no longer) inside a write function."""
    _inside.write = value


def tell(ends: Iterable[Told]) -> None:
    """Resolve the futures; one wake-up per event loop however many calls ended."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Told]] = {}
    for end in ends:
        done = end.call.done
        if end.error is None and end.call.after is not None:
            end.call.after(end.result)
        elif end.error is not None and end.call.failed is not None:
            end.call.failed(end.error)
        if isinstance(done, Future):
            _settle(done, end)
        elif done is not None:
            by_loop.setdefault(done.get_loop(), []).append(end)
    for loop, told in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle_all, told)


def _settle_all(told: list[Told]) -> None:
    for end in told:
        if end.call.done is not None:
            _settle(end.call.done, end)


def _settle(done: asyncio.Future[Any] | Future[Any], end: Told) -> None:
    if done.cancelled() or done.done():
        return
    if end.error is None:
        done.set_result(end.result)
    else:
        done.set_exception(end.error)
