"""The API over a real database, with a business at work behind it where a test asks for one."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import Connection

from leadkeeper import clock
from leadkeeper.access.roles import Role
from leadkeeper.crm import accounts, conversations, intake, messages
from leadkeeper.jobs.first_start import prepare
from leadkeeper.store.database import Database
from tests.flows.town import Town, town
from tests.web.conftest import Desk

SARA = "971500000001"


class Business:
    """A town at work, and its desk: both over one database and one data folder."""

    def __init__(self, place: Town, desk: Desk) -> None:
        self.place = place
        self.desk = desk

    def caller(self, role: Role = Role.AGENT) -> httpx2.AsyncClient:
        """A client logged in as a user of that role."""
        return self.desk.caller(role)

    async def thread(self, role: Role = Role.VIEWER) -> dict[str, Any]:
        """The newest conversation, as the API gives it."""
        caller = self.caller(role)
        listed = (await caller.get("/api/inbox/conversations")).json()["conversations"]
        found: dict[str, Any] = (await caller.get(f"/api/inbox/conversations/{listed[0]['id']}")).json()
        return found


@pytest.fixture
async def business(db: Database, tmp_path: Path) -> AsyncIterator[Business]:
    """A business with a WhatsApp number, training documents and a running worker."""
    async with town(db, tmp_path) as place:
        desk = Desk(db, tmp_path)
        yield Business(place, desk)
        await desk.close()


@pytest.fixture
async def quiet(db: Database, tmp_path: Path) -> AsyncIterator[Business]:
    """The same business after its worker has gone home."""
    async with town(db, tmp_path) as place:
        await asyncio.to_thread(place.worker.stop)
        desk = Desk(db, tmp_path)
        yield Business(place, desk)
        await desk.close()


@pytest.fixture
async def open_desk(db: Database, tmp_path: Path) -> AsyncIterator[Desk]:
    """A prepared database with the cron and ingest secrets set; nobody works."""
    made = Desk(db, tmp_path / "desk", cron_secret="cron secret", ingest_key="ingest key")
    db.write_now(prepare, made.settings, made.app.state.site.box)
    yield made
    await made.close()


def new_thread(db: Database, text: str = "Hello") -> tuple[int, int]:
    """(conversation, inbound message) of a new customer on the built-in test account."""
    return db.write_now(_thread, text)


def _thread(conn: Connection, text: str) -> tuple[int, int]:
    taken = intake.take(conn, intake.Person(name="Lina", phone="+971500000077"))
    account_id = accounts.ensure(conn, "test", "test", "Test account")
    conversation_id, _ = conversations.open_one(
        conn, contact_id=taken.contact_id, account_id=account_id, lead_id=taken.lead_id, address="lina", language="en"
    )
    row = {"conversation_id": conversation_id, "account_id": account_id, "kind": "text", "body": text, "occurred_at": clock.now()}
    message_id = messages.store_inbound(conn, row)
    assert message_id is not None
    conversations.received(conn, conversation_id, clock.now(), text, "en")
    return conversation_id, message_id


def new_lead(db: Database, phone: str = "+971500000009", name: str = "Omar Haddad") -> int:
    """The id of a lead made by hand."""
    return db.write_now(intake.take, intake.Person(name=name, phone=phone)).lead_id
