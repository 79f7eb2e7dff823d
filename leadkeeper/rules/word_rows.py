"""The rows of the word lists: the first ones, and what an operator adds or takes away.

Every change renews `lexicon_version`, so that each process compiles its matchers anew.
"""

import json
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, func, select

from leadkeeper.errors import Invalid, NotFound
from leadkeeper.rules.words import ALONE, CODES, LISTS, VERSION, tokens
from leadkeeper.store import settings_rows
from leadkeeper.store.prepared import Row
from leadkeeper.store.schema import lexicon as table
from leadkeeper.store.upsert import insert_once

SEEDED = "lexicon_seeded"
"""The settings row that holds, per list, the edition of our words this database has been given."""

_FOLDER = Path(__file__).parent / "lexicon"
LONGEST_PHRASE = 200


def seed(conn: Connection) -> int:
    """Add the words of every edition this database has not been given yet; returns how many.

    A word an operator deleted does not come back: its edition was given once.
    """
    given: dict[str, int] = dict(settings_rows.get(conn, SEEDED) or {})
    wanted = [each for each in _files() if each["edition"] > given.get(each["list"], 0)]
    if not wanted:
        return 0
    before = _count(conn)
    insert_once(conn, table, [row for each in wanted for row in _rows(each)])
    settings_rows.save(conn, SEEDED, given | {each["list"]: each["edition"] for each in wanted})
    renew(conn)
    return _count(conn) - before


def listed(conn: Connection, name: str | None = None) -> list[Row]:
    """The words of one list, or of all, in order of list, language and phrase."""
    query = select(table).order_by(table.c.list, table.c.language, table.c.value, table.c.phrase)
    return list(conn.execute(query if name is None else query.where(table.c.list == name)))


def counts(conn: Connection) -> Mapping[str, int]:
    """How many phrases each list holds."""
    rows = conn.execute(select(table.c.list, func.count()).group_by(table.c.list))
    return Counter({str(row[0]): int(row[1]) for row in rows})


def add(conn: Connection, name: str, language: str, phrase: str, value: str = "") -> int | None:
    """Add a phrase; returns its id, or None when it is there already. Raises Invalid naming the field."""
    text = " ".join(phrase.split())
    problems: dict[str, str] = {}
    if name not in LISTS:
        problems["list"] = f"unknown list (known: {', '.join(LISTS)})"
    if not language.isalpha() or not 2 <= len(language) <= 8:
        problems["language"] = "must be a language code like en or ar"
    if not tokens(text.removeprefix(ALONE)) or len(text) > LONGEST_PHRASE:
        problems["phrase"] = f"must hold a word and at most {LONGEST_PHRASE} characters"
    if name in CODES and not value.strip():
        problems["value"] = "must say what the phrase stands for"
    if problems:
        raise Invalid("the word was not saved", problems)
    row = {"list": name, "language": language.lower(), "phrase": text, "value": value.strip()[:64] if name in CODES else ""}
    new = insert_once(conn, table, [row], table.c.id)
    renew(conn)
    return int(new[0].id) if new else None


def remove(conn: Connection, word_id: int) -> Row:
    """Take a phrase away; returns the row it was. Raises NotFound."""
    gone = conn.execute(delete(table).where(table.c.id == word_id).returning(table)).first()
    if gone is None:
        raise NotFound(f"there is no word {word_id}")
    renew(conn)
    return gone


def renew(conn: Connection) -> None:
    """Say that the words have changed. The name is random: two databases never share one."""
    settings_rows.save(conn, VERSION, secrets.token_hex(8))


def first_words() -> Iterable[tuple[str, str, str, str]]:
    """Our own words as (list, language, phrase, value): what a new database is given."""
    return [(row["list"], row["language"], row["phrase"], row["value"]) for each in _files() for row in _rows(each)]


def _files() -> list[dict[str, Any]]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(_FOLDER.glob("*.json"))]


def _rows(each: Mapping[str, Any]) -> list[dict[str, str]]:
    by_value = each.get("values") or {"": each["phrases"]}
    return [
        {"list": each["list"], "language": language, "phrase": phrase, "value": value}
        for value, languages in by_value.items()
        for language, phrases in languages.items()
        for phrase in phrases
    ]


def _count(conn: Connection) -> int:
    return int(conn.execute(select(func.count()).select_from(table)).scalar_one())
