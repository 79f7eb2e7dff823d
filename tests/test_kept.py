"""The database a test finds is empty, whatever the test before it did."""

import psycopg
import pytest
from sqlalchemy import func, insert, select, text

from leadkeeper.store import migrate
from leadkeeper.store.database import Database
from leadkeeper.store.schema import lexicon
from tests.kept import Kept

WORDS = {"list": "anger", "language": "en", "phrase": "this is outrageous"}
GROW = "insert into lexicon (list, language, phrase) select 'anger', 'en', repeat('x', 190) || i from generate_series(1, 20000) i"


@pytest.fixture
def used(kept: Kept) -> Kept:
    """The kept database after a test has written to it."""
    db = Database(kept.url)
    db.write_now(lambda conn: conn.execute(insert(lexicon).values(WORDS)))
    db.close()
    return kept


def test_rows_are_gone_and_ids_count_from_one(used: Kept) -> None:
    used.empty()

    db = Database(used.url)
    assert db.read_now(lambda conn: conn.execute(select(func.count()).select_from(lexicon)).scalar_one()) == 0
    assert db.write_now(lambda conn: conn.execute(insert(lexicon).values(WORDS)).inserted_primary_key) == (1,)
    db.close()
    used.empty()


def test_whoever_is_still_connected_is_put_out(used: Kept) -> None:
    left = psycopg.connect(used.url)
    left.execute("lock table lexicon")

    used.empty()

    with pytest.raises(psycopg.OperationalError):
        left.execute("select 1")
    left.close()


@pytest.mark.parametrize(
    "act",
    [
        "alter table lexicon add column shoe_size integer",
        "alter table lexicon drop column phrase",
        "alter table lexicon rename to lexicon_elsewhere",
        "create table something (id integer)",
        "create index another on lexicon (phrase)",
        "alter table lexicon add check (phrase <> '')",
        "create function one() returns integer language sql as 'select 1'",
        "update alembic_version set version_num = '9999'",
        "analyze lexicon",
    ],
)
def test_another_shape_is_not_kept(used: Kept, act: str) -> None:
    before = used.url
    with psycopg.connect(before, autocommit=True) as conn:
        conn.execute(act)  # type: ignore[call-overload]

    used.empty()

    db = Database(used.url)
    db.read_now(migrate.check)
    db.close()
    assert used.url != before


def test_a_table_grown_large_is_not_kept(used: Kept) -> None:
    before = used.url
    db = Database(before)
    db.write_now(lambda conn: conn.execute(text(GROW)))
    db.close()

    used.empty()

    assert used.url != before
