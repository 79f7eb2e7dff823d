"""The demo inside the web app: a lifespan for `build(..., lifespan=demo.lifespan)`."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette

from leadkeeper.config import Settings
from leadkeeper.example import demo
from leadkeeper.web.simulated import Simulated
from leadkeeper.web.site import Site


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Customers write for as long as the app lives."""
    site: Site = app.state.site
    simulated: Simulated = app.state.simulated
    settings = await site.settings()
    await simulated.open(_own_address(settings))
    writing = asyncio.create_task(demo.start(site.db, settings, site.box, simulated.say))
    try:
        yield
    finally:
        writing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writing


def _own_address(settings: Settings) -> str:
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::", "localhost") else settings.host  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}/simulated"
