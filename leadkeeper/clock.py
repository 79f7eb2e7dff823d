"""The only place that reads time.

Everything stored is an aware UTC datetime with microseconds. Tests replace the source with
`use()`; a PostgreSQL installation anchors it to the server's time with `anchor()`, so that
machines whose clocks differ agree on what is due.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

__all__ = ["FAR", "anchor", "iso", "monotonic", "now", "sleep_until_tick", "use", "use_monotonic"]

FAR = datetime(9999, 1, 1, tzinfo=UTC)
"""The run time of a job that is parked: its account is halted."""

_source: Callable[[], datetime] | None = None
_ticks: Callable[[], float] = time.monotonic
_offset = timedelta(0)


def now() -> datetime:
    """This moment, in UTC."""
    if _source is not None:
        return _source()
    return datetime.now(UTC) + _offset


def iso(at: datetime) -> str:
    """A moment as our JSON says it: UTC, to the millisecond: 2026-11-23T09:00:00.000Z."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def monotonic() -> float:
    """Seconds of a clock that never jumps; only differences mean something."""
    return _ticks()


def anchor(server_now: datetime) -> None:
    """Follow the database server's clock, which says `server_now` just now."""
    global _offset
    _offset = server_now - datetime.now(UTC)


def sleep_until_tick(seconds: float) -> None:
    """Block this thread for `seconds`: for supervisors and probes, never for handlers."""
    time.sleep(seconds)


@contextmanager
def use(source: Callable[[], datetime]) -> Iterator[None]:
    """Read time from `source` inside the block (tests, rule trials)."""
    global _source
    before, _source = _source, source
    try:
        yield
    finally:
        _source = before


@contextmanager
def use_monotonic(source: Callable[[], float]) -> Iterator[None]:
    """Read the monotonic clock from `source` inside the block (tests)."""
    global _ticks
    before, _ticks = _ticks, source
    try:
        yield
    finally:
        _ticks = before
