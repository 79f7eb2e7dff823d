"""A running Leadkeeper to look at: a real server on a free port over a SQLite file with a few users and rows."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from sqlalchemy import Connection

from leadkeeper.access import passwords, sessions, users
from leadkeeper.access.roles import Role
from leadkeeper.config import Settings
from leadkeeper.jobs import first_start
from leadkeeper.jobs.context import Toolbox
from leadkeeper.knowledge.index import SearchIndex
from leadkeeper.secretbox import SecretBox
from leadkeeper.store import migrate
from leadkeeper.store.database import Database
from leadkeeper.web.app import build
from leadkeeper.worker.worker import Worker

PASSWORD = "three green windows"


class Town:
    """The address of the server, its database, and a session token of each role."""

    def __init__(self, address: str, db: Database) -> None:
        self.address = address
        self.db = db
        self.tokens = {role: db.write_now(_person, role) for role in Role}

    def set_look(self, role: Role, language: str, theme: str) -> None:
        """The role's user reads in this language and theme from now on."""
        self.db.write_now(lambda conn: users.prefer(conn, users.by_email(conn, f"{role}@example.com").id, language, theme))


def _person(conn: Connection, role: Role) -> str:
    names = {Role.OWNER: "Sara Ncube", Role.ADMIN: "Omar Haddad", Role.AGENT: "فاطمة الزهراء", Role.VIEWER: "John Mathew"}
    user = users.add(conn, f"{role}@example.com", names[role], role, passwords.hash_now(PASSWORD))
    return sessions.begin(conn, user.id, "127.0.0.1", "Browser tests")


@contextmanager
def running(folder: Path, *, working: bool = False, **settings: Any) -> Iterator[Town]:
    """Serve until the block ends; `working` puts a worker beside the server."""
    db = Database(f"sqlite:///{folder}/leadkeeper.db")
    migrate.upgrade(db)
    chosen, box = Settings(data_dir=folder, timezone="Asia/Dubai", **settings), SecretBox.open(folder)
    app = build(db, chosen, box)
    worker = _worker(db, chosen, box) if working else None
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, access_log=False, ws="none", proxy_headers=False, timeout_graceful_shutdown=3)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), name="town", daemon=True)
    thread.start()
    try:
        yield Town(f"http://127.0.0.1:{listener.getsockname()[1]}", db)
    finally:
        app.state.site.live.close()
        server.should_exit = True
        thread.join(10)
        if worker is not None:
            worker.stop()
        db.close()


def _worker(db: Database, settings: Settings, box: SecretBox) -> Worker:
    db.write_now(first_start.prepare, settings, box)
    http = httpx2.AsyncClient(limits=httpx2.Limits(max_keepalive_connections=0))
    worker = Worker(db, settings, Toolbox(db, settings, http, box, SearchIndex()), grace=2)
    worker.start()
    return worker
