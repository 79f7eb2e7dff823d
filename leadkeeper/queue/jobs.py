"""A unit of work: as it is asked for, and as a worker holds it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any, NamedTuple


class Lane(IntEnum):
    """Priorities by purpose; smaller is more urgent."""

    PERSON = 0
    INBOUND = 10
    REPLY = 20
    FOLLOW_UP = 50
    BULK = 80
    HOUSEKEEPING = 90


BULK_FROM = Lane.FOLLOW_UP
"""From this lane on nobody waits for an answer: at most half of a worker's slots go to such jobs."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job to enqueue. Jobs of one `key` run one at a time in order of enqueueing."""

    type: str
    data: Mapping[str, Any]
    key: str | None = None
    priority: int = Lane.FOLLOW_UP
    run_at: datetime | None = None
    dedupe: str | None = None
    """At most one pending job of this name; a second enqueue returns the first one's id."""
    max_retries: int | None = None
    """None: what its type says, else 3."""
    scope: str | None = None


class Claimed(NamedTuple):
    """A job in the hands of this worker. `claim` is the fence every finish is checked against."""

    id: int
    type: str
    data: dict[str, Any]
    key: str | None
    priority: int
    attempts: int
    claim: int
    max_retries: int
    losses: int
    scope: str | None
    run_at: datetime
    created_at: datetime

    @property
    def bulk(self) -> bool:
        """True when nobody waits for it."""
        return self.priority >= BULK_FROM

    def urgency(self) -> tuple[int, datetime, int]:
        """The order in which claimed jobs are started."""
        return self.priority, self.run_at, self.id
