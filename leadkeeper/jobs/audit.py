"""Look every night, and when a person asks, whether all rows tell the same story; keep what was found for the console.

Where the provider is our own simulator its log is laid beside the rows. Real providers are never asked.
"""

import logging
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import httpx2
from sqlalchemy import Connection

from leadkeeper.crm import accounts, provider_calls, simulated
from leadkeeper.crm import audit as books
from leadkeeper.crm.provider_calls import Log
from leadkeeper.errors import Invalid
from leadkeeper.jobs.context import JobContext
from leadkeeper.queue.handlers import job
from leadkeeper.queue.outcomes import Done, Outcome
from leadkeeper.secretbox import SecretBox
from leadkeeper.store.database import Database

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 10.0
"""How long the simulator may take to tell its log."""
Fetch = Callable[[], Coroutine[Any, Any, Log | None]]


@job("audit")
async def audit(ctx: JobContext) -> Outcome:
    """Read on one snapshot, beside everything else; one row is written."""

    async def fetch() -> Log | None:
        return await of_simulator(ctx.db, ctx.http, ctx.box)

    found = await whole(ctx.db, fetch)
    for finding in found.findings:
        if finding.count:
            log.error("the audit found rows that disagree", extra={"found": finding.name, "count": finding.count})
    await ctx.db.write(books.keep, found)
    return Done()


async def whole(db: Database, fetch: Fetch) -> books.Audit:
    """The audit of all rows, and of the provider's log where `fetch` gives one."""
    heard = await fetch()
    found = await db.read(books.audit)
    if heard is None:
        return found
    compared = await db.read(provider_calls.compare, heard)
    later = await fetch() if compared.unheard else heard
    more = compared.findings(heard if later is None else later)
    return replace(found, findings=[*found.findings, *more], calls=compared.calls)


async def of_simulator(db: Database, http: httpx2.AsyncClient, box: SecretBox) -> Log | None:
    """What the simulator behind our simulated accounts has heard; None without one, or while it does not answer."""
    heard: dict[str, provider_calls.Heard] = {}
    for account in await db.read(_simulated, box):
        token = account.credentials.get("token", "")
        address = f"{account.base_url}/sim-calls/{account.external_id}"
        try:
            answer = await http.get(address, headers={"authorization": f"Bearer {token}"}, timeout=PATIENCE_SECONDS)
            if answer.status_code == 200:
                heard |= provider_calls.read_log(answer.json())
        except (httpx2.HTTPError, ValueError, Invalid) as error:
            log.warning("the simulator does not tell its log", extra={"account_id": account.id, "error": type(error).__name__})
    return heard or None


def _simulated(conn: Connection, box: SecretBox) -> list[accounts.Account]:
    found = [accounts.load(conn, box, account_id) for account_id in simulated.ids(conn)]
    return [account for account in found if account.base_url]
