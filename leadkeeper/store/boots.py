"""Has somebody put back an old database? Every start is counted twice: in the database and in a file beside it.

A database that counts less than its file has been put back. A count alone would call every other
machine's file a witness too, after one of them has noticed; so counts belong to a *line*, and a
database that was put back begins a new one and remembers those it comes from.
"""

import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from leadkeeper import clock
from leadkeeper.errors import Misconfigured
from leadkeeper.store import durable, settings_rows
from leadkeeper.store.schema import settings
from leadkeeper.store.upsert import insert_once

FILE = "boots.json"
ROW = "boots"
"""The settings row: {line, count, before}."""


@dataclass(frozen=True, slots=True)
class Boots:
    """Starts of one line of a database's life; `before`: the lines it comes from."""

    line: str
    count: int
    before: Sequence[str] = ()

    @classmethod
    def first(cls) -> "Boots":
        """A new line, not started yet."""
        return cls(str(uuid.uuid4()), 0)

    def is_behind(self, file: "Boots") -> bool:
        """True when this database is older than the one `file` has counted, or another one altogether."""
        if file.line == self.line:
            return self.count < file.count
        return file.line not in self.before


def of_folder(folder: Path) -> Boots | None:
    """What the data folder has counted; None in a new one. Raises Misconfigured when its file cannot be read."""
    path = folder / FILE
    try:
        kept = json.loads(path.read_text("utf-8"))
        return Boots(str(kept["line"]), int(kept["count"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = f"{path}, which tells whether an old database was put back, cannot be read"
        raise Misconfigured(f"{why}. Delete it if the database is the one this folder has always worked with") from error


def write(folder: Path, boots: Boots) -> None:
    """Remember beside the database what it has counted."""
    durable.write_whole(folder / FILE, json.dumps({"line": boots.line, "count": boots.count}).encode())


def of_database(conn: Connection) -> tuple[Boots, bool]:
    """What the database has counted, locked until commit, and whether it has counted before."""
    first = {"name": ROW, "value": _kept(Boots.first()), "updated_at": clock.now(), "updated_by": None}
    new = insert_once(conn, settings, [first], settings.c.name)  # two first starts meet at one row
    row: dict[str, Any] = settings_rows.get(conn, ROW, lock="write")
    return Boots(row["line"], row["count"], tuple(row["before"])), not new


def count(conn: Connection) -> Boots:
    """Count this start."""
    before, _ = of_database(conn)
    now = replace(before, count=before.count + 1)
    settings_rows.save(conn, ROW, _kept(now))
    return now


def begin_line(conn: Connection, file: Boots | None) -> None:
    """The database was put back: its life goes on in a new line. `file`: what the folder had counted of the old one."""
    old, _ = of_database(conn)
    lines = [*old.before, old.line, *([file.line] if file else [])]
    settings_rows.save(conn, ROW, _kept(replace(Boots.first(), before=tuple(dict.fromkeys(lines)))))


def _kept(boots: Boots) -> dict[str, Any]:
    return {**asdict(boots), "before": list(boots.before)}
