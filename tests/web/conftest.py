"""The web app over a real database, called in process; `desk` logs people in."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette

from leadkeeper.access import passwords, sessions, users
from leadkeeper.access.roles import Role
from leadkeeper.config import Settings
from leadkeeper.secretbox import SecretBox
from leadkeeper.store.database import Database
from leadkeeper.web.app import build

PASSWORD = "three green windows"
STORED = passwords.hash_now(PASSWORD)


class Desk:
    """An app and its callers."""

    def __init__(self, db: Database, folder: Path, **settings: Any) -> None:
        self.db = db
        self.settings = Settings(data_dir=folder, **settings)
        self.app: Starlette = build(db, self.settings, SecretBox.open(folder))
        self._clients: list[httpx2.AsyncClient] = []

    def caller(self, role: Role | None = None, **headers: str) -> httpx2.AsyncClient:
        """A client without a log-in, or with a fresh session of a user of this role."""
        transport = httpx2.ASGITransport(self.app, raise_app_exceptions=False, client=("192.0.2.7", 4711))
        client = httpx2.AsyncClient(transport=transport, base_url="http://desk.test", headers=headers)
        if role is not None:
            client.cookies.set("leadkeeper_session", self.token(role))
        self._clients.append(client)
        return client

    def token(self, role: Role) -> str:
        """A new session of the user of this role, made when there is none."""
        email = f"{role}@example.com"
        known = {user.email: user for user in self.db.read_now(users.listed)}
        user = known.get(email) or self.db.write_now(users.add, email, role.capitalize(), role, STORED)
        return self.db.write_now(sessions.begin, user.id, None, None)

    async def close(self) -> None:
        """Close every client."""
        for client in self._clients:
            await client.aclose()
        self.app.state.site.close()


@pytest.fixture
async def desk(db: Database, tmp_path: Path) -> AsyncIterator[Desk]:
    """The app with default settings, on both engines."""
    made = Desk(db, tmp_path / "desk")
    yield made
    await made.close()


@pytest.fixture
async def secure_desk(db: Database, tmp_path: Path) -> AsyncIterator[Desk]:
    """The app behind https and a proxy on 10.0.0.0/8."""
    made = Desk(db, tmp_path / "desk", public_url="https://desk.example.com", trusted_proxies="10.0.0.0/8 192.0.2.7")
    yield made
    await made.close()
