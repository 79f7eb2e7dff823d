"""Waiting for what must come: as long as a busy machine needs, and no longer than it takes."""

import asyncio
from collections.abc import Callable

from leadkeeper import clock

PATIENCE_SECONDS = 60.0


async def until(true: Callable[[], bool]) -> None:
    """Wait until it is so. Raises AssertionError when it does not become so."""
    end = clock.monotonic() + PATIENCE_SECONDS
    while not true():
        assert clock.monotonic() < end, "it never happened"
        await asyncio.sleep(0.01)
