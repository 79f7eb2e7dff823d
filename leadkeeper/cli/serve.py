"""The process that serves: web server, embedded worker, or one of the two.

The door is opened first (`gate`), everything heavy is loaded behind it (docs/decisions/0009).
"""

import asyncio
import gc
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn

from leadkeeper.cli.gate import Gate
from leadkeeper.cli.patience import PatientProtocol
from leadkeeper.errors import LeadkeeperError

if TYPE_CHECKING:
    from leadkeeper.cli.parts import Parts

log = logging.getLogger(__name__)

GRACE_SECONDS = 5
"""Requests that run when we are told to stop get this long to end."""

WATCH_SECONDS = 0.25
"""A dead worker is noticed within this where there is no web server; the supervisor has 1 s for the whole restart."""
TICK_SECONDS = 1.0

NICENESS = 10
"""Of a worker without a web server: taking messages in goes first where both lack room, their backlog is worked off after."""

Load = Callable[[], "Parts"]
Ready = Callable[["Parts"], None]


class WorkerDied(LeadkeeperError):
    """The worker's thread has ended by itself."""

    status = 503
    code = "worker_died"


class Server(uvicorn.Server):
    """uvicorn that says at once when a stop is asked for (live streams would hold it up otherwise), and that does
    not look ten times a second whether one was."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.stopping: Callable[[], None] | None = None
        self._loop = asyncio.get_running_loop()
        self._ends = asyncio.Event()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The handler of SIGTERM and SIGINT; a second SIGINT stops at once."""
        if self.stopping is not None:
            self.stopping()
        super().handle_exit(sig, frame)
        self._loop.call_soon_threadsafe(self._ends.set)

    def end(self) -> None:
        """Stop, as a signal would; from within the loop."""
        self.should_exit = True
        self._ends.set()

    async def main_loop(self) -> None:
        """Once a second the date of the answers' heads is set anew, until the end."""
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await self._ends.wait()


def serve(listener: socket.socket, load: Load, on_ready: Ready) -> None:
    """Serve HTTP until SIGTERM or SIGINT, then stop gracefully. Raises what `load` raised."""
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises the signal once more when it has ended; the default would kill us before we have closed.
        signal.signal(number, lambda *_: None)
    with asyncio.Runner(loop_factory=_loop()) as runner:
        runner.run(_serve(listener, load, on_ready))


def work(load: Load, on_ready: Ready) -> None:
    """Run a worker without a web server until SIGTERM or SIGINT. Raises what `load` raised."""
    os.nice(NICENESS)
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    parts = _loaded(load)
    try:
        _start_worker(parts)
        on_ready(parts)
        while not asked.wait(WATCH_SECONDS):
            if not _healthy(parts):
                raise WorkerDied("the worker has died; start it again")
    finally:
        parts.close()


async def _serve(listener: socket.socket, load: Load, on_ready: Ready) -> None:
    gate = Gate()
    server = Server(
        uvicorn.Config(
            gate, http=PatientProtocol, ws="none", lifespan="off", access_log=False, log_config=None, server_header=False,
            proxy_headers=False, timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )  # fmt: skip
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        parts = await asyncio.to_thread(_loaded, load)
    except BaseException:
        server.end()
        await serving
        raise
    try:
        if not server.should_exit:
            await _through(gate, server, serving, parts, on_ready)
        await serving
    finally:
        await asyncio.to_thread(parts.close)


async def _through(gate: Gate, server: Server, serving: "asyncio.Task[None]", parts: "Parts", on_ready: Ready) -> None:
    """Open the gate, and stay until the server has ended."""
    app = parts.app
    if app is None:
        raise TypeError("a web server needs an app")
    server.stopping = app.state.site.live.close
    async with app.router.lifespan_context(app):
        gate.open(app)
        await asyncio.to_thread(_start_worker, parts)
        await asyncio.to_thread(on_ready, parts)
        log.info("serving")
        worker = parts.worker
        died = [asyncio.create_task(asyncio.to_thread(worker.wait_until_gone))] if worker is not None else []
        await asyncio.wait([serving, *died], return_when=asyncio.FIRST_COMPLETED)
        if not serving.done() and not server.should_exit:
            server.end()
            raise WorkerDied("the embedded worker has died: this process ends, to be started again")
        await serving


def _loaded(load: Load) -> "Parts":
    """What is loaded stays for good: looking through all of it for garbage stopped everything for 150 to 300 ms."""
    parts = load()
    gc.freeze()
    gc.enable()
    return parts


def _healthy(parts: "Parts") -> bool:
    return parts.worker is None or parts.worker.is_alive()


def _start_worker(parts: "Parts") -> None:
    if parts.worker is not None:
        parts.worker.start()


def _loop() -> Callable[[], asyncio.AbstractEventLoop]:
    import uvloop

    return uvloop.new_event_loop
