"""A provider's limits as token buckets: how much may be sent at once, and how fast after that.

A bucket is one row with two moments: when it is full again, and up to when turns have been given out.
Whoever finds no token is given a turn, one after the other, and comes back then; a newcomer goes
behind the turns given out. So nobody overtakes, nobody comes back in vain, and a bucket that is full
again needs no row (docs/decisions/0020).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Update, bindparam, func, select, true, type_coerce, update
from sqlalchemy.dialects import postgresql, sqlite

from leadkeeper import clock
from leadkeeper.store.given import NUMBER, TEXT, Given
from leadkeeper.store.prepared import Prepared
from leadkeeper.store.schema import buckets as table
from leadkeeper.store.types import micros

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` at once, then one `every` so long."""

    every: timedelta
    burst: int

    @classmethod
    def per_second(cls, count: int) -> "Rate":
        """So many a second, a quarter of them at once: in no second more than five quarters."""
        return cls(timedelta(seconds=1) / count, max(1, count // 4))

    @property
    def half(self) -> "Rate":
        """Half as fast."""
        return Rate(self.every * 2, max(1, self.burst // 2))


@dataclass(frozen=True, slots=True)
class Ask:
    """What wants to go: the buckets it needs a token of, by name, and whether it has waited for its turn."""

    rates: Mapping[str, Rate]
    waited: bool = False


@dataclass(slots=True)
class Bucket:
    """A bucket while it is decided on."""

    rate: Rate
    full_at: datetime
    turns_until: datetime

    @property
    def token_at(self) -> datetime:
        """When it has a token."""
        return self.full_at - self.rate.every * (self.rate.burst - 1)

    def lets(self, ask: Ask, now: datetime) -> bool:
        """True when there is a token, and no turn of another to respect."""
        return self.token_at <= now and (ask.waited or self.turns_until <= now)

    def give_turn(self) -> datetime:
        """When the next who waits shall come: behind all who wait already."""
        self.turns_until = max(self.token_at, self.turns_until + self.rate.every)
        return self.turns_until


def take(conn: Connection, asks: Sequence[Ask]) -> list[datetime | None]:
    """Take a token of every bucket of each ask, in their order: None, it may go now; else when its turn is.

    One statement; a second one when somebody has to wait. Buckets are locked by name in order, until commit.
    """
    wanted = Counter(name for ask in asks for name in ask.rates)
    if not wanted:
        return [None for _ in asks]
    rates = {name: rate for ask in asks for name, rate in ask.rates.items()}
    costs = {name: rates[name].every * count for name, count in wanted.items()}
    now = clock.now()
    given = _COSTS.values(conn.dialect.name, [(name, costs[name] // _MICROSECOND) for name in sorted(costs)])
    rows = _TAKE.all(conn, now=micros(now), **given)
    buckets = {row.name: Bucket(rates[row.name], row.full_at - costs[row.name], row.turns_until) for row in rows}
    turns = [turn_of(ask, buckets, now) for ask in asks]
    if any(turns):
        levels = [(name, micros(each.full_at), micros(each.turns_until)) for name, each in sorted(buckets.items())]
        _SET.run(conn, **_LEVELS.values(conn.dialect.name, levels))
    return turns


def turn_of(ask: Ask, buckets: Mapping[str, Bucket], now: datetime) -> datetime | None:
    """None, and a token less in each of its buckets; or its turn, and every bucket that has none for it knows."""
    mine = [buckets[name] for name in ask.rates]
    used_up = [bucket for bucket in mine if not bucket.lets(ask, now)]
    if used_up:
        return max(bucket.give_turn() for bucket in used_up)
    for bucket in mine:
        bucket.full_at = max(bucket.full_at, now) + bucket.rate.every
    return None


def empty(conn: Connection, name: str, rate: Rate, until: datetime) -> None:
    """The provider knows better: no token before `until`, and from then on one at a time."""
    full_at = until + rate.every * (rate.burst - 1)
    cost = max(0, (full_at - clock.now()) // _MICROSECOND)
    _EMPTY.run(conn, now=micros(clock.now()), **_COSTS.values(conn.dialect.name, [(name, cost)]))


def _charging(dialect: str, *, add: bool) -> Any:
    """Charge buckets: to what they owe is added, or what they owe is raised to it."""
    costs = _COSTS.table(dialect)
    now = bindparam("now", type_=NUMBER)
    later = func.greatest if dialect == "postgresql" else func.max
    rows = select(costs.c.bucket, now + costs.c.cost, now).where(true()).order_by(costs.c.bucket)
    insert = (postgresql if dialect == "postgresql" else sqlite).insert(table)
    statement = insert.from_select(["name", "full_at", "turns_until"], rows)
    new, old = (type_coerce(column, NUMBER) for column in (statement.excluded.full_at, table.c.full_at))
    charged = later(old, now) + new - now if add else later(old, new)
    return statement.on_conflict_do_update(index_elements=["name"], set_={"full_at": charged}).returning(*table.c)


def _setting(dialect: str) -> Update:
    levels = _LEVELS.table(dialect)
    return update(table).where(table.c.name == levels.c.bucket).values(full_at=levels.c.full_at, turns_until=levels.c.turns_until)


_COSTS = Given("costs", bucket=TEXT, cost=NUMBER)
_LEVELS = Given("levels", bucket=TEXT, full_at=NUMBER, turns_until=NUMBER)
_TAKE = Prepared(lambda dialect: _charging(dialect, add=True))
_EMPTY = Prepared(lambda dialect: _charging(dialect, add=False))
_SET = Prepared(_setting)
