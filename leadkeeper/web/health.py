"""What probes ask: /healthz, is the process alive; /readyz, can it do its work, and if not, what is missing.

Anybody may ask, so /readyz asks the database at most once a second, whoever calls how often; five times
while something is missing, so that who waits for a start learns of it at once.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from leadkeeper import clock
from leadkeeper.errors import LeadkeeperError, SchemaMismatch
from leadkeeper.queue import control
from leadkeeper.store import migrate, probe
from leadkeeper.store.room import free_bytes
from leadkeeper.web.access import Access
from leadkeeper.web.routes import hook
from leadkeeper.web.site import Site

FRESH_SECONDS = 1.0
FAILING_SECONDS = 0.2
NO_STORE = {"cache-control": "no-store"}


@dataclass(frozen=True, slots=True)
class Readiness:
    """The result of each check: None when it holds, else what is wrong."""

    checks: Mapping[str, str | None]
    at: float

    @property
    def failing(self) -> list[str]:
        """The names of the checks that do not hold."""
        return [name for name, problem in self.checks.items() if problem is not None]

    @property
    def is_fresh(self) -> bool:
        """True while it need not be looked at again."""
        return clock.monotonic() - self.at < (FAILING_SECONDS if self.failing else FRESH_SECONDS)


_kept: "WeakKeyDictionary[Site, Readiness]" = WeakKeyDictionary()
_asking: "WeakKeyDictionary[Site, asyncio.Task[Readiness]]" = WeakKeyDictionary()


@hook("/healthz", method="GET", access=Access.PUBLIC)
async def healthz(request: Request) -> Response:
    """The process lives; says nothing of the database."""
    return JSONResponse({"ok": True, "product": "leadkeeper"}, headers=NO_STORE)


@hook("/readyz", method="GET", access=Access.PUBLIC)
async def readyz(request: Request) -> Response:
    """200 when messages can be stored and are worked on; else 503 with the failing checks named."""
    found = await readiness(request.state.site)
    checks = {name: "ok" if problem is None else problem for name, problem in found.checks.items()}
    body = {"ok": not found.failing, "checks": checks, "failing": found.failing}
    return JSONResponse(body, status_code=503 if found.failing else 200, headers=NO_STORE)


async def readiness(site: Site) -> Readiness:
    """Every check, fresh; callers that come together share one look."""
    kept = _kept.get(site)
    if kept is not None and kept.is_fresh:
        return kept
    task = _asking.get(site)
    if task is None or task.done():
        task = _asking[site] = asyncio.create_task(_look(site))
    return await asyncio.shield(task)


async def _look(site: Site) -> Readiness:
    settings = await site.settings()
    free = await asyncio.to_thread(free_bytes, settings.data_dir)
    fresh = await _problem(site.db.read(control.live_workers), "no worker has a fresh heartbeat")
    reserve = settings.disk_reserve_mb * 1_000_000
    checks = {
        "databaseWrite": await _problem(site.db.write(probe.write)),
        "schema": await _problem(site.db.read(migrate.check)),
        "disk": None if free >= reserve else f"{free // 1_000_000} MB free, {settings.disk_reserve_mb} MB are kept",
        "worker": fresh,
    }
    found = _kept[site] = Readiness(checks, clock.monotonic())
    return found


async def _problem(asked: Awaitable[object], when_empty: str | None = None) -> str | None:
    """What is wrong with what was asked of the database: its error, or an empty list where that is one."""
    try:
        answer = await asked
    except SchemaMismatch as error:
        return error.message
    except LeadkeeperError as error:
        return error.code
    except SQLAlchemyError as error:
        return type(error).__name__
    return when_empty if when_empty is not None and not answer else None
