"""A business in a world where everything goes wrong, step by step, as a seed will have it."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Connection, select

from leadkeeper.cli.faults.business import ACCOUNT
from leadkeeper.cli.faults.outside import Moods, Outside
from leadkeeper.cli.faults.processes import Process, WorkerProcess, track
from leadkeeper.cli.faults.virtual import Died, VirtualLoop
from leadkeeper.config import Settings
from leadkeeper.crm import accounts, conversations, inbound, messages
from leadkeeper.errors import CommitUnknown, LeadkeeperError, Unavailable
from leadkeeper.jobs import person, redrive
from leadkeeper.queue import control
from leadkeeper.secretbox import SecretBox
from leadkeeper.simulator import payloads
from leadkeeper.store.schema import conversations as talks
from leadkeeper.store.schema import jobs
from leadkeeper.store.schema import messages as said
from leadkeeper.web.webhooks import taken_apart

BEGINNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TEXTS = (
    "What are your opening hours?", "Where is your office?", "Do you repair steam locomotives?", "thanks", "hello", "ok",
    "I want to talk to a human", "STOP", "start", "Is anybody there?", "What are your opening hours? Where is your office?",
)  # fmt: skip
CUSTOMERS = 6
WORKERS = 2
USER = 1
CALM_SECONDS = 900
"""After the last step nothing goes wrong any more for so long; then everything must have come to an end."""
REPEATS_SECONDS = 2.0
HINTS_HEARD = 0.95


class World:
    """One seed's world. `run` lives it; `outside` and `resent` are what it is judged by, beside the rows."""

    def __init__(self, folder: Path, url: str, seed: int, steps: int, settings: Settings) -> None:
        self.random = Random(seed)
        self.left = steps
        self.settings = settings
        self.resent: set[int] = set()
        self.acknowledged: set[str] = set()
        self.trace: list[str] = []
        self._folder, self._url = folder, url
        self._box = SecretBox.open(folder)
        self._workers: list[WorkerProcess] = []
        self._graveyard: list[Process] = []
        self._numbers = 0
        self._broken: BaseException | None = None
        self.loop = VirtualLoop()
        self.outside = Outside(self.random, self._delivered)

    def now(self) -> datetime:
        """The wall clock of this world."""
        return BEGINNING + timedelta(seconds=self.loop.time())

    def seconds(self) -> float:
        """Its clock that never jumps."""
        return self.loop.time()

    def run(self, judge: Callable[[Connection, "World"], list[str]]) -> list[str]:
        """Live until the steps are used up, calm down, and be judged."""
        self.loop.set_task_factory(track)
        self.loop.set_exception_handler(self._unhandled)
        try:
            return self.loop.run_until_complete(self._live(judge))
        except RuntimeError as error:
            raise (self._broken or error) from error
        finally:
            self.loop.close()

    def _unhandled(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What tasks of the dead leave behind is nobody's business. A callback that raises is an error in this world itself."""
        error = context.get("exception")
        if "handle" in context and error is not None and not isinstance(error, Died):
            self._broken = error
            loop.stop()

    async def _live(self, judge: Callable[[Connection, "World"], list[str]]) -> list[str]:
        self.outside.moods = Moods.drawn(self.random)
        self._web = Process(self._url, self.random, lambda: None, self._buried)
        for _ in range(WORKERS):
            self._hire()
        while self.left > 0:
            await self._something_happens()
            await asyncio.sleep(self.random.choice((0.0, 0.01, 0.1, 1.0, 10.0)) * self.random.random())
        await self._calm_down()
        findings = await self._web.db.read(judge, self)
        for worker in self._workers:
            await worker.leave()
        for process in [self._web, *self._workers, *self._graveyard]:
            process.close()
        return findings

    async def _something_happens(self) -> None:
        act, weights = zip(*self._ACTS, strict=True)
        chosen = self.random.choices(act, weights)[0]
        self.trace.append(f"{self.loop.time():.3f} {chosen.__name__}")
        await chosen(self)

    async def _customer_writes(self) -> None:
        sender = f"97150000000{self.random.randrange(CUSTOMERS)}"
        self._numbers += 1
        wamid = f"wamid.IN{self._numbers}"
        message = payloads.message(wamid, sender, payloads.text(self.random.choice(TEXTS)), self.now().timestamp())
        body = payloads.envelope(ACCOUNT, payloads.messages_value(ACCOUNT, [message], {sender: "Sara"}))
        self.acknowledged.add(wamid)  # it is posted until it is answered 200
        for _ in range(self.random.choice((1, 1, 1, 2))):
            self._delivered(body)

    async def _agent_writes(self) -> None:
        def say(conn: Connection) -> None:
            ids = conn.execute(select(talks.c.id)).scalars().all()
            if ids:
                said_now = person.Said(text="Shall I call you?", override="asked on the phone")
                person.say(conn, self.settings, self.random.choice(ids), USER, said_now)

        await self._by_hand(say)

    async def _agent_gives_back(self) -> None:
        def give_back(conn: Connection) -> None:
            ids = conn.execute(select(talks.c.id).where(talks.c.owner != "ai")).scalars().all()
            if ids:
                conversations.give_back(conn, self.random.choice(ids), USER)

        await self._by_hand(give_back)

    async def _agent_settles(self) -> None:
        def settle(conn: Connection) -> None:
            ids = conn.execute(select(said.c.id).where(said.c.state.in_(messages.IN_DOUBT))).scalars().all()
            for message_id in ids[:1]:
                if self.random.random() < 0.5:
                    person.it_arrived(conn, message_id, USER)
                else:
                    person.resend(conn, message_id, USER)
                    self.resent.add(message_id)

        await self._by_hand(settle)

    async def _agent_retries(self) -> None:
        def retry(conn: Connection) -> None:
            rows = conn.execute(select(jobs.c.id, jobs.c.data).where(jobs.c.status == "failed")).all()
            for row in rows[:1]:
                self.resent.add(int(row.data.get("messageId", 0)))
                redrive.retry(conn, row.id, USER)

        await self._by_hand(retry)

    async def _agent_cancels(self) -> None:
        def cancel(conn: Connection) -> None:
            ids = conn.execute(select(jobs.c.id).where(jobs.c.status.in_(("pending", "processing")))).scalars().all()
            if ids:
                redrive.cancel(conn, self.random.choice(ids), USER)

        await self._by_hand(cancel)

    async def _account_is_resumed(self) -> None:
        await self._by_hand(lambda conn: accounts.resume(conn, self._account(conn).id))

    async def _workers_stop_or_start(self) -> None:
        state: control.State = self.random.choice(("stopped", "running", "running"))
        await self._by_hand(lambda conn: control.choose(conn, state))

    async def _a_worker_dies(self) -> None:
        if self._workers:
            self.random.choice(self._workers).die()

    async def _a_worker_stalls(self) -> None:
        if self._workers:
            self.random.choice(self._workers).stop_for(self.random.choice((1, 10, 20, 60)))

    async def _the_disk_has_a_day(self) -> None:
        for process in [self._web, *self._workers]:
            process.trouble = self.random.choice((0.0, 0.0, 0.02, 0.2))

    async def _the_mood_changes(self) -> None:
        self.outside.moods = Moods.drawn(self.random)

    async def _time_passes(self) -> None:
        await asyncio.sleep(self.random.choice((20.0, 20.0, 60.0, 700.0)))

    _ACTS = (
        (_customer_writes, 40), (_agent_writes, 4), (_agent_gives_back, 6), (_agent_settles, 4), (_agent_retries, 3),
        (_agent_cancels, 1), (_account_is_resumed, 3), (_workers_stop_or_start, 2), (_a_worker_dies, 3),
        (_a_worker_stalls, 3), (_the_disk_has_a_day, 2), (_the_mood_changes, 4), (_time_passes, 1),
    )  # fmt: skip

    async def _by_hand(self, act: Callable[[Connection], Any]) -> None:
        """What an agent does at the console; a refusal or an outage is theirs to read."""
        try:
            await self._web.db.write(act)
        except LeadkeeperError as error:
            self.trace.append(f"  refused: {error}")

    async def _calm_down(self) -> None:
        self.outside.moods = Moods()
        for process in [self._web, *self._workers]:
            process.trouble = 0.0
        while len(self._workers) > 1:
            await self._workers.pop().leave()
        for _ in range(2):  # an answer on its way may still halt the account
            await self._web.db.write(self._everything_runs)
            await asyncio.sleep(CALM_SECONDS / 2)

    def _everything_runs(self, conn: Connection) -> None:
        control.choose(conn, "running")
        accounts.resume(conn, self._account(conn).id)

    def _delivered(self, body: dict[str, Any]) -> None:
        """A webhook comes, again and again until it is answered 200."""
        self.loop.create_task(self._post(body))

    async def _post(self, body: dict[str, Any]) -> None:
        while True:
            try:
                account = await self._web.db.read(self._account)
                delivery = taken_apart("whatsapp", json.dumps(body).encode(), [account])
                await self._web.db.write_batch(inbound.accept, delivery)
                return
            except (Unavailable, CommitUnknown):
                await asyncio.sleep(REPEATS_SECONDS)

    def _account(self, conn: Connection) -> accounts.Account:
        return accounts.of_channel(conn, self._box, "whatsapp")[0]

    def _hire(self) -> None:
        worker = WorkerProcess(self._url, self.random, self.settings, self.outside, self._stepped, self._buried)
        self._workers.append(worker)
        for one in [self._web, *self._workers]:
            if one is not worker:
                self._lets_hear(one, worker)
                self._lets_hear(worker, one)

    def _lets_hear(self, one: Process, other: Process) -> None:
        """What one process commits the other hears a little later, as by NOTIFY; now and then a hint is lost."""
        heard = "heard from elsewhere"

        def tell(topics: frozenset[str]) -> None:
            if heard not in topics and not other.dead and self.random.random() < HINTS_HEARD:
                self.loop.call_later(0.005, lambda: None if other.dead else other.db.announce(topics | {heard}))

        one.db.listen(tell)

    def _stepped(self) -> None:
        self.left -= 1

    def _buried(self, dead: Process) -> None:
        """A supervisor starts another one in its place."""
        self.trace.append(f"{self.loop.time():.3f}   died")
        self._graveyard.append(dead)
        if isinstance(dead, WorkerProcess):
            self._workers.remove(dead)
            self.loop.call_later(0.5, self._hire)
        else:
            self._web = Process(self._url, self.random, lambda: None, self._buried)
