"""The simulator in its own process."""

import asyncio
import json
import socket
import sys
from collections.abc import Sequence

import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from leadkeeper.simulator.app import build
from leadkeeper.simulator.behaviour import Behaviour
from leadkeeper.simulator.breaking import CUT
from leadkeeper.simulator.state import SimAccount, Simulator


class _Protocol(HttpToolsProtocol):
    """Gives each request the means to cut its own connection."""

    def on_message_begin(self) -> None:
        """A request begins: its scope is new."""
        super().on_message_begin()
        self.scope[CUT] = self._cut  # type: ignore[literal-required]  # an entry of our own

    def _cut(self, hard: bool) -> None:
        if hard:
            self.transport.abort()
        else:
            self.transport.close()


def run(accounts: Sequence[SimAccount] = (), host: str = "127.0.0.1", port: int = 0, behaviour: Behaviour | None = None) -> None:
    """Serve until interrupted. Prints one line of JSON first: {"address": "http://127.0.0.1:<port>"}."""
    with socket.socket() as listening:  # named, so that connections get TCP_NODELAY
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(2_048)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(listening, accounts, behaviour))


async def _serve(listening: socket.socket, accounts: Sequence[SimAccount], behaviour: Behaviour | None) -> None:
    simulator = Simulator(behaviour=behaviour)
    for account in accounts:
        simulator.connect(account)
    config = uvicorn.Config(
        build(simulator), http=_Protocol, lifespan="off", log_level="error", access_log=False, timeout_graceful_shutdown=1
    )
    host, port = listening.getsockname()[:2]
    sys.stdout.write(json.dumps({"address": f"http://{host}:{port}"}) + "\n")
    sys.stdout.flush()
    try:
        await uvicorn.Server(config).serve(sockets=[listening])
    finally:
        await simulator.deliverer.stop()
