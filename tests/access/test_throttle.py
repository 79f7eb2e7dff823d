"""Throttling: five free, then the wait doubles to fifteen minutes; counted before, refunded after."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select

from leadkeeper import clock
from leadkeeper.access import throttle
from leadkeeper.errors import TooMany
from leadkeeper.store.database import Database
from leadkeeper.store.schema import throttles as table


@given(st.integers(0, 10_000))
def test_the_wait_is_none_for_five_and_then_grows_to_fifteen_minutes(failures: int) -> None:
    wait = throttle.wait_after(failures)

    assert (wait == timedelta(0)) == (failures < throttle.FREE)
    assert wait <= throttle.LONGEST_WAIT
    assert wait >= throttle.wait_after(max(0, failures - 1))


async def test_the_sixth_attempt_in_a_row_must_wait(db: Database) -> None:
    names = throttle.buckets("login", "sara@example.com", "192.0.2.7")
    for _ in range(throttle.FREE):
        await db.write(throttle.charge, names)

    with pytest.raises(TooMany) as error:
        await db.write(throttle.charge, names)

    assert 0 < error.value.retry_after <= throttle.FIRST_WAIT.total_seconds()


async def test_waiting_helps_and_a_further_failure_waits_longer(db: Database) -> None:
    names = throttle.buckets("login", "sara@example.com", "192.0.2.7")
    for _ in range(throttle.FREE):
        await db.write(throttle.charge, names)

    later = clock.now() + throttle.FIRST_WAIT * 1.01
    with clock.use(lambda: later):
        await db.write(throttle.charge, names)
        with pytest.raises(TooMany) as error:
            await db.write(throttle.charge, names)

    assert error.value.retry_after > throttle.FIRST_WAIT.total_seconds()


async def test_one_account_is_throttled_from_everywhere_and_one_address_for_every_account(db: Database) -> None:
    for at in range(throttle.FREE):
        await db.write(throttle.charge, throttle.buckets("login", "sara@example.com", f"192.0.2.{at}"))
        await db.write(throttle.charge, throttle.buckets("login", f"user{at}@example.com", "198.51.100.9"))

    with pytest.raises(TooMany):
        await db.write(throttle.charge, throttle.buckets("login", "sara@example.com", "203.0.113.1"))
    with pytest.raises(TooMany):
        await db.write(throttle.charge, throttle.buckets("login", "new@example.com", "198.51.100.9"))
    await db.write(throttle.charge, throttle.buckets("login", "new@example.com", "203.0.113.1"))


async def test_right_passwords_never_use_up_the_address(db: Database) -> None:
    for at in range(20):
        names = throttle.buckets("login", f"user{at}@example.com", "198.51.100.9")
        await db.write(throttle.charge, names)
        await db.write(throttle.refund, names)


async def test_a_bucket_is_forgotten_after_half_a_day(db: Database) -> None:
    names = throttle.buckets("login", "sara@example.com", "192.0.2.7")
    for _ in range(throttle.FREE - 1):
        await db.write(throttle.charge, names)

    later = clock.now() + throttle.FORGET_AFTER + timedelta(seconds=1)
    with clock.use(lambda: later):
        await db.write(throttle.charge, names)
        await db.write(throttle.charge, names)
        assert await db.write(throttle.forget_old) == 0

    def rows(conn: Connection) -> int:
        return conn.execute(select(func.count()).select_from(table)).scalar_one()

    assert await db.read(rows) == 2


def test_an_ipv6_household_counts_as_one_address() -> None:
    assert throttle.network("2001:db8:1:2:aaaa::1") == throttle.network("2001:db8:1:2:bbbb::9")
    assert throttle.network("2001:db8:1:2::1") != throttle.network("2001:db8:1:3::1")
    assert throttle.network(None) == throttle.network("no address") == "unknown"
