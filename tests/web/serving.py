"""An app on a real socket: for what a caller in process cannot see."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp

from leadkeeper.cli.patience import PatientProtocol


@asynccontextmanager
async def served(app: ASGIApp, protocol: type[PatientProtocol] = PatientProtocol) -> AsyncIterator[int]:
    """Serve `app` on loopback; the port."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, http=protocol, ws="none", lifespan="off", log_config=None))
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells nobody
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await running
