"""The book of rules: versions are only added, seeding never overrides the operator, a change counts at once."""

import pytest
from sqlalchemy import Connection, func, select, update

from leadkeeper.errors import Conflict, Invalid, NotFound
from leadkeeper.rules import book
from leadkeeper.rules.model import parse
from leadkeeper.store.database import Database
from leadkeeper.store.schema import rule_versions
from leadkeeper.store.schema import rules as table

MINE = {
    "key": "mine",
    "name": "Mine",
    "trigger": {"kind": "message.received"},
    "when": {"all": [{"fact": "message.text", "containsAny": ["boat"]}]},
    "do": [{"action": "hand_over", "reason": "boats"}],
}


async def test_a_new_database_gets_the_first_set_active_and_in_its_order(db: Database) -> None:
    made = await db.write(book.seed_first)

    assert made == len(book.first_set())
    assert [rule.key for rule in await db.read(book.listed)] == [document["key"] for document in book.first_set()]
    assert all(rule.enabled for rule in await db.read(book.listed))


async def test_a_deleted_rule_stays_deleted_at_the_next_start_and_comes_back_when_asked_for(db: Database) -> None:
    await db.write(book.seed_first)
    welcome = next(rule for rule in await db.read(book.listed) if rule.key == "welcome")
    await db.write(book.remove, welcome.id)

    assert await db.write(book.seed_first) == 0
    assert await db.write(book.seed) == 0
    assert await db.write(book.seed_inbound) == 1
    assert await db.write(book.seed_inbound) == 0
    again = [rule.key for rule in await db.read(book.active, "message.received")]
    assert again == [document["key"] for document in book.first_set() if document["trigger"]["kind"] == "message.received"]


async def test_seeding_leaves_a_changed_rule_as_it_is(db: Database) -> None:
    await db.write(book.seed_inbound)
    rule = (await db.read(book.active, "message.received"))[0]
    await db.write(book.toggle, rule.id)

    await db.write(book.seed_inbound)

    assert not (await db.read(book.get, rule.id)).enabled


async def test_saving_again_adds_a_version_and_the_next_message_sees_it(db: Database) -> None:
    first = await db.write(book.save, MINE)
    assert (await db.read(book.active, "message.received"))[0].name == "Mine"

    second = await db.write(book.save, {**MINE, "name": "Ours"}, None, first.id)

    assert (first.version, second.version, second.id) == (1, 2, first.id)
    assert (await db.read(book.active, "message.received"))[0].name == "Ours"
    assert [(row.version, row.name) for row in await db.read(book.versions, first.id)] == [(2, "Ours"), (1, "Mine")]


async def test_what_was_saved_reads_back_as_the_same_rule(db: Database) -> None:
    saved = await db.write(book.save, MINE)

    row = await db.read(book.row, saved.id)

    assert parse(book.document(row)) == parse(MINE)


async def test_a_new_rule_for_messages_is_tried_after_the_hand_overs_and_before_the_documents(db: Database) -> None:
    await db.write(book.seed_first)
    await db.write(book.save, MINE)

    keys = [rule.key for rule in await db.read(book.active, "message.received")]

    assert keys[keys.index("mine") - 1 : keys.index("mine") + 2] == ["thanks", "mine", "answer"]


async def test_a_new_scheduled_rule_is_tried_last(db: Database) -> None:
    await db.write(book.seed_first)
    timed = {"trigger": {"kind": "followup.due"}, "do": [{"action": "set_follow_up"}]}
    saved = await db.write(book.save, {"key": "timed", "name": "T", **timed})

    assert (await db.read(book.listed))[-1].id == saved.id


async def test_a_bad_rule_a_taken_key_and_a_changed_key_are_refused(db: Database) -> None:
    saved = await db.write(book.save, MINE)

    with pytest.raises(Conflict):
        await db.write(book.save, MINE)
    with pytest.raises(Invalid) as refused:
        await db.write(book.save, {**MINE, "key": "other"}, None, saved.id)
    assert refused.value.fields.keys() == {"key"}
    with pytest.raises(Invalid):
        await db.write(book.save, {**MINE, "do": []}, None, saved.id)
    with pytest.raises(NotFound):
        await db.write(book.save, {**MINE, "key": "new"}, None, 4711)
    assert (await db.read(book.get, saved.id)).version == 1


async def test_switching_and_deleting(db: Database) -> None:
    saved = await db.write(book.save, MINE)

    assert not (await db.write(book.toggle, saved.id)).enabled
    assert not await db.read(book.active, "message.received")
    assert (await db.write(book.toggle, saved.id, True)).enabled
    await db.write(book.remove, saved.id)
    with pytest.raises(NotFound, match="Rule not found"):
        await db.write(book.toggle, saved.id)
    assert await db.read(lambda conn: conn.execute(select(func.count()).select_from(rule_versions)).scalar_one()) == 0


async def test_a_stored_rule_that_cannot_be_read_is_said_loudly(db: Database) -> None:
    saved = await db.write(book.save, MINE)

    def spoil(conn: Connection) -> None:
        bad = {"trigger": {"kind": "message.received"}, "do": [{"action": "gone"}]}
        conn.execute(update(table).where(table.c.id == saved.id).values(definition=bad, version=2))

    await db.write(spoil)

    with pytest.raises(Invalid, match="gone"):
        await db.read(book.active, "message.received")


async def test_an_older_shape_can_be_saved(db: Database) -> None:
    given = {"name": "Renew", "type": "expiry_reminder", "channel": "whatsapp", "daysBeforeExpiry": 60}

    rule = await db.write(book.save, book.from_legacy(given))

    assert (rule.name, rule.trigger.kind) == ("Renew", "date.approaching")
    assert [row.id for row in await db.read(book.rows)] == [rule.id]
