"""A small town to tell stories in: a real database and worker, and the simulated provider at the transport."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import Connection, Row, func, select

from leadkeeper import clock
from leadkeeper.config import Settings
from leadkeeper.crm import accounts, inbound
from leadkeeper.jobs.context import Toolbox
from leadkeeper.jobs.first_start import prepare
from leadkeeper.knowledge import documents
from leadkeeper.knowledge.index import SearchIndex
from leadkeeper.secretbox import SecretBox
from leadkeeper.simulator import payloads
from leadkeeper.simulator.app import build
from leadkeeper.simulator.state import SimAccount, Simulator
from leadkeeper.store.database import Database
from leadkeeper.store.schema import decisions, jobs, messages
from leadkeeper.web.webhooks import taken_apart
from leadkeeper.worker.worker import Worker
from tests.patience import PATIENCE_SECONDS

NUMBER = "100200300"
SECRET = "an app secret of the town"
FAQ = """question,answer
What are your opening hours?,We are open Monday to Friday from 9:00 to 20:00.
Where is your office?,Our office is on Palm Street 12.
"""


class Line(httpx2.AsyncBaseTransport):
    """The line to the provider: while it is cut nobody can connect."""

    def __init__(self, provider: httpx2.AsyncBaseTransport) -> None:
        self.provider = provider
        self.cut = False
        self.dialled = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.dialled += 1
        if self.cut:
            raise httpx2.ConnectError("connection refused")
        return await self.provider.handle_async_request(request)


class Town:
    """One business with one WhatsApp number. `says` is a customer writing; `idle` waits for the work to be done."""

    def __init__(self, db: Database, folder: Path, **settings: Any) -> None:
        values = {"quiet_seconds": 0, "backoff_seconds": 0.05, "poll_seconds": 0.2, "graph_url": "http://provider"} | settings
        self.db = db
        self.settings = Settings(data_dir=folder, **values)
        self.box = SecretBox.open(folder)
        self.sim_account = SimAccount(NUMBER, token="town-token", app_secret=SECRET, target="http://town")
        self.provider = Simulator(self.deliver)
        self.provider.connect(self.sim_account)
        self.line = Line(httpx2.ASGITransport(build(self.provider)))
        self.http = httpx2.AsyncClient(transport=self.line)
        self.toolbox = Toolbox(db, self.settings, self.http, self.box, SearchIndex())
        self.account_id = db.write_now(self._open)

    def _open(self, conn: Connection) -> int:
        prepare(conn, self.settings, self.box)
        account_id = accounts.ensure(conn, "whatsapp", NUMBER, "Town", base_url="http://provider")
        accounts.save_credentials(conn, self.box, account_id, {"token": "town-token", "app_secret": SECRET})
        documents.add(conn, documents.NewDocument(title="Questions", content=FAQ, type="faq", format="csv"))
        return account_id

    @cached_property
    def worker(self) -> Worker:
        """Made by whoever needs it: it holds a lock from then on."""
        return Worker(self.db, self.settings, self.toolbox, grace=2)

    def account(self) -> accounts.Account:
        return self.db.read_now(accounts.load, self.box, self.account_id)

    async def deliver(self, url: str, body: bytes, headers: Any = None) -> int:
        """Take a signed delivery of the provider, as the webhook does after verifying it."""
        await self.take(json.loads(body))
        return 200

    async def take(self, payload: dict[str, Any]) -> list[int]:
        """Store one provider payload; returns the ids of its new events."""
        delivery = taken_apart(
            "whatsapp", json.dumps(payload).encode(), self.db.read_now(accounts.of_channel, self.box, "whatsapp")
        )
        return await self.db.write_batch(inbound.accept, delivery)

    async def says(self, sender: str, text: str, *, wamid: str | None = None, age: float = 0) -> str:
        """A customer writes; returns the provider's id of the message."""
        wamid = wamid or f"wamid.{uuid.uuid4().hex}"
        message = payloads.message(wamid, sender, payloads.text(text), clock.now().timestamp() - age)
        value = payloads.messages_value(self.sim_account, [message], {sender: "Sara"})
        await self.take(payloads.envelope(self.sim_account, value))
        return wamid

    async def idle(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until nothing is due or running."""
        until = clock.monotonic() + seconds
        while True:
            left = await self.db.read(_left)
            if not left:
                return
            if clock.monotonic() > until:
                raise AssertionError(f"still to do: {[(row.type, row.status, row.error, row.data) for row in left]}")
            await asyncio.sleep(0.01)

    async def until(self, table: Any, *where: Any, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until the table has such a row."""
        end = clock.monotonic() + seconds
        while not await self.count(table, *where):
            assert clock.monotonic() < end, f"it never happened: {[str(each) for each in where]}"
            await asyncio.sleep(0.02)

    async def rows(self, query: Any) -> Sequence[Row[Any]]:
        return await self.db.read(lambda conn: conn.execute(query).fetchall())

    async def sent(self) -> list[str]:
        """Texts of outbound messages that were not cancelled, in order."""
        query = (
            select(messages.c.body).where(messages.c.direction == "out", messages.c.state != "cancelled").order_by(messages.c.id)
        )
        return [row.body for row in await self.rows(query)]

    async def outbound(self) -> Sequence[Row[Any]]:
        return await self.rows(select(messages).where(messages.c.direction == "out").order_by(messages.c.id))

    async def decided(self) -> list[tuple[str | None, str | None]]:
        rows = await self.rows(select(decisions.c.outcome, decisions.c.reason).order_by(decisions.c.id))
        return [(row.outcome, row.reason) for row in rows]

    async def count(self, table: Any, *where: Any) -> int:
        return int((await self.rows(select(func.count()).select_from(table).where(*where)))[0][0])

    def calls(self) -> int:
        """Provider calls of whatever outcome."""
        return sum(self.provider.log.calls.values())


def _left(conn: Connection) -> Sequence[Row[Any]]:
    due = (jobs.c.status == "pending") & (jobs.c.run_at <= clock.now())
    return conn.execute(select(jobs).where(due | (jobs.c.status == "processing"))).fetchall()


@asynccontextmanager
async def town(db: Database, folder: Path, *, working: bool = True, **settings: Any) -> AsyncIterator[Town]:
    """A town at work; its worker is stopped at the end."""
    place = Town(db, folder, **settings)
    if working:
        place.worker.start()
        await place.idle()
    try:
        yield place
    finally:
        if "worker" in vars(place) and place.worker.is_alive():
            await asyncio.to_thread(place.worker.stop)
        await place.http.aclose()
