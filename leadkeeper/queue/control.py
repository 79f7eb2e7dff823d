"""Whether workers should run, and which are alive: rows, never memory.

The desired state is the last choice of a person; nobody has ever chosen means running. `starts`
counts the presses of Start. A worker that was started with WORKER_AUTO_START=false remembers the
count of its boot and stays stopped until it has grown.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, delete, func, select

from leadkeeper import clock
from leadkeeper.errors import Invalid
from leadkeeper.store import settings_rows
from leadkeeper.store.schema import workers
from leadkeeper.store.signals import signal
from leadkeeper.store.upsert import upsert

State = Literal["running", "stopped"]
FRESH = timedelta(seconds=15)
"""A heartbeat older than this is that of a silent worker."""
_DESIRED = "worker.desired"
_BOOTS = "worker.boots"
_MOST_BOOTS = 50
"""Held boots remembered; one that is forgotten while it runs would be held once more after a restart."""
FORGET_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """A worker as it says it is. `state`: running, stopping (jobs are ending), stopped."""

    id: str
    host: str
    pid: int
    version: str
    state: str
    running: int
    late: int
    started_at: datetime
    beat_at: datetime


def desired(conn: Connection) -> State:
    """What was chosen last; running when nobody has ever chosen."""
    return "stopped" if _desired(conn)["state"] == "stopped" else "running"


def choose(conn: Connection, state: State, user_id: int | None = None) -> None:
    """Start or stop every worker, for good. Choosing the same again is harmless. Raises Invalid."""
    if state not in ("running", "stopped"):
        raise Invalid("the worker can be running or stopped", {"state": f"unknown: {state!r}"})
    before = _desired(conn, lock=True)
    starts = before["starts"] + (state == "running")
    settings_rows.save(conn, _DESIRED, {"state": state, "starts": starts}, user_id)
    signal(conn, "worker", "stats")


def pause(conn: Connection, reason: str) -> None:
    """Stop every worker until a person chooses Start, and say why; whoever is listed as a worker is no longer there."""
    settings_rows.save(conn, _DESIRED, {"state": "stopped", "starts": _desired(conn, lock=True)["starts"], "reason": reason})
    conn.execute(delete(workers))
    signal(conn, "worker", "stats")


def paused_because(conn: Connection) -> str | None:
    """Why workers stand still without anybody having chosen so; None once somebody has chosen."""
    reason: str | None = _desired(conn).get("reason")
    return reason


def starts(conn: Connection) -> int:
    """How often Start was ever chosen."""
    return int(_desired(conn)["starts"])


def starts_at_boot(conn: Connection, boot: str) -> int:
    """The count of starts when the program of id `boot` came up; remembered at the first call.

    So a worker process that its supervisor has restarted knows what its predecessor began with.
    """
    boots: list[list[Any]] = settings_rows.get(conn, _BOOTS, [], lock="write")
    for name, count in boots:
        if name == boot:
            return int(count)
    count = starts(conn)
    settings_rows.save(conn, _BOOTS, [*boots, [boot, count]][-_MOST_BOOTS:])
    return count


def beat(conn: Connection, worker: WorkerRow) -> None:
    """Say that this worker is alive, and in which state. Signals `worker` when the state is new."""
    before = conn.execute(select(workers.c.state).where(workers.c.id == worker.id)).scalar()
    upsert(conn, workers, asdict(worker), key=("id",))
    if before != worker.state:
        signal(conn, "worker")


def sign_off(conn: Connection, *worker_ids: str) -> None:
    """These workers have ended, in an orderly way or as the dead do; also forgets those silent for a day."""
    gone = workers.c.id.in_(worker_ids) | (workers.c.beat_at < clock.now() - FORGET_AFTER)
    conn.execute(delete(workers).where(gone))
    signal(conn, "worker")


def live_workers(conn: Connection) -> list[WorkerRow]:
    """Workers whose heartbeat is fresh, in whatever state, oldest first."""
    rows = conn.execute(select(workers).where(workers.c.beat_at > clock.now() - FRESH).order_by(workers.c.started_at))
    return [WorkerRow(**row._mapping) for row in rows]


def is_running(conn: Connection) -> bool:
    """True while the desired state is running and a running worker's heartbeat is fresh."""
    alive = select(func.count()).where(workers.c.beat_at > clock.now() - FRESH, workers.c.state == "running")
    return desired(conn) == "running" and bool(conn.execute(alive).scalar())


def _desired(conn: Connection, *, lock: bool = False) -> Mapping[str, Any]:
    row: Mapping[str, Any] = settings_rows.get(conn, _DESIRED, {}, lock="write" if lock else None)
    return {"state": "running", "starts": 0, **row}
