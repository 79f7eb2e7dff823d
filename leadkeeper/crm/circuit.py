"""When an account rests because its provider does not answer: the rules, without a database.

    closed --(MOST failures in a row)--> open --(the rest is over)--> a trial --(it fails)--> open, twice as long
       ^                                  |                             |
       \\---------------------------------+---- whatever is answered ---/

Closed without a failure is no circuit at all: None. Open, nothing is sent; then one message goes as a
trial, and the others wait for its end, or until a trial nobody heard the end of is given up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from leadkeeper.store.types import EPOCH, micros_of, moment_of

MOST = 5
"""Failures in a row after which nothing more is sent for a while."""
MEMORY = timedelta(minutes=10)
"""A failure that lies longer back than this is not of the same row."""
FIRST_REST, LONGEST_REST = timedelta(seconds=5), timedelta(minutes=5)
"""How long it rests: doubled by every trial that fails."""
TRIAL = timedelta(seconds=30)
"""How long the others wait for the end of a trial at most: longer than any call takes."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A send ended without anything good of its provider. `spread`, about 1, keeps accounts from coming back together."""

    message_id: int
    spread: float = 1.0


@dataclass(frozen=True, slots=True)
class Answered:
    """The provider answered something, be it a refusal."""


@dataclass(frozen=True, slots=True)
class Begun:
    """The rest is over and this message goes as the trial."""

    message_id: int


@dataclass(frozen=True, slots=True)
class Hurried:
    """A person does not want to wait for the end of the rest."""


Event = Failed | Answered | Begun | Hurried


@dataclass(frozen=True, slots=True)
class Circuit:
    """`failures` in a row, the last one at `failed_at`. Open since `opened_at`, for the `openings`th time in a row;
    nothing goes before `until`. `trial` is the message whose end is awaited."""

    failures: int
    failed_at: datetime
    opened_at: datetime | None = None
    openings: int = 0
    until: datetime | None = None
    trial: int | None = None

    @property
    def is_open(self) -> bool:
        """True from the opening until something is answered."""
        return self.opened_at is not None

    def rests_until(self, now: datetime) -> datetime | None:
        """Until when nothing may go; None when something may."""
        return self.until if self.until is not None and self.until > now else None

    def as_json(self) -> dict[str, int | None]:
        """As it is kept with its account; moments in microseconds."""
        moments = {"failedAt": self.failed_at, "openedAt": self.opened_at, "until": self.until}
        counts = {"failures": self.failures, "openings": self.openings, "trial": self.trial}
        return {**counts, **{name: micros_of(moment) for name, moment in moments.items()}}


def of_json(kept: Mapping[str, Any] | None) -> Circuit | None:
    """What `as_json` made."""
    if kept is None:
        return None
    failed_at = EPOCH + timedelta(microseconds=kept["failedAt"])
    opened_at, until = moment_of(kept["openedAt"]), moment_of(kept["until"])
    return Circuit(kept["failures"], failed_at, opened_at, kept["openings"], until, kept["trial"])


def after(circuit: Circuit | None, event: Event, now: datetime) -> Circuit | None:
    """What becomes of an account's circuit. What comes at the wrong time changes nothing."""
    match event:
        case Answered():
            return None
        case Failed(message_id, spread):
            return _failed(circuit, message_id, spread, now)
        case Begun(message_id) if circuit is not None and circuit.is_open and circuit.rests_until(now) is None:
            return replace(circuit, trial=message_id, until=now + TRIAL)
        case Hurried() if circuit is not None and circuit.is_open:
            return replace(circuit, trial=None, until=now, openings=0)
        case _:
            return circuit


def _failed(circuit: Circuit | None, message_id: int, spread: float, now: datetime) -> Circuit:
    """Only the trial's failure counts while it is open: the others began before."""
    if circuit is None or (not circuit.is_open and now - circuit.failed_at > MEMORY):
        return Circuit(1, now)
    if circuit.is_open and circuit.trial != message_id:
        return circuit
    counted = replace(circuit, failures=circuit.failures + 1, failed_at=now)
    if counted.failures < MOST:
        return counted
    openings = circuit.openings + 1
    rest = min(LONGEST_REST, FIRST_REST * 2 ** min(openings - 1, 20))
    return replace(counted, opened_at=circuit.opened_at or now, openings=openings, until=now + rest * spread, trial=None)
