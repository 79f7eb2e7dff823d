"""What a job can come to. Outcomes are values; `then(conn)` runs in the transaction that records them.

Done      its effects are made
Retry     this try failed; tried again after a wait until its retries are used up
Snooze    not now, not its fault: waits without using a try (sends and proactive jobs only)
Fail      will never work: `failed` at once
Cancel    no longer wanted: `cancelled`
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Together:
    """An effect that many jobs of a step share: `write(conn, items)` is called once with the items of all of them."""

    write: Callable[[Connection, Sequence[Any]], object]
    item: Any


Then = Callable[[Connection], object] | Together


@dataclass(frozen=True, slots=True)
class Done:
    """The work is done; `then` writes its last effects (message, decision, next job)."""

    then: Then | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """This try failed; `after` replaces the usual back-off."""

    reason: str
    after: timedelta | None = None
    then: Then | None = None


@dataclass(frozen=True, slots=True)
class Snooze:
    """Wait until a moment; uses no try."""

    until: datetime
    reason: str
    then: Then | None = None


@dataclass(frozen=True, slots=True)
class Fail:
    """Permanent: the job is failed at once and its type's `when_failed` runs."""

    reason: str
    then: Then | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    """No longer wanted; not a failure."""

    reason: str
    then: Then | None = None


Outcome = Done | Retry | Snooze | Fail | Cancel
