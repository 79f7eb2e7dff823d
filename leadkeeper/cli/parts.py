"""What a serving process is made of, put together in the one right order and taken apart in reverse."""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from leadkeeper.config import Settings
from leadkeeper.secretbox import SecretBox
from leadkeeper.store import boots, folder, migrate, room, unfinished
from leadkeeper.store.database import Database

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from starlette.applications import Starlette

    from leadkeeper.knowledge.index import SearchIndex
    from leadkeeper.worker.worker import Worker

log = logging.getLogger(__name__)

Step = Callable[[str], None]

NETWORK_SECONDS = 20.0
CONNECT_SECONDS = 5.0
"""Time-outs of calls that name none of their own."""
KEPT_CONNECTIONS = 100
KEPT_SECONDS = 2.0
"""An idle connection is closed by us first: one the provider closes while we write leaves a send in doubt."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The open database and what works on it: a web app, a worker, or both."""

    settings: Settings
    db: Database
    box: SecretBox
    worker: "Worker | None"
    app: "Starlette | None"
    unwatch: Callable[[], None]

    @classmethod
    def load(
        cls, settings: Settings, *, web: bool, worker: bool, upgrade: bool, demo: bool = False, step: Step = lambda name: None
    ) -> "Parts":
        """Open everything; nothing runs yet. `step` is told what has just been done; with `demo` invented customers write.

        Raises SchemaMismatch, Misconfigured or Unavailable.
        """
        from leadkeeper.access import login
        from leadkeeper.jobs import first_start

        unfinished.refuse(folder.ensure(settings.data_dir))
        box = SecretBox.open(settings.data_dir)
        db = Database(settings.database)
        try:
            before, now = migrate.upgrade(db) if upgrade else (None, None)
            db.read_now(migrate.check)
            db.read_now(db.anchor_clock)
            _count_start(db, settings)
            db.write_now(first_start.prepare, settings, box)
            if demo:
                db.read_now(_refuse_demo)
            step("database" if before == now else f"database, schema {before or 'none'} -> {now}")
            if web:
                login.owner_of_settings(db, settings)
            made, index = _worker(db, settings, box) if worker else (None, None)
            app = _app(db, settings, box, made, demo) if web else None
            if app is not None and index is not None:
                app.state.site.index = index  # one is enough for a process
            return cls(settings, db, box, made, app, room.beside(db, settings).watch())
        except BaseException:
            db.close()
            raise

    def close(self) -> None:
        """Stop the worker (its running jobs get their time to end) and close the database."""
        if self.worker is not None and self.worker.is_alive():
            self.worker.stop()
        self.unwatch()
        self.db.close()


def _count_start(db: Database, settings: Settings) -> None:
    """Count this start in the database, then beside it: a death in between leaves the database ahead, which harms nobody."""
    from leadkeeper.jobs import restored

    here, after = db.write_now(restored.started, boots.of_folder(settings.data_dir))
    boots.write(settings.data_dir, here)
    if after is not None:
        log.warning("an old database was put back: the worker stands still until Start is pressed", extra=asdict(after))


def _refuse_demo(conn: "Connection") -> None:
    from leadkeeper.errors import Conflict
    from leadkeeper.example import load as example

    if real := example.in_the_way(conn):
        raise Conflict(
            f"no demo here: {real} is connected, and its customers would be answered from invented documents. "
            "Use another data folder: LEADKEEPER_DATA_DIR=demo make demo"
        )


def _worker(db: Database, settings: Settings, box: SecretBox) -> "tuple[Worker, SearchIndex]":
    from urllib.request import getproxies

    import httpx2

    from leadkeeper.channels.wire import Wire
    from leadkeeper.jobs.context import Toolbox
    from leadkeeper.knowledge.index import SearchIndex
    from leadkeeper.worker.worker import Worker

    limits = httpx2.Limits(
        max_connections=settings.worker_slots, max_keepalive_connections=KEPT_CONNECTIONS, keepalive_expiry=KEPT_SECONDS
    )
    usual = None if getproxies() else Wire(httpx2.AsyncHTTPTransport(limits=limits))  # a proxy is httpx2's business
    http = httpx2.AsyncClient(timeout=httpx2.Timeout(NETWORK_SECONDS, connect=CONNECT_SECONDS), limits=limits, transport=usual)
    index = SearchIndex()
    return Worker(db, settings, Toolbox(db, settings, http, box, index)), index


def _app(db: Database, settings: Settings, box: SecretBox, worker: "Worker | None", demo: bool) -> "Starlette":
    from leadkeeper.web.app import build

    if not demo:
        return build(db, settings, box, worker=worker)
    from leadkeeper.web.demo import lifespan

    return build(db, settings, box, worker=worker, lifespan=lifespan)
