"""Statements compiled once mean on both engines what they mean to SQLAlchemy."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, bindparam, exc, select, update

from leadkeeper.crm import accounts
from leadkeeper.queue.enqueue import enqueue_all
from leadkeeper.queue.jobs import Job
from leadkeeper.store.database import Database
from leadkeeper.store.given import NUMBER, TEXT, Given
from leadkeeper.store.prepared import Prepared, among
from leadkeeper.store.savepoint import Savepoint
from leadkeeper.store.schema import inbound_events, jobs, reply_drafts, settings, webhook_deliveries
from leadkeeper.store.upsert import change_row, insert_all, insert_once, upsert

ONE = Prepared(select(jobs).where(jobs.c.id == bindparam("id")))
PENDING = Prepared(select(jobs.c.id).where(among(jobs.c.status, ("pending", "failed"))).order_by(jobs.c.id))
AT = datetime(2026, 11, 24, 12, tzinfo=UTC)


ODD = ["", "null", "NULL", "{}", "a,b", 'say "hi"', "back\\slash", "\\", '\\"', " two\nlines\t", "سلام 🌙", "\u2003", "\x7f"]


def two(conn: Connection) -> list[int]:
    return enqueue_all(conn, [Job("noop", {"n": 1, "text": "سلام"}, key="k", run_at=AT), Job("noop", {})])


async def test_a_row_comes_with_the_types_of_its_columns(db: Database) -> None:
    first, _ = await db.write(two)

    row = await db.read(ONE.first, id=first)
    plain = await db.read(lambda conn: conn.execute(select(jobs).where(jobs.c.id == first)).one())

    assert row is not None
    assert tuple(row) == tuple(plain)
    assert (row.data, row.run_at, row.head, row.dedupe) == ({"n": 1, "text": "سلام"}, AT, True, None)


async def test_nothing_found_is_none_and_what_must_be_there_is_missed(db: Database) -> None:
    assert await db.read(ONE.first, id=4711) is None
    assert await db.read(ONE.scalar, id=4711) is None
    with pytest.raises(LookupError):
        await db.read(ONE.one, id=4711)


async def test_constant_words_are_part_of_the_text(db: Database) -> None:
    ids = await db.write(two)

    assert await db.read(PENDING.scalars) == sorted(ids)


@pytest.mark.parametrize("values", [{}, {"id": 1, "more": 2}, {"other": 1}])
async def test_every_parameter_must_be_given_and_no_other(db: Database, values: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="wanted"):
        await db.read(ONE.first, **values)


async def test_a_text_that_changes_its_length_is_refused(db: Database) -> None:
    listed = Prepared(select(jobs.c.id).where(jobs.c.id.in_([1, 2])))

    with pytest.raises(TypeError, match="table"):
        await db.read(listed.all)


async def test_a_given_table_takes_any_number_of_rows(db: Database) -> None:
    given = Given("wanted", id=NUMBER, label=TEXT)

    def named(dialect: str) -> Any:
        wanted = given.table(dialect)
        return select(jobs.c.id, wanted.c.label).where(jobs.c.id == wanted.c.id).order_by(jobs.c.id)

    by_name, ids = Prepared(named), sorted(await db.write(two))
    for rows in ([], [(ids[0], "a")], [(ids[1], None), (ids[0], 'it\'s "b"')]):
        values = given.values(db.dialect, rows)

        found = await db.read(by_name.all, **values)

        assert [tuple(row) for row in found] == sorted(rows)


async def test_many_rows_are_inserted_in_order_and_a_repeat_is_skipped(db: Database) -> None:
    rows = [{"name": f"s{n}", "value": {"n": n}, "updated_at": AT} for n in range(3)]

    def write(conn: Connection) -> tuple[list[str], list[str]]:
        first = insert_once(conn, settings, rows[:2], settings.c.name)
        again = insert_once(conn, settings, rows, settings.c.name)
        return [row.name for row in first], [row.name for row in again]

    assert await db.write(write) == (["s0", "s1"], ["s2"])
    stored = await db.read(lambda conn: conn.execute(select(settings.c.value).order_by(settings.c.name)).scalars().all())
    assert stored == [{"n": 0}, {"n": 1}, {"n": 2}]


async def test_whatever_is_written_in_a_list_of_texts_arrives_as_it_was(db: Database) -> None:
    given = Given("said", place=NUMBER, text=TEXT)
    said = Prepared(lambda dialect: select(given.table(dialect).c.text).order_by(given.table(dialect).c.place))

    found = await db.read(said.scalars, **given.values(db.dialect, list(enumerate([*ODD, None]))))

    assert found == [*ODD, None]


async def test_values_of_every_kind_arrive_as_they_were_when_many_rows_are_one_statement(db: Database) -> None:
    values = [None, True, -1.5, "null", ODD, {"said": ODD, "none": None}]
    bodies = [bytes(range(256)), b"", b'{"a": "\\"}']

    def write(conn: Connection) -> None:
        insert_all(conn, settings, [{"name": f"s{n}", "value": value, "updated_at": AT} for n, value in enumerate(values)])
        counted = {"channel": "c", "received_at": AT}
        insert_all(conn, webhook_deliveries, [{"body": body, "events": n, **counted} for n, body in enumerate(bodies)])
        account = accounts.ensure(conn, "whatsapp", "1", "Shop")
        insert_all(conn, inbound_events, [{**event(account, name), "payload": {"n": name}} for name in "ab"])

    await db.write(write)

    assert await db.read(lambda conn: list(conn.execute(select(settings.c.value).order_by("name")).scalars())) == values
    stored = await db.read(lambda conn: list(conn.execute(select(webhook_deliveries).order_by("events"))))
    assert [(row.body, row.received_at) for row in stored] == [(body, AT) for body in bodies]
    events = await db.read(lambda conn: list(conn.execute(select(inbound_events).order_by("external_id"))))
    assert [(row.payload, row.delivery_id, row.occurred_at) for row in events] == [({"n": "a"}, None, AT), ({"n": "b"}, None, AT)]


async def test_rows_of_which_some_were_there_already_come_back_as_the_new_ones_alone(db: Database) -> None:
    def write(conn: Connection) -> list[list[tuple[int, str]]]:
        account = accounts.ensure(conn, "whatsapp", "1", "Shop")
        told = []
        for names in ("ab", "bcad", "abcd", "efg"):
            rows = [event(account, name) for name in names]
            new = insert_once(conn, inbound_events, rows, inbound_events.c.id, inbound_events.c.external_id)
            told.append(sorted((row.id, row.external_id) for row in new))
        return told

    told = await db.write(write)

    stored = await db.read(lambda conn: conn.execute(select(inbound_events.c.id, inbound_events.c.external_id)).all())
    assert [[name for _, name in new] for new in told] == [["a", "b"], ["c", "d"], [], ["e", "f", "g"]]
    assert sorted(tuple(row) for row in stored) == [each for new in told for each in new]


def event(account: int, name: str) -> dict[str, Any]:
    row = {"account_id": account, "external_id": name, "delivery_id": None, "kind": "message", "sender": "s", "payload": {}}
    return {**row, "occurred_at": AT, "received_at": AT}


async def test_a_row_is_put_in_or_changed(db: Database) -> None:
    for value in (1, 2):
        await db.write(upsert, settings, {"name": "s", "value": value, "updated_at": AT}, ("name",))
    (job_id, _) = await db.write(two)

    await db.write(lambda conn: change_row(conn, jobs, job_id, error="why", lease_until=AT))

    row = await db.read(ONE.one, id=job_id)
    assert (row.error, row.lease_until) == ("why", AT)
    assert await db.read(lambda conn: conn.execute(select(settings.c.value)).scalar_one()) == 2


async def test_many_times_one_statement(db: Database) -> None:
    ids = await db.write(two)
    blamed = Prepared(update(jobs).where(jobs.c.id == bindparam("job")).values(error=bindparam("why")))

    await db.write(blamed.many, [{"job": job_id, "why": f"{job_id}?"} for job_id in ids])
    await db.write(blamed.many, [])

    assert [row.error for row in await db.read(lambda conn: [ONE.one(conn, id=job_id) for job_id in ids])] == [
        f"{job_id}?" for job_id in ids
    ]


async def test_a_drivers_error_is_sqlalchemys_and_tells_no_values(db: Database) -> None:
    def twice(conn: Connection) -> None:
        insert_all(conn, settings, [{"name": "a secret", "value": 1, "updated_at": AT}])
        insert_all(conn, settings, [{"name": "a secret", "value": 1, "updated_at": AT}])

    with pytest.raises(exc.IntegrityError) as raised:
        await db.write(twice)

    assert "a secret" not in str(raised.value)


async def test_an_error_of_many_is_told_alike(db: Database) -> None:
    ids = await db.write(two)
    wrong = Prepared(update(jobs).where(jobs.c.id == bindparam("job")).values(status=bindparam("to")))

    with pytest.raises(exc.IntegrityError):
        await db.write(wrong.many, [{"job": job_id, "to": "no status"} for job_id in ids])


async def test_what_follows_a_savepoint_is_kept_or_taken_back(db: Database) -> None:
    def write(conn: Connection) -> None:
        for name, keeps in (("kept", True), ("undone", False)):
            outer = Savepoint(conn)
            inner = Savepoint(conn)
            insert_all(conn, settings, [{"name": name, "value": 1, "updated_at": AT}])
            inner.keep()
            outer.keep() if keeps else outer.undo()

    await db.write(write)

    assert await db.read(lambda conn: list(conn.execute(select(settings.c.name)).scalars())) == ["kept"]


async def test_a_float_is_a_float(db: Database) -> None:
    margins = Prepared(select(reply_drafts.c.margin))

    assert await db.read(margins.all) == []


async def test_a_statement_begins_the_transaction_it_runs_in(db: Database) -> None:
    """Whoever opens a connection without beginning gets a transaction, as with any statement of SQLAlchemy's."""
    with db.engine.connect() as conn:
        two(conn)
        conn.rollback()

    assert await db.read(PENDING.scalars) == []
