"""The word lists as rows: given once, kept as the operator leaves them, compiled anew after each change."""

import pytest
from sqlalchemy import Connection

from leadkeeper.errors import Invalid, NotFound
from leadkeeper.rules import word_rows, words
from leadkeeper.store.database import Database


async def test_seeding_gives_every_word_once(db: Database) -> None:
    first = await db.write(word_rows.seed)
    again = await db.write(word_rows.seed)

    assert first == len(list(word_rows.first_words()))
    assert again == 0


async def test_a_word_an_operator_deleted_does_not_come_back(db: Database) -> None:
    await db.write(word_rows.seed)
    row = (await db.read(word_rows.listed, "refund"))[0]

    await db.write(word_rows.remove, row.id)
    await db.write(word_rows.seed)

    assert row.phrase not in [each.phrase for each in await db.read(word_rows.listed, "refund") if each.language == row.language]


async def test_a_new_word_counts_for_the_very_next_message(db: Database) -> None:
    await db.write(word_rows.seed)
    assert (await db.read(words.current)).lists_in("zapzarap now") == {}

    await db.write(word_rows.add, "anger", "en", "  zapzarap ")

    assert (await db.read(words.current)).lists_in("zapzarap now") == {"anger": "zapzarap"}
    assert await db.write(word_rows.add, "anger", "en", "zapzarap") is None


async def test_what_does_not_change_is_compiled_once(db: Database) -> None:
    await db.write(word_rows.seed)

    def twice(conn: Connection) -> bool:
        return words.current(conn) is words.current(conn)

    assert await db.read(twice)


async def test_a_bad_word_is_refused_with_its_field_named(db: Database) -> None:
    with pytest.raises(Invalid) as refused:
        await db.write(word_rows.add, "swear", "x", "!!!")
    assert refused.value.fields.keys() == {"list", "language", "phrase"}

    with pytest.raises(Invalid) as refused:
        await db.write(word_rows.add, "service", "en", "house cleaning")
    assert refused.value.fields.keys() == {"value"}

    with pytest.raises(NotFound):
        await db.write(word_rows.remove, 4711)
