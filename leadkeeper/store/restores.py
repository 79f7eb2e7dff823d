"""The last time this database was put back from a copy: what was written before may have been acted on since.

Ids that were given between the copy and the loss are given again, so tokens of sends carry a mark
from then on: a status of a lost message never settles a new one.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, func, select

from leadkeeper import clock
from leadkeeper.store import settings_rows
from leadkeeper.store.remembered import remembered
from leadkeeper.store.schema import inbound_events

How = Literal["archive", "hand"]
_ROW = "restored"


@dataclass(frozen=True, slots=True)
class Restored:
    """`at`: when it was put back; `horizon`: the moment of the copy, None where nobody can tell; `event`: the last
    inbound event of the copy; `mark`: how tokens begin since; `how`: by `leadkeeper restore`, or by hand."""

    at: datetime
    horizon: datetime | None
    event: int
    mark: str
    how: How


def note(conn: Connection, how: How, horizon: datetime | None) -> Restored:
    """Remember that the database was put back just now."""
    event = int(conn.execute(select(func.coalesce(func.max(inbound_events.c.id), 0))).scalar_one())
    restored = Restored(clock.now(), horizon, event, f"r{secrets.token_hex(3)}-", how)
    kept = {"at": restored.at.isoformat(), "horizon": horizon.isoformat() if horizon else None}
    settings_rows.save(conn, _ROW, {**kept, "event": event, "mark": restored.mark, "how": how})
    return restored


def last(conn: Connection) -> Restored | None:
    """The last restore; None where there never was one."""
    return remembered(conn, "settings", "restored", lambda: of(settings_rows.load(conn)))


def of(rows: Mapping[str, Any]) -> Restored | None:
    """The last restore, from the settings rows."""
    row = rows.get(_ROW)
    if row is None:
        return None
    horizon = datetime.fromisoformat(row["horizon"]) if row["horizon"] else None
    return Restored(datetime.fromisoformat(row["at"]), horizon, row["event"], row["mark"], row["how"])


def covers(conn: Connection, event_id: int | None) -> bool:
    """True for an event that came before the copy: whether it was answered since, nobody can tell."""
    restored = last(conn)
    return restored is not None and event_id is not None and event_id <= restored.event


def mark(conn: Connection) -> str:
    """How tokens of sends begin; empty in a database that was never put back."""
    restored = last(conn)
    return restored.mark if restored is not None else ""
