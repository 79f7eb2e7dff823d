"""A business on trial: its rows, and one process that works for it, with a provider that writes everything down."""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

import httpx2
from sqlalchemy import Connection, bindparam, select, update

from leadkeeper import clock
from leadkeeper.access import users
from leadkeeper.access.roles import Role
from leadkeeper.channels.whatsapp.webhook import HEADER, sign
from leadkeeper.cli.faults.journal import Journal
from leadkeeper.cli.faults.stories import FAQ, STORIES, Story
from leadkeeper.cli.measure.load import PATH, into
from leadkeeper.config import Settings
from leadkeeper.crm import accounts, outages
from leadkeeper.crm.circuit import MOST
from leadkeeper.errors import Unavailable
from leadkeeper.jobs import person
from leadkeeper.jobs.context import Toolbox
from leadkeeper.jobs.first_start import prepare
from leadkeeper.knowledge import documents
from leadkeeper.knowledge.index import SearchIndex
from leadkeeper.queue import control
from leadkeeper.queue.enqueue import enqueue
from leadkeeper.queue.jobs import Job
from leadkeeper.queue.rows import pending, processing
from leadkeeper.secretbox import SecretBox
from leadkeeper.simulator import payloads
from leadkeeper.simulator.app import build as provider_app
from leadkeeper.simulator.behaviour import Behaviour
from leadkeeper.simulator.state import SimAccount, Simulator
from leadkeeper.store import settings_rows
from leadkeeper.store.database import Database
from leadkeeper.store.prepared import Prepared, Row
from leadkeeper.store.schema import channel_accounts, conversations, inbound_events, jobs, schedules, workers
from leadkeeper.store.signals import signal
from leadkeeper.store.types import Instant
from leadkeeper.web.app import build as web_app
from leadkeeper.worker.worker import Worker

ACCOUNT = SimAccount("100200300", token="trial-token", app_secret="trial-secret")  # noqa: S106 - nobody's
PROVIDER = "http://provider"
PATIENCE_SECONDS = 20.0
STATUSES = 500
"""Reports in one webhook."""
LOOK_SECONDS = 0.01
SOON = timedelta(seconds=1)
"""A job that is due within this is about to be tried again; later ones are timers."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What outlives the processes of a trial: the folder and the database's URL."""

    folder: Path
    url: str

    @property
    def journal(self) -> Path:
        """Everything said outside the database."""
        return self.folder / "journal"


async def found(rows: Rows) -> None:
    """Make the business on a migrated database, with its document read; what the journal held is forgotten."""
    business = Business(rows.folder, rows.url, Journal(rows.journal))
    business.db.write_now(business.found)
    business.begin()
    await business.idle()
    await business.end()
    rows.journal.unlink()


class Business:
    """One process of the product: web app, worker and provider in this process, on rows and a journal that outlive it."""

    def __init__(self, folder: Path, url: str, journal: Journal, **settings: object) -> None:
        self.db = Database(url)
        self.journal = journal
        self.settings = _settings().model_copy(update={"data_dir": folder, **settings})
        self.box = SecretBox.open(folder)
        self.provider = Simulator(behaviour=Behaviour(statuses=()))
        self.provider.log = journal
        self.provider.connect(ACCOUNT)
        self.worker = self.hire()
        self._door = into(web_app(self.db, self.settings, self.box))

    @classmethod
    def telling(cls, rows: Rows, journal: Journal, story: str | None) -> "Business":
        """The business on these rows, its worker with as many slots as the story is told with."""
        slots = STORIES[story].slots if story is not None else 0
        return cls(rows.folder, rows.url, journal, **({"worker_slots": slots} if slots else {}))

    def hire(self) -> Worker:
        """A worker of this business that has not begun yet; one is there from the beginning."""
        http = httpx2.AsyncClient(transport=httpx2.ASGITransport(provider_app(self.provider)))
        return Worker(self.db, self.settings, Toolbox(self.db, self.settings, http, self.box, SearchIndex()), grace=2)

    def found(self, conn: Connection) -> None:
        """Make the business: accounts, rules, one document, one operator. Once, on a migrated database."""
        prepare(conn, self.settings, self.box)
        account_id = accounts.ensure(conn, "whatsapp", ACCOUNT.phone_number_id, "Trial", base_url=PROVIDER, throughput=1_000)
        secrets = {"token": ACCOUNT.token, "app_secret": ACCOUNT.app_secret}
        accounts.save_credentials(conn, self.box, account_id, secrets)
        documents.add(conn, documents.NewDocument(title="Questions", content=FAQ, type="faq", format="csv"))
        users.add(conn, "agent@trial.example", "Agent", Role.AGENT, "nobody logs in")
        settings_rows.save(conn, "quiet_hours", None)

    def begin(self) -> None:
        """Start the worker, which takes over what a dead one left; the provider behaves as each customer's story wants."""
        for sender, story in self._told().items():
            self.provider.script(sender, list(STORIES[story].steps[self.journal.tried[sender] :]))
        if self.db.read_now(control.desired) == "stopped":  # died while it was so
            self.db.write_now(control.choose, "running")
        if self.db.read_now(_rests):
            self.db.write_now(_end_the_rest)
        self.worker.start()

    async def redeliver(self) -> None:
        """Post once more what was never answered 200."""
        for wamid, body in self.journal.unacknowledged:
            await self._post(wamid, body)

    async def tell(self, story: Story) -> str:
        """A new customer writes; returns their number. What follows is in the worker's hands."""
        sender = f"9715{uuid.uuid4().int % 10**8:08}"
        self.provider.script(sender, list(story.steps))
        calls = self.journal.calls.total()
        for text in story.texts:
            wamid = f"wamid.{uuid.uuid4().hex}"
            message = payloads.message(wamid, sender, payloads.text(text))
            body = payloads.encode(payloads.envelope(ACCOUNT, payloads.messages_value(ACCOUNT, [message], {sender: "Sara"})))
            self.journal.post(wamid, sender, story.name, body)
            await self._post(wamid, body)
        if story.meanwhile == "stop":
            await self._stop_and_start(calls)
        return sender

    async def _stop_and_start(self, calls: int) -> None:
        """Stop every worker while the provider is being called, see that it is so, and start again."""
        await self.until_none(lambda _: [] if self.journal.calls.total() > calls else ["the provider was not called"])
        await self.db.write(control.choose, "stopped")
        await self.until_none(_working)
        await self.db.write(control.choose, "running")

    async def act(self, story: Story, sender: str) -> None:
        """What the story has us do ourselves once the customer is served."""
        match story.after:
            case "timer":
                await self.db.write(_let_timers_ring)
                await self.until_none(_ringing)
            case "break":
                await self.db.write(_break_a_job, sender)
            case "say":
                await self.db.write(_say, self.settings, sender)
            case "rest":
                await self.db.write(_say_after_a_rest, self.settings, sender)
            case "say_both":
                neighbour = await self.tell(STORIES["neighbour"])
                await self.idle()
                await self.db.write(_say, self.settings, sender, neighbour)
        if story.after:
            await self.idle()

    async def report(self, which: Callable[[str], bool] = lambda _: True) -> None:
        """The provider reports what it has delivered (of the tokens that are asked for), in as few webhooks as it may."""
        waiting = [one for one in self.journal.unreported if which(one[0])]
        for start in range(0, len(waiting), STATUSES):
            await self._report(waiting[start : start + STATUSES])

    async def _report(self, waiting: Sequence[tuple[str, str, str]]) -> None:
        statuses = [payloads.status(wamid, "delivered", to, token) for token, wamid, to in waiting]
        body = payloads.encode(payloads.envelope(ACCOUNT, payloads.statuses_value(ACCOUNT, statuses)))
        for token, _, _ in waiting:
            self.journal.begin_report(token)
        await self._deliver(body)
        for token, _, _ in waiting:
            self.journal.report(token)

    async def idle(self, patience: float = PATIENCE_SECONDS) -> None:
        """Wait until nothing is due, running or about to be tried again. Raises Unavailable when it never is so."""
        await self.until_none(_left, patience)

    async def end(self) -> None:
        """Stop in an orderly way."""
        await asyncio.to_thread(self.worker.stop)
        self.db.close()

    async def until_none(
        self, read: Callable[[Connection], Sequence[object]], patience: float = PATIENCE_SECONDS, look: float = LOOK_SECONDS
    ) -> None:
        """Wait until `read` finds nothing more, looking every `look` seconds. Raises Unavailable after `patience`."""
        until = clock.monotonic() + patience
        while left := await self.db.read(read):
            if clock.monotonic() > until:
                raise Unavailable(f"still to do: {left}")
            await asyncio.sleep(look)

    def _told(self) -> dict[str, str]:
        return {post["sender"]: post["story"] for post in self.journal.posted.values()}

    async def _post(self, wamid: str, body: bytes) -> None:
        await self._deliver(body)
        self.journal.acknowledge(wamid)

    async def knock(self, body: bytes) -> int:
        """Post a webhook; what it was answered."""
        headers = {HEADER: sign(ACCOUNT.app_secret.encode(), body), "content-type": "application/json"}
        return await self._door(PATH, body, headers)

    async def _deliver(self, body: bytes) -> None:
        if (answer := await self.knock(body)) != 200:
            raise Unavailable(f"a webhook was answered {answer}")


@cache
def _settings() -> Settings:
    """Checked once: a process that lives a tenth of a second has no time for it."""
    return Settings(quiet_seconds=0, backoff_seconds=0.01, graph_url=PROVIDER)


def _left(conn: Connection) -> Sequence[Row]:
    return _LEFT.all(conn, soon=clock.now() + SOON)


def _let_timers_ring(conn: Connection) -> None:
    """Every recurring job is due now."""
    conn.execute(update(schedules).values(next_at=clock.now()))
    signal(conn, "settings")


def _working(conn: Connection) -> Sequence[object]:
    """Workers that have not said yet that they stop."""
    return conn.execute(select(workers.c.id).where(workers.c.state == "running")).fetchall()


def _ringing(conn: Connection) -> Sequence[Row]:
    return _RINGING.all(conn, now=clock.now())


def _break_a_job(conn: Connection, sender: str) -> None:
    """A job of this customer whose data are spoilt."""
    event_id = conn.execute(select(inbound_events.c.id).where(inbound_events.c.sender == sender).limit(1)).scalar_one()
    enqueue(conn, Job("decide", {"eventId": event_id, "spoilt": True}))


def _say(conn: Connection, settings: Settings, *senders: str) -> None:
    """An agent writes to these customers."""
    for sender in senders:
        found = conn.execute(select(conversations.c.id).where(conversations.c.address == sender)).scalar_one()
        person.say(conn, settings, found, 1, person.Said(text="Shall I call you?", client_id="once"))


def _say_after_a_rest(conn: Connection, settings: Settings, sender: str) -> None:
    """The provider has not answered for a while; somebody says "try now" and writes: the trial."""
    for number in range(MOST):
        outages.failed(conn, _account(conn), -number, "on trial")
    _end_the_rest(conn)
    _say(conn, settings, sender)


def _end_the_rest(conn: Connection) -> None:
    """Whoever died with a trial in hand has left the others waiting for its end."""
    outages.try_now(conn, _account(conn))


def _rests(conn: Connection) -> bool:
    query = select(channel_accounts.c.circuit).where(channel_accounts.c.external_id == ACCOUNT.phone_number_id)
    return conn.execute(query).scalar() is not None


def _account(conn: Connection) -> int:
    query = select(channel_accounts.c.id).where(channel_accounts.c.external_id == ACCOUNT.phone_number_id)
    return int(conn.execute(query).scalar_one())


_LEFT = Prepared(
    select(jobs.c.id, jobs.c.type, jobs.c.status, jobs.c.error).where(
        (pending() & (jobs.c.run_at <= bindparam("soon", type_=Instant))) | processing()
    )
)
_RINGING = Prepared(select(schedules.c.name).where(schedules.c.next_at <= bindparam("now", type_=Instant)))
