"""The processes of a simulated world: each can be killed or stopped for a while at any moment, and knows nothing of it."""

import asyncio
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from pathlib import Path
from random import Random
from typing import Any

import httpx2

from leadkeeper.cli.faults.outside import Network, Outside
from leadkeeper.cli.faults.virtual import Died, InlineDatabase
from leadkeeper.config import Settings
from leadkeeper.jobs.context import Toolbox
from leadkeeper.knowledge.index import SearchIndex
from leadkeeper.queue.prune import KEPT
from leadkeeper.secretbox import SecretBox
from leadkeeper.store.calls import Call
from leadkeeper.worker.identity import Identity
from leadkeeper.worker.shift import Shift
from leadkeeper.worker.step import run_leased

_OF: ContextVar["Process | None"] = ContextVar("process", default=None)
GRACE_SECONDS = 5.0


def track(loop: asyncio.AbstractEventLoop, coro: Any, **more: Any) -> "asyncio.Task[Any]":
    """A task factory that remembers which process a task belongs to."""
    task: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, **more)
    process = _OF.get()
    if process is not None:
        process.tasks.add(task)
        task.add_done_callback(process.tasks.discard)
    return task


class Process:
    """One process with its own way to the database. `trouble`: the share of its writes that come to grief, `fates`: how."""

    fates: Sequence[str] = ("fails", "in_doubt")

    def __init__(self, url: str, random: Random, on_step: Callable[[], None], on_death: "Callable[[Process], None]") -> None:
        self.random = random
        self.dead = False
        self.trouble = 0.0
        self.tasks: set[asyncio.Task[Any]] = set()
        self._stopped_until = 0.0
        self._on_step = on_step
        self._on_death = on_death
        self.db = InlineDatabase(url, self)

    def delay(self) -> float:
        """Seconds until its next access to the database: soon, or when it is let go on."""
        now = asyncio.get_running_loop().time()
        return max(self._stopped_until - now, 0.0) + self.random.expovariate(500)

    def fate(self, *, reading: bool) -> str:
        """What becomes of this access."""
        if self.random.random() >= self.trouble * (0.3 if reading else 1.0):
            return "goes_well"
        return "fails" if reading else self.random.choice(self.fates)

    def asked(self, call: Call) -> None:
        """A write is asked for; a step of the worker counts when it has something to record or to run."""
        if call.run is run_leased and (call.args[0].results or call.args[0].prepared):
            self._on_step()

    def stop_for(self, seconds: float) -> None:
        """SIGSTOP now, SIGCONT then."""
        self._stopped_until = asyncio.get_running_loop().time() + seconds

    def die(self) -> None:
        """SIGKILL: nothing of it goes on, nothing of it is tidied up."""
        if self.dead:
            return
        self.dead = True
        for task in list(self.tasks):
            task.cancel()
        self._on_death(self)

    async def held_up(self) -> None:
        """Wait while it is stopped. Raises Died once it is dead."""
        if not self.dead:
            await asyncio.sleep(max(0.0, self._stopped_until - asyncio.get_running_loop().time()))
        if self.dead:
            raise Died

    def close(self) -> None:
        """Let go of its connections."""
        self.db.close()


class WorkerProcess(Process):
    """A worker: the real shift with its pump, heart and chores."""

    fates = ("fails", "fails", "in_doubt", "dies_before", "dies_after")

    def __init__(
        self, url: str, random: Random, settings: Settings, outside: Outside,
        on_step: Callable[[], None], on_death: Callable[[Process], None],
    ) -> None:  # fmt: skip
        super().__init__(url, random, on_step, on_death)
        self._identity = Identity(settings.data_dir)
        self._http = httpx2.AsyncClient(transport=Network(outside, self.held_up))
        toolbox = Toolbox(self.db, settings, self._http, SecretBox.open(settings.data_dir), SearchIndex())
        self.shift = Shift(self.db, settings, toolbox, self._identity, GRACE_SECONDS, KEPT)
        mark = _OF.set(self)
        try:
            self.running = asyncio.get_running_loop().create_task(self.shift.run(lambda: None))
        finally:
            _OF.reset(mark)
        self._lock = Path(self._identity.folder / f"{self._identity.id}.lock")

    def die(self) -> None:
        """Its lock is free from now on, and its file stays."""
        if not self.dead:
            self._identity.give_up()
            self._lock.touch()
        super().die()

    async def leave(self) -> None:
        """End in an orderly way."""
        self.shift.stop()
        await asyncio.wait([self.running])
        self._identity.give_up()
        await self._http.aclose()
