"""Sessions: only a hash is stored, they end on time, they can be ended."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import Connection, select

from leadkeeper import clock
from leadkeeper.access import sessions, users
from leadkeeper.access.roles import Role
from leadkeeper.store.database import Database
from leadkeeper.store.schema import sessions as table


@contextmanager
def later(by: timedelta) -> Iterator[None]:
    moment = clock.now() + by
    with clock.use(lambda: moment):
        yield


def begin(conn: Connection, replaces: str | None = None) -> str:
    user = users.listed(conn)[0] if users.anyone(conn) else users.add(conn, "sara@example.com", "Sara", Role.OWNER, "hash")
    return sessions.begin(conn, user.id, "192.0.2.7", "Firefox", replaces)


async def test_the_id_has_256_bits_and_is_not_in_the_database(db: Database) -> None:
    token = await db.write(begin)

    rows = await db.read(lambda conn: [tuple(row) for row in conn.execute(select(table))])

    assert len(token) >= 43
    assert token not in repr(rows)
    assert (await db.read(sessions.find, token)) is not None


async def test_a_log_in_ends_the_session_it_replaces(db: Database) -> None:
    first = await db.write(begin)

    second = await db.write(begin, first)

    assert await db.read(sessions.find, first) is None
    assert await db.read(sessions.find, second) is not None


async def test_a_session_ends_twelve_hours_after_it_was_last_seen(db: Database) -> None:
    token = await db.write(begin)
    found = await db.read(sessions.find, token)
    assert found is not None

    with later(timedelta(hours=11)):
        assert await db.read(sessions.find, token) is not None
        await db.write(sessions.seen, found.id)
    with later(timedelta(hours=22)):
        assert await db.read(sessions.find, token) is not None
    with later(timedelta(hours=24)):
        assert await db.read(sessions.find, token) is None


async def test_a_session_ends_after_fourteen_days_however_busy(db: Database) -> None:
    token = await db.write(begin)
    found = await db.read(sessions.find, token)
    assert found is not None

    for hours in range(0, 14 * 24, 11):
        with later(timedelta(hours=hours)):
            assert await db.read(sessions.find, token) is not None
            await db.write(sessions.seen, found.id)

    with later(timedelta(days=14, seconds=1)):
        assert await db.read(sessions.find, token) is None


async def test_last_seen_is_due_at_most_once_a_minute(db: Database) -> None:
    token = await db.write(begin)
    found = await db.read(sessions.find, token)
    assert found is not None

    assert not sessions.stale(found)
    with later(timedelta(seconds=61)):
        assert sessions.stale(found)


async def test_of_many_requests_after_a_minute_one_writes_last_seen(db: Database) -> None:
    token = await db.write(begin)
    found = await db.read(sessions.find, token)
    assert found is not None

    with later(timedelta(seconds=61)):
        first = await db.write(sessions.seen, found.id)
    with later(timedelta(seconds=62)):
        second = await db.write(sessions.seen, found.id)

    assert (first, second) == (True, False)


async def test_one_device_can_be_logged_out_and_only_by_its_owner(db: Database) -> None:
    token = await db.write(begin)
    session = await db.read(sessions.find, token)
    assert session is not None

    assert not await db.write(sessions.revoke, session.user_id + 1, session.id)
    assert await db.write(sessions.revoke, session.user_id, session.id)

    assert await db.read(sessions.find, token) is None
    assert await db.read(sessions.of_user, session.user_id) == []


async def test_ended_sessions_are_forgotten_and_live_ones_kept(db: Database) -> None:
    ended, alive = await db.write(begin), await db.write(begin)
    await db.write(sessions.end, ended)

    gone = await db.write(sessions.forget_old, clock.now() + timedelta(minutes=1))

    assert gone == 1
    assert await db.read(sessions.find, alive) is not None
