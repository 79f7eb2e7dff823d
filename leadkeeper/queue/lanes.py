"""Which lanes have work, and where each begins: the first thing a claim asks.

A full look skips through the index, one look-up a lane. On PostgreSQL it walks over every job that was
taken since the oldest snapshot anybody holds (a dump, a forgotten session): they lie before all others, and
cannot be cleared away. Where a look takes long for it, the next ones begin at a `Horizon`, and only what has
come in before that, out of order, waits for the next full look.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, SmallInteger, func, select, tuple_, type_coerce

from leadkeeper import clock
from leadkeeper.queue.jobs import Lane
from leadkeeper.queue.rows import ready
from leadkeeper.store.given import NUMBER, Given
from leadkeeper.store.prepared import Prepared, Row
from leadkeeper.store.schema import jobs
from leadkeeper.store.types import Instant, micros

SLOW_SECONDS = 0.01
"""A full look that takes longer than this is not taken at every claim ..."""
RESTS = 20
"""... but after so many times what it took, a twentieth of the time at most; ..."""
LONGEST_SECONDS = 5.0
"""... and after this in any case: a process that stood still in the middle of a look has not had a slow one."""
MARGIN = timedelta(seconds=1)
"""What was enqueued by a clock a little behind, or committed a little later, lies behind the horizon all the same."""


@dataclass(frozen=True, slots=True)
class Horizon:
    """No job of lane n is ready and due before `since[n]`, as far as is known `until` then (monotonic seconds)."""

    since: Mapping[int, datetime]
    until: float

    def reaching(self, moment: datetime) -> "Horizon":
        """The same from `moment` on, in every lane."""
        return replace(self, since={lane: min(since, moment) for lane, since in self.since.items()})

    def seen(self, lanes: Sequence[Row], now: datetime) -> "Horizon":
        """The next one, after a look at `now`."""
        first = {int(lane.priority): lane.run_at for lane in lanes}
        every = self.since.keys() | first.keys()
        return replace(self, since={lane: min(first.get(lane, now), now) - MARGIN for lane in every})


def look(conn: Connection, horizon: Horizon | None, now: datetime) -> tuple[Sequence[Row], Horizon | None]:
    """(lane and first run time of each lane with work, the horizon of the next look).

    The most urgent lane comes first. Without a horizon, or when its time is over, everything is looked at.
    """
    began = clock.monotonic()
    if horizon is not None and began < horizon.until:
        rows = [(lane, micros(since)) for lane, since in horizon.since.items()]
        lanes = [lane for lane in _KNOWN.all(conn, **_SINCE.values(conn.dialect.name, rows)) if lane.run_at is not None]
    else:
        lanes = list(_LANES.all(conn))
        ended = clock.monotonic()
        took = ended - began
        until = ended + min(LONGEST_SECONDS, RESTS * took)
        horizon = Horizon({int(lane): now for lane in Lane}, until) if took > SLOW_SECONDS else None
    lanes.sort(key=lambda lane: int(lane.priority))
    return lanes, horizon.seen(lanes, now) if horizon is not None else None


def _lanes() -> Select[Any]:
    first, later, earliest = jobs.alias("first"), jobs.alias("later"), jobs.alias("earliest")
    lanes = select(func.min(first.c.priority, type_=SmallInteger).label("priority")).where(ready(first))
    walk = lanes.cte("lanes", recursive=True)
    following = select(func.min(later.c.priority)).where(ready(later), later.c.priority > walk.c.priority).scalar_subquery()
    walk = walk.union_all(select(following).where(walk.c.priority.is_not(None)))
    of_lane = select(earliest.c.run_at).where(ready(earliest), earliest.c.priority == walk.c.priority)
    run_at = of_lane.order_by(earliest.c.run_at).limit(1).scalar_subquery()
    return select(walk.c.priority, run_at.label("run_at")).where(walk.c.priority.is_not(None))


def _known(dialect: str) -> Select[Any]:
    """The first from its horizon on of each lane given; null for a lane without.

    Pairs are compared, not the priority alone: else PostgreSQL may walk all lanes in the order of run time.
    """
    given, earliest = _SINCE.table(dialect), jobs.alias("earliest")
    pair = tuple_(earliest.c.priority, earliest.c.run_at)
    from_there = pair >= tuple_(given.c.priority, type_coerce(given.c.since, Instant))
    of_lane = select(earliest.c.run_at).where(ready(earliest), from_there, earliest.c.priority <= given.c.priority)
    run_at = of_lane.order_by(earliest.c.priority, earliest.c.run_at).limit(1).scalar_subquery()
    return select(given.c.priority, run_at.label("run_at"))


_SINCE = Given("horizon", priority=NUMBER, since=NUMBER)
_LANES = Prepared(_lanes())
_KNOWN = Prepared(_known)
